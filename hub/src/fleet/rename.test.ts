import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { expect, it } from 'vitest';
import { createFuse } from '../store/testing/fuse.ts';
import type { AdoptedRecord, ClusterRecord } from './records.ts';
import { createRenames } from './rename.ts';
import { createMemoryTable, throughFuse } from './testing/memory-records.ts';

const at = '2026-01-01T00:00:00.000Z';
const record = { server: 'https://a', labels: {}, annotations: {}, publicKey: 'UA', uid: 'u', enrolledAt: at };
const web = { app: 'web', ns: '', project: 'default', revision: 'r', bundle: 'b' };

function documentOf(cluster: string, fields: Partial<AssignmentDocument> = {}): AssignmentDocument {
  const apps = [{ ...web, vars: {}, policy: { syncOptions: [] }, wave: 0 }];
  const known = {
    v: 1 as const,
    cluster,
    gen: 7,
    kid: 'k',
    issuedAt: at,
    ops: [],
    tombstones: [],
    registration: record,
  };
  return { ...known, apps, ...fields };
}

function createDocuments(write: () => void) {
  const stored = new Map<string, { document: AssignmentDocument; seq: number }>();
  return {
    find: async (name: string) => stored.get(name),
    publish: async (document: AssignmentDocument, expectedSeq: number) => {
      write();
      if ((stored.get(document.cluster)?.seq ?? 0) !== expectedSeq) throw new FleetError('Conflict', 'other');
      stored.set(document.cluster, { document, seq: expectedSeq + 1 });
      return expectedSeq + 1;
    },
    clusters: () => [...stored.keys()],
    head: (name: string) => stored.get(name),
  };
}

async function createFixture(busy: { plan?: string; rollout?: string } = {}) {
  const fuse = createFuse();
  const clusters = throughFuse(createMemoryTable<ClusterRecord>(), fuse);
  const adopted = throughFuse(createMemoryTable<AdoptedRecord>(), fuse);
  const documents = createDocuments(fuse.write);
  const heard = new Set<string>();
  let now = Date.parse(at);
  await clusters.put('a', { ...record, name: 'a' }, 0);
  const renames = createRenames({
    records: { clusters, adopted },
    clusters: { find: () => undefined },
    documents,
    withdrawals: () => [],
    namedAfter: () => [],
    planOn: () => busy.plan,
    rolloutOn: () => busy.rollout,
    isHeard: (name) => heard.has(name),
    purge: async () => undefined,
    audit: { append: async () => undefined },
    now: () => new Date(now),
  });
  const pass = (ms: number) => {
    now += ms;
  };
  return { clusters, adopted, documents, heard, renames, fuse, pass };
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
  const unexplained = [web];
  await adopted.put('a', { cluster: 'a', generation: 7, unexplained }, 0);
  await renames.rename('a', 'b', { by: 'anna' });
  expect(adopted.list()).toEqual([{ cluster: 'b', generation: 7, unexplained }]);
  await adopted.put('a', { cluster: 'a', unexplained: [] }, 0);
  await renames.settle();
  expect(adopted.list()).toEqual([{ cluster: 'b', generation: 7, unexplained }]);
});

it.each([0, 1, 2, 3, 4])('is done, or was never begun, also when the hub is killed after %i writes', async (writes) => {
  const { clusters, adopted, documents, renames, fuse, pass } = await createFixture();
  await documents.publish(documentOf('a'), 0);
  await adopted.put('a', { cluster: 'a', generation: 7, registered: true, unexplained: [] }, 0);
  fuse.killAfter(writes);
  await expect(renames.rename('a', 'b', { by: 'anna' })).rejects.toThrow('the hub was killed');
  fuse.killAfter(Number.POSITIVE_INFINITY);
  // meanwhile something is found under the new name, where there is one
  const isBegun = clusters.find('b') !== undefined;
  if (isBegun && !adopted.find('b')) await adopted.put('b', { cluster: 'b', unexplained: [web] }, 0);
  pass(120_000);
  for (let look = 0; look < 3; look += 1) await renames.settle();
  const name = writes > 1 ? 'b' : 'a';
  expect([clusters.names(), adopted.names()]).toEqual([[name], [name]]);
  expect(adopted.find(name)).toMatchObject({ cluster: name, generation: 7, registered: true });
  expect((await documents.find('b'))?.document.apps ?? []).toHaveLength(isBegun ? 1 : 0);
});

it.each<[string, Partial<AssignmentDocument>, { isHeard?: true; ageMs?: number }]>([
  ['of a renaming that may be under way', {}, { ageMs: 1_000 }],
  ['of a cluster that is heard of', {}, { isHeard: true }],
  ['of a cluster that nobody knows', { registration: { ...record, publicKey: 'UB' } }, {}],
])('leaves the document %s', async (_what, fields, { isHeard, ageMs = 120_000 }) => {
  const { documents, heard, renames, pass } = await createFixture();
  await documents.publish(documentOf('b', fields), 0);
  if (isHeard) heard.add('b');
  pass(ageMs);
  await renames.settle();
  expect((await documents.find('b'))?.document.apps).toHaveLength(1);
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
