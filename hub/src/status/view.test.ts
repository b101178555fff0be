import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Application } from '@wheelhouse/shared/resources/application';
import { applicationStatus } from '@wheelhouse/shared/resources/application-status';
import { describe, expect, it } from 'vitest';
import type { Resolution } from '../assign/resolve.ts';
import { applicationOf, indexedOf, outcomeOf, startedAt, statusOf } from '../testing/hub-state.ts';
import { formatBrief, formatView, formatWithdrawnView, type ViewInput } from './view.ts';

const indexed = indexedOf(applicationOf('shop'));
const { record } = outcomeOf('key');
const assigned = {
  app: 'shop',
  ns: '',
  project: '',
  revision: 'c0ffee',
  bundle: record?.digest ?? '',
  vars: {},
  policy: { syncOptions: [] },
  wave: 0,
};
const resolution: Resolution = { app: assigned, revision: 'c0ffee', problems: [], warnings: [] };

function inputOf(fields: Partial<ViewInput> = {}): ViewInput {
  return {
    indexed,
    resolution,
    status: statusOf('shop'),
    lastSeen: startedAt,
    now: startedAt,
    problems: [],
    ...fields,
  };
}

/** In Argo CD's shape, or it throws. */
const shownIn = (application: Application) => applicationStatus.parse(application.status);
const shownOf = (input: ViewInput) => shownIn(formatView(input).application);
const problem = { code: 'RenderFailed', message: 'helm failed' };

describe('sync and health', () => {
  it.each<[string, Partial<ViewInput>, [sync: string, health: string]]>([
    ['as reported', {}, ['Synced', 'Healthy']],
    ['not yet reported', { status: undefined }, ['Unknown', 'Missing']],
    ['of another bundle', { status: statusOf('shop', { bundle: 'sha256:old' }) }, ['OutOfSync', 'Healthy']],
    ['with a problem', { problems: [problem] }, ['Unknown', 'Healthy']],
    ['before it is rendered', { resolution: { problems: [], warnings: [] } }, ['Unknown', 'Healthy']],
    ['of a parent', { resolution: { hubBundle: 'sha256:one', problems: [], warnings: [] } }, ['Synced', 'Healthy']],
    [
      'OutOfSync by its own word',
      { status: statusOf('shop', { sync: 'OutOfSync', health: { status: 'Degraded' } }) },
      ['OutOfSync', 'Degraded'],
    ],
  ])('%s', (_name, fields, [sync, health]) => {
    const { sync: shown, health: found } = shownOf(inputOf(fields));
    expect([shown?.status, found?.status]).toEqual([sync, health]);
    expect(formatBrief(inputOf(fields))).toMatchObject({ sync, health });
  });
});

describe('age', () => {
  it.each<[string, Partial<ViewInput>, number | undefined, boolean]>([
    ['just seen', {}, 0, false],
    ['seen 90 s ago', { now: startedAt + 90_000 }, 90_000, false],
    ['seen longer ago', { now: startedAt + 90_001 }, 90_001, true],
    ['reported after it was last seen', { lastSeen: startedAt - 60_000, now: startedAt + 1 }, 1, false],
    ['reported by a cluster that was never seen', { lastSeen: undefined, now: startedAt + 91_000 }, 91_000, true],
    ['of a clock that runs ahead', { now: startedAt - 5_000 }, 0, false],
    ['never reported', { status: undefined, now: startedAt + 91_000 }, undefined, false],
  ])('%s', (...[, fields, ageMs, stale]) => {
    const view = formatView(inputOf(fields));
    expect({ ageMs: view.ageMs, stale: view.stale }).toEqual({ ageMs, stale });
  });
});

describe('conditions', () => {
  it.each<[string, Partial<ViewInput>, string[]]>([
    ['none', {}, []],
    ['a problem of rendering', { problems: [problem] }, ['ComparisonError helm failed']],
    [
      'a problem of the spec',
      { problems: [{ code: 'UnknownDestination', message: 'no mars' }] },
      ['InvalidSpecError no mars'],
    ],
    [
      'a warning of the render',
      { resolution: { ...resolution, warnings: ['skipped a file'] } },
      ['RenderWarning skipped a file'],
    ],
    [
      'a repeated object',
      { resolution: { ...resolution, warnings: ['ConfigMap a appears more than once'] } },
      ['RepeatedResourceWarning ConfigMap a appears more than once'],
    ],
    [
      'a value that looks like a token',
      { resolution: { ...resolution, warnings: ['TokenInManifestWarning: ConfigMap a has one'] } },
      ['TokenInManifestWarning ConfigMap a has one'],
    ],
    [
      'a field without effect',
      { indexed: { ...indexed, origin: { type: 'spec', warnings: ['spec.x: unknown field'] } } },
      ['InvalidSpecWarning spec.x: unknown field'],
    ],
    [
      'what its spoke says',
      { status: statusOf('shop', { conditions: [{ type: 'SyncError', message: 'denied' }] }) },
      ['SyncError denied'],
    ],
  ])('%s', (_name, fields, conditions) => {
    expect(shownOf(inputOf(fields)).conditions?.map(({ type, message }) => `${type} ${message}`)).toEqual(conditions);
  });
});

it('shows resources and the operation as Argo CD does', () => {
  const resource = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'default', name: 'web' };
  const operation = {
    phase: 'Running' as const,
    message: 'waiting',
    revision: 'd00d',
    startedAt: '2026-01-01T00:00:00Z',
    retryCount: 1,
  };
  const status: AppStatus = statusOf('shop', {
    operation,
    resources: [
      { ...resource, sync: 'OutOfSync', health: 'Degraded', message: 'crashed' },
      { ...resource, name: 'old', sync: 'OutOfSync', message: 'denied' },
    ],
  });
  const shown = shownOf(inputOf({ status }));
  expect(shown.resources).toEqual([
    { ...resource, status: 'OutOfSync', health: { status: 'Degraded', message: 'crashed' } },
    { ...resource, name: 'old', status: 'OutOfSync', message: 'denied' },
  ]);
  expect(shown.operationState).toMatchObject({
    phase: 'Running',
    retryCount: 1,
    operation: { sync: { revision: 'd00d' }, initiatedBy: { automated: true } },
  });
  const asked = shownOf(inputOf({ status: { ...status, operation: { ...operation, id: '7' } } }));
  expect(asked.operationState?.operation).toEqual({ sync: { revision: 'd00d' }, info: [{ name: 'id', value: '7' }] });
});

it('shows what is withdrawn as being deleted, with the reason and who it waits for', () => {
  const at = '2026-01-01T00:00:00Z';
  const withdrawal = {
    app: 'shop',
    cluster: 'east',
    reason: 'deleted by ann',
    cascade: true,
    by: 'ann',
    at,
    application: applicationOf('shop'),
  };
  const { application } = formatWithdrawnView(withdrawal, {
    status: statusOf('shop'),
    lastSeen: startedAt,
    now: startedAt,
  });
  expect(application.metadata).toMatchObject({ name: 'shop', deletionTimestamp: at });
  expect(shownIn(application).conditions).toEqual([
    { type: 'DeletionInProgress', message: 'deleted by ann; waiting for cluster east to confirm' },
  ]);
  const silent = { status: statusOf('shop'), lastSeen: startedAt, now: startedAt + 600_000 };
  const fenced = formatWithdrawnView(withdrawal, silent);
  expect(fenced.stale).toBe(true);
  expect(fenced.application.status).toMatchObject({
    health: {
      status: 'Unknown',
      message: expect.stringMatching(/fenced: cluster east is silent .*was Healthy as of 20/) as string,
    },
    sync: { status: 'Unknown' },
  });
});

it.each<[string, 'Surge' | 'Never', string]>([
  ['leaves', 'Surge', 'plan p1: leaves east as soon as what arrives in its stead is ready'],
  ['stays', 'Never', 'plan p1: stays on east by policy Never until a person withdraws it'],
])('says by which plan an Application %s', (...[_what, policy, message]) => {
  const resolution: Resolution = { problems: [], warnings: [] };
  const input = { indexed, resolution, status: statusOf('shop'), lastSeen: startedAt, now: startedAt, problems: [] };
  const { application } = formatView({ ...input, leaving: { plan: 'p1', state: 'retained', policy } });
  expect(shownIn(application).conditions).toContainEqual({ type: 'Leaving', message });
});

it('does not say of an Application that arrives that it leaves', () => {
  const resolution: Resolution = { problems: [], warnings: [] };
  const input = { indexed, resolution, status: statusOf('shop'), lastSeen: startedAt, now: startedAt, problems: [] };
  const leaving = { plan: 'p1', state: 'retained', policy: 'Surge', comes: true } as const;
  const { application } = formatView({ ...input, leaving });
  expect(shownIn(application).conditions).not.toContainEqual(expect.objectContaining({ type: 'Leaving' }));
});
