import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../store/audit.ts';
import type { FleetCluster } from './clusters.ts';
import { createDepartures } from './departure.ts';
import type { AdoptedRecord, ClusterRecord, RevocationRecord } from './records.ts';
import { createMemoryTable } from './testing/memory-records.ts';

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
}

async function setUp({ document, applied, removed = [], there = [] }: Given) {
  const clusters = createMemoryTable<ClusterRecord>();
  await clusters.put('eu-1', record, 0);
  const adopted = createMemoryTable<AdoptedRecord>();
  for (const cluster of ['eu-1', 'eu-2']) await adopted.put(cluster, { cluster, unexplained: [] }, 0);
  const published: AssignmentDocument[] = [];
  const revoked: Omit<RevocationRecord, 'at' | 'until'>[] = [];
  const withdrawals = new Set(apps);
  const revoking = { fails: false };
  const purged: string[] = [];
  const audited: AuditEntry[] = [];
  const departures = createDepartures({
    records: { clusters, adopted },
    clusters: { find: () => ({ appliedGeneration: applied }) as FleetCluster },
    revocations: {
      revoke: async (entry) => {
        if (revoking.fails) throw new Error('nats is away');
        revoked.push(entry);
      },
    },
    documents: {
      find: async () => document && { document: documentOf(document), seq: 3 },
      publish: async (empty) => published.push(empty),
    },
    additions: {
      withdrawals: () => [...withdrawals].map((app) => ({ app })),
      deleteWithdrawal: async (_cluster, app) => void withdrawals.delete(app),
    },
    statusOf: (_cluster, app) => {
      if (removed.includes(app)) return { removed: true } as AppStatus;
      return there.includes(app) ? ({} as AppStatus) : undefined;
    },
    purge: async (cluster) => void purged.push(cluster),
    audit: { append: async (entry) => void audited.push(entry) },
    logger: createLogger({ name: 'test', level: 'silent' }),
    now: () => new Date(at),
  });
  return { departures, clusters, adopted, published, revoked, revoking, withdrawals, purged, audited };
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
