import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../store/audit.ts';
import { createFuse } from '../store/testing/fuse.ts';
import type { FleetCluster } from './clusters.ts';
import { createDepartures } from './departure.ts';
import type { AdoptedRecord, ClusterRecord, RevocationRecord } from './records.ts';
import { createMemoryTable, throughFuse } from './testing/memory-records.ts';

const at = '2026-01-01T00:00:00.000Z';
const record: ClusterRecord = {
  name: 'eu-1',
  server: 'https://eu-1.example',
  labels: {},
  annotations: {},
  publicKey: 'UABC',
  uid: 'uid-1',
  enrolledAt: at,
  leaving: { at, by: 'ann', cascade: true },
};
const apps = ['web', 'db'];
const tombstones = apps.map((app) => ({ app, reason: 'the cluster leaves', cascade: true }));

function documentOf(fields: Partial<AssignmentDocument>): AssignmentDocument {
  return { v: 1, cluster: 'eu-1', gen: 7, kid: 'k', issuedAt: at, apps: [], ops: [], tombstones: [], ...fields };
}

interface Given {
  /** What the hub published last. */
  document?: Partial<AssignmentDocument>;
  /** What its heartbeat says that it acts upon. */
  applied?: number;
  /** Applications that it reports as removed. */
  removed?: readonly string[];
  /** Applications that it reports, and that are there. */
  there?: readonly string[];
  /** What the hub keeps of it; it leaves unless given. */
  present?: ClusterRecord;
  state?: FleetCluster['state'];
}

async function setUp({ document, applied, removed = [], there = [], present = record, state }: Given) {
  const fuse = createFuse();
  const clusters = throughFuse(createMemoryTable<ClusterRecord>(), fuse);
  await clusters.put('eu-1', present, 0);
  const adopted = throughFuse(createMemoryTable<AdoptedRecord>(), fuse);
  for (const cluster of ['eu-1', 'eu-2']) await adopted.put(cluster, { cluster, unexplained: [] }, 0);
  const published: AssignmentDocument[] = [];
  const revoked: Omit<RevocationRecord, 'at' | 'until'>[] = [];
  const withdrawals = new Set(apps);
  const publishing = { conflicts: 0 };
  /** `meanwhile`: what another replica does then. */
  const revoking = { fails: false, meanwhile: async () => undefined as unknown };
  const purged: string[] = [];
  const audited: AuditEntry[] = [];
  const departures = createDepartures({
    records: { clusters, adopted },
    clusters: { find: () => ({ enrolledAt: at, appliedGeneration: applied, state }) as FleetCluster },
    revocations: {
      revoke: async (entry) => {
        fuse.write();
        if (revoking.fails) throw new Error('nats is away');
        revoked.push(entry);
        await revoking.meanwhile();
      },
    },
    documents: {
      find: async () => document && { document: documentOf(document), seq: 3 },
      publish: async (empty) => {
        fuse.write();
        if ((publishing.conflicts -= 1) >= 0) throw new FleetError('Conflict', 'somebody else was faster');
        return published.push(empty);
      },
    },
    additions: {
      withdrawals: () => [...withdrawals].map((app) => ({ app })),
      deleteWithdrawal: async (_cluster, app) => {
        fuse.write();
        withdrawals.delete(app);
      },
    },
    statusOf: (_cluster, app) => {
      if (removed.includes(app)) return { removed: true } as AppStatus;
      return there.includes(app) ? ({} as AppStatus) : undefined;
    },
    purge: async (cluster) => {
      fuse.write();
      purged.push(cluster);
    },
    audit: { append: async (entry) => void audited.push(entry) },
    logger: createLogger({ name: 'test', level: 'silent' }),
    now: () => new Date(at),
  });
  const log = { published, revoked, purged, audited };
  return { departures, clusters, adopted, ...log, publishing, revoking, withdrawals, fuse };
}

describe('a cluster that leaves', () => {
  it.each<[string, Given]>([
    ['acts upon a document that the hub has lost, and has not taken over', { applied: 9 }],
    ['acts upon a newer document than the hub has', { document: { tombstones }, applied: 9, removed: apps }],
    ['has Applications in its document', { document: { apps: [{} as AssignmentDocument['apps'][0]] }, applied: 7 }],
    ['has not read its tombstones', { document: { tombstones }, applied: 6, removed: apps }],
    ['was never heard of', { document: { tombstones }, removed: apps }],
    ['has confirmed some of its tombstones', { document: { tombstones }, applied: 7, removed: ['web'], there: ['db'] }],
    ['says nothing of one of them', { document: { tombstones }, applied: 7, removed: ['web'] }],
  ])('stays while it %s', async (_what, given) => {
    const { departures, clusters, published, revoked, withdrawals } = await setUp(given);
    await departures.settle();
    expect(clusters.find('eu-1')).toEqual(record);
    expect([published, revoked, [...withdrawals]]).toEqual([[], [], apps]);
  });

  it.each<[string, Given, number]>([
    ['it has confirmed every tombstone', { document: { tombstones }, applied: 7, removed: apps }, 1],
    ['nothing was ever asked of it', {}, 0],
    ['its document asks for nothing', { document: {}, applied: 6 }, 1],
  ])('is forgotten once %s', async (_what, given, documents) => {
    const hub = await setUp(given);
    await hub.departures.settle();
    expect(hub.clusters.find('eu-1')).toBeUndefined();
    expect(hub.revoked).toMatchObject([{ publicKey: 'UABC', kind: 'removed', by: 'ann' }]);
    expect([...hub.withdrawals]).toEqual([]);
    expect(hub.purged).toEqual(['eu-1']);
    expect(hub.adopted.list()).toEqual([{ cluster: 'eu-2', unexplained: [] }]);
    // were the name given again, generations would go on above it
    expect(hub.published).toHaveLength(documents);
    for (const { gen, tombstones: left } of hub.published) expect([gen, left]).toEqual([8, []]);
    expect(hub.audited).toMatchObject([{ action: 'forget cluster', object: 'eu-1', by: 'ann' }]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'leaves nothing behind, also when a hub is killed after %i writes and another goes on',
    async (writes) => {
      const hub = await setUp({ document: { tombstones }, applied: 7, removed: apps });
      hub.fuse.killAfter(writes);
      await hub.departures.settle();
      expect(hub.clusters.find('eu-1')).toEqual(record);
      hub.fuse.killAfter(Number.POSITIVE_INFINITY);
      await hub.departures.settle();
      expect(hub.clusters.find('eu-1')).toBeUndefined();
      expect([...hub.withdrawals, ...hub.adopted.names()]).toEqual(['eu-2']);
      expect(hub.published.at(-1)).toMatchObject({ apps: [], tombstones: [] });
      expect(hub.revoked.at(-1)).toMatchObject({ publicKey: 'UABC', kind: 'removed' });
      expect(hub.purged.at(-1)).toBe('eu-1');
    },
  );

  it.each([1, 2, 3, 4, 5, 6, 7])(
    'and does not answer is forgotten when somebody insists, also when the hub is killed after %i writes',
    async (writes) => {
      const { leaving: _leaving, ...present } = record;
      const hub = await setUp({ document: { apps: [{} as AssignmentDocument['apps'][0]] }, present, state: 'Lost' });
      hub.fuse.killAfter(writes);
      const removal = hub.departures.remove('eu-1', { by: 'ann', removeWorkloads: false, force: true });
      await expect(removal).rejects.toThrow('the hub was killed');
      hub.fuse.killAfter(Number.POSITIVE_INFINITY);
      await hub.departures.settle();
      expect([hub.clusters.find('eu-1'), hub.purged.at(-1)]).toEqual([undefined, 'eu-1']);
    },
  );

  it('is forgotten at once when somebody insists, although its document is written at that moment', async () => {
    const { leaving: _leaving, ...present } = record;
    const hub = await setUp({ document: { apps: [{} as AssignmentDocument['apps'][0]] }, present, state: 'Revoked' });
    hub.publishing.conflicts = 2;
    await hub.departures.remove('eu-1', { by: 'ann', removeWorkloads: false, force: true });
    expect([hub.clusters.find('eu-1'), hub.published.at(-1)?.apps]).toEqual([undefined, []]);
  });

  it('takes nothing from a cluster that has enrolled under its name meanwhile', async () => {
    const hub = await setUp({ document: { tombstones }, applied: 7, removed: apps });
    const { leaving: _leaving, ...heir } = { ...record, publicKey: 'UDEF' };
    hub.revoking.meanwhile = async () => {
      await hub.clusters.delete('eu-1');
      await hub.clusters.put('eu-1', heir, 0);
    };
    await hub.departures.settle();
    expect(hub.clusters.find('eu-1')).toEqual(heir);
  });

  it('is left where it is while NATS does not take the revocation, and the next look goes on', async () => {
    const hub = await setUp({ document: { tombstones }, applied: 7, removed: apps });
    hub.revoking.fails = true;
    await hub.departures.settle();
    expect(hub.clusters.find('eu-1')).toEqual(record);
    hub.revoking.fails = false;
    await hub.departures.settle();
    expect(hub.clusters.find('eu-1')).toBeUndefined();
  });
});
