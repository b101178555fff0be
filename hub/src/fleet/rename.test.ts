import { expect, it } from 'vitest';
import type { AdoptedRecord, ClusterRecord } from './records.ts';
import { createRenames } from './rename.ts';
import { createMemoryTable } from './testing/memory-records.ts';

async function createFixture(busy: { plan?: string; rollout?: string } = {}) {
  const clusters = createMemoryTable<ClusterRecord>();
  const adopted = createMemoryTable<AdoptedRecord>();
  const record = { server: 'https://a', labels: {}, annotations: {}, publicKey: 'UA', uid: 'u', enrolledAt: '' };
  await clusters.put('a', { ...record, name: 'a' }, 0);
  const renames = createRenames({
    records: { clusters, adopted },
    clusters: { find: () => undefined },
    documents: { find: async () => undefined, publish: async () => 1 },
    withdrawals: () => [],
    namedAfter: () => [],
    planOn: () => busy.plan,
    rolloutOn: () => busy.rollout,
    isHeard: () => true,
    purge: async () => undefined,
    audit: { append: async () => undefined },
    now: () => new Date(0),
  });
  return { clusters, adopted, renames };
}

it('gives a cluster back the name that it had before', async () => {
  const { clusters, renames } = await createFixture();
  await renames.rename('a', 'b', { by: 'anna' });
  await renames.settle();
  await renames.rename('b', 'a', { by: 'anna' });
  await renames.settle();
  expect(clusters.list()).toMatchObject([{ name: 'a', formerNames: ['b'] }]);
});

it('takes along what was taken over from it, also when it was interrupted before that', async () => {
  const { adopted, renames } = await createFixture();
  const unexplained = [{ app: 'web', ns: '', project: 'default', revision: 'r', bundle: 'b' }];
  await adopted.put('a', { cluster: 'a', generation: 7, unexplained }, 0);
  await renames.rename('a', 'b', { by: 'anna' });
  expect(adopted.list()).toEqual([{ cluster: 'b', generation: 7, unexplained }]);
  await adopted.put('a', { cluster: 'a', unexplained: [] }, 0);
  await renames.settle();
  expect(adopted.list()).toEqual([{ cluster: 'b', generation: 7, unexplained }]);
});

it.each([
  ['a plan is at work on the cluster', { plan: 'p1' }, 'plan p1 is at work on cluster a'],
  ['a run has the cluster', { rollout: 'rollout.argocd.web' }, 'a run of rollout.argocd.web has cluster a'],
])('is refused while %s', async (_what, busy, message) => {
  const { clusters, renames } = await createFixture(busy);
  await expect(renames.rename('a', 'b', { by: 'anna' })).rejects.toMatchObject({
    code: 'Conflict',
    message: expect.stringContaining(message) as string,
  });
  expect(clusters.find('a')?.name).toBe('a');
});
