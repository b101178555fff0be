import type { AssignedPolicy } from '@wheelhouse/shared/protocol/document';
import type { ApplicationSpec } from '@wheelhouse/shared/resources/application';
import { describe, expect, it } from 'vitest';
import { applicationOf } from '../testing/hub-state.ts';
import { assignedPolicy } from './policy.ts';

type SyncPolicy = NonNullable<ApplicationSpec['syncPolicy']>;

const manual = { syncOptions: [] };
const none = { prune: false, selfHeal: false, allowEmpty: false };
const backoff = { durationMs: 5_000, factor: 2, maxDurationMs: 180_000 };

describe('the policy of a spoke', () => {
  it.each<[string, SyncPolicy | undefined, AssignedPolicy]>([
    ['nothing said', undefined, manual],
    ['automated', { automated: {} }, { ...manual, automated: none }],
    [
      'automated, all of it',
      { automated: { prune: true, selfHeal: true, allowEmpty: true } },
      { ...manual, automated: { prune: true, selfHeal: true, allowEmpty: true } },
    ],
    ['automated, switched off', { automated: { enabled: false, prune: true } }, manual],
    ['automated, switched on', { automated: { enabled: true } }, { ...manual, automated: none }],
    ['options', { syncOptions: ['CreateNamespace=true'] }, { syncOptions: ['CreateNamespace=true'] }],
    ['retry with defaults', { retry: {} }, { ...manual, retry: { limit: 0, backoff } }],
    [
      'retry as in the seed',
      { retry: { limit: 5, backoff: { duration: '10s', factor: 3, maxDuration: '3m' } } },
      { ...manual, retry: { limit: 5, backoff: { durationMs: 10_000, factor: 3, maxDurationMs: 180_000 } } },
    ],
    [
      'retry in bare seconds',
      { retry: { limit: 1, backoff: { duration: '7' } } },
      { ...manual, retry: { limit: 1, backoff: { ...backoff, durationMs: 7_000 } } },
    ],
    [
      'retry whose wait has no end',
      { retry: { backoff: { maxDuration: '-1m' } } },
      { ...manual, retry: { limit: 0, backoff: { ...backoff, maxDurationMs: -60_000 } } },
    ],
    ['retry without end', { retry: { limit: -1 } }, { ...manual, retry: { limit: -1, backoff } }],
    [
      'labels of the namespace',
      { managedNamespaceMetadata: { labels: { a: 'b' } } },
      { ...manual, managedNamespaceMetadata: { labels: { a: 'b' } } },
    ],
  ])('%s', (_name, syncPolicy, policy) => {
    const spec = syncPolicy ? { syncPolicy } : {};
    expect(assignedPolicy(applicationOf('shop', { spec }).spec)).toEqual(policy);
  });

  it('names ignored differences only where there are any', () => {
    const ignore = [{ kind: 'Deployment', jsonPointers: ['/spec/replicas'] }];
    expect(
      assignedPolicy(applicationOf('shop', { spec: { ignoreDifferences: ignore } }).spec).ignoreDifferences,
    ).toEqual(ignore);
    expect(assignedPolicy(applicationOf('shop', { spec: { ignoreDifferences: [] } }).spec)).toEqual(manual);
  });
});
