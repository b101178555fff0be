import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { expect, it } from 'vitest';
import { bundlesInUse } from './bundles-in-use.ts';
import { outcomeOf, statusOf } from './testing/hub-state.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const assigned = {
  ns: 'default',
  project: 'default',
  revision: 'c0ffee',
  vars: {},
  policy: { syncOptions: [] },
  wave: 0,
};

function documentOf(cluster: string, bundle: string): AssignmentDocument {
  const apps = [{ ...assigned, app: 'argocd/shop', bundle }];
  return { v: 1, cluster, gen: 1, kid: 'k', issuedAt: '2026-01-01T00:00:00Z', apps, ops: [], tombstones: [] };
}

it('whatever is rendered, assigned, running or recorded keeps its bundle', async () => {
  const stored = { document: documentOf('east', digest('c')), seq: 1, page: digest('d') };
  const used = await bundlesInUse({
    stores: {
      derived: {
        renders: () => [
          outcomeOf('one', digest('a')),
          outcomeOf('two', digest('a'), { rest: { digest: digest('b'), empty: false } }),
        ],
      },
      documents: {
        loaded: async () => undefined,
        clusters: () => ['east', 'gone'],
        find: async (cluster) => (cluster === 'east' ? stored : undefined),
      },
      rollouts: { list: () => [{ pins: { shop: { now: { bundle: digest('e') }, before: digest('f') } } }] },
      records: { plans: { list: () => [{ moves: [`from ${digest('0')} to ${digest('1')}`] }] } },
    },
    statuses: { ofCluster: (cluster) => (cluster === 'east' ? [statusOf('shop', { bundle: digest('2') })] : []) },
  });
  expect([...used].sort()).toEqual(['0', '1', '2', 'a', 'b', 'c', 'd', 'e', 'f'].map(digest));
});

it('a document that cannot be read keeps everything', async () => {
  const used = bundlesInUse({
    stores: {
      derived: { renders: () => [] },
      documents: {
        loaded: async () => undefined,
        clusters: () => ['east'],
        find: async () => await Promise.reject(new Error('nats is down')),
      },
      rollouts: { list: () => [] },
      records: { plans: { list: () => [] } },
    },
    statuses: { ofCluster: () => [] },
  });
  await expect(used).rejects.toThrow('nats is down');
});
