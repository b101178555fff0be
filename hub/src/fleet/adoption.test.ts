import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import {
  createSigningKey,
  parseDocumentKeys,
  publicHalf,
  type SigningKey,
} from '@wheelhouse/shared/protocol/document-key';
import { signDocument } from '@wheelhouse/shared/protocol/envelope';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Withdrawal } from '../store/additions.ts';
import type { AuditEntry } from '../store/audit.ts';
import { createFuse } from '../store/testing/fuse.ts';
import { createAdoption } from './adoption.ts';
import type { AdoptedRecord, ClusterRecord, StoreRecord } from './records.ts';
import { identifyStore, storeKey } from './store-identity.ts';
import { createMemoryTable, throughFuse } from './testing/memory-records.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

const logger = createLogger({ name: 'test', level: 'silent' });
const now = () => new Date('2026-01-01T00:00:00.000Z');
const key = createSigningKey();
const registration = {
  server: 'https://eu-1.example',
  project: 'shop',
  labels: { region: 'eu' },
  annotations: { owner: 'core' },
  publicKey: 'UABC',
  uid: 'uid-1',
  enrolledAt: '2025-12-01T00:00:00.000Z',
};
const stop = new AbortController();
afterEach(() => vi.restoreAllMocks());

function assigned(app: string): AssignedApp {
  const bundle = `sha256:${app
    .padEnd(64, '0')
    .slice(0, 64)
    .replaceAll(/[^0-9a-f]/g, 'a')}`;
  return {
    app,
    ns: 'shop',
    project: 'default',
    revision: 'r1',
    bundle,
    vars: {},
    policy: { syncOptions: [] },
    wave: 0,
  };
}

function documentOf(fields: Partial<AssignmentDocument> = {}): AssignmentDocument {
  return {
    v: 1,
    cluster: 'eu-1',
    gen: 41,
    kid: key.kid,
    issuedAt: now().toISOString(),
    apps: [assigned('web'), assigned('db')],
    ops: [],
    tombstones: [],
    registration,
    ...fields,
  };
}

function setUp() {
  const clusters = createMemoryTable<ClusterRecord>();
  const adopted = createMemoryTable<AdoptedRecord>();
  const store = createMemoryTable<StoreRecord>();
  const withdrawals: Withdrawal[] = [];
  const audited: AuditEntry[] = [];
  const published: AssignmentDocument[] = [];
  const heads = new Map<string, { gen: number; seq: number }>();
  const fuse = createFuse();
  const held = new Map<string, Buffer>();
  const revoked = new Map<string, string>();
  const takenOver: string[] = [];
  const start = () =>
    createAdoption(
      {
        records: {
          clusters: throughFuse(clusters, fuse),
          adopted: throughFuse(adopted, fuse),
          store,
          onAdoptedChange: (listener) => adopted.onChange(listener),
        },
        commands: {
          document: async (cluster) => {
            const envelope = held.get(cluster);
            if (envelope) return envelope;
            throw new FleetError('ClusterUnavailable', `cluster ${cluster} did not answer`);
          },
          blob: async () => Buffer.from('[]'),
        },
        documents: {
          publish: async (document, expectedSeq) => {
            fuse.write();
            if ((heads.get(document.cluster)?.seq ?? 0) !== expectedSeq) throw new FleetError('Conflict', 'other');
            published.push(document);
            heads.set(document.cluster, { gen: document.gen, seq: expectedSeq + 1 });
            return expectedSeq + 1;
          },
        },
        head: (cluster) => heads.get(cluster),
        additions: {
          withdrawals: (cluster) => withdrawals.filter((one) => one.cluster === cluster),
          putWithdrawals: async (list) => void withdrawals.push(...list),
        },
        blobs: { has: async () => true, put: async () => undefined },
        keys: parseDocumentKeys({ [key.kid]: publicHalf(key) }),
        signingKeyId: key.kid,
        whyRevoked: (publicKey) => revoked.get(publicKey),
        audit: { append: async (entry) => void audited.push(entry) },
        heard: () => ['eu-1', 'stranger'],
        onTakenOver: (cluster) => void takenOver.push(cluster),
        logger,
        now,
      },
      stop.signal,
    );
  const adoption = start();
  const hold = (document: AssignmentDocument, by: SigningKey = key) =>
    void held.set(document.cluster, signDocument({ ...document, kid: by.kid }, by).envelope);
  const openStore = async () =>
    await store.put(storeKey, { id: 's', since: '', adoption: { openedAt: '', by: 'hub', reason: 'lost' } }, 0);
  const closeStore = async () => await store.put(storeKey, { id: 's', since: '' }, 0);
  const state = { fuse, clusters, adopted, store, withdrawals, audited, published, heads, revoked, takenOver };
  return { ...state, adoption, startReplica: start, hold, openStore, closeStore };
}

describe('a cluster whose document the hub does not have', () => {
  let hub: ReturnType<typeof setUp>;
  beforeEach(() => {
    hub = setUp();
  });
  const problem = () => hub.adopted.find('eu-1')?.problem?.code;

  it('is taken over whole: who it is, what it holds, which deletions are under way', async () => {
    await hub.openStore();
    hub.hold(documentOf({ tombstones: [{ app: 'old', reason: 'deleted by ann', cascade: true }] }));
    hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
    await vi.waitFor(() => expect(hub.takenOver).toEqual(['eu-1']), within);
    expect(hub.clusters.find('eu-1')).toMatchObject({ name: 'eu-1', ...registration, history: [{ by: 'hub' }] });
    expect(hub.published).toMatchObject([{ cluster: 'eu-1', gen: 41, apps: [{ app: 'web' }, { app: 'db' }] }]);
    expect(hub.withdrawals).toMatchObject([
      {
        app: 'old',
        cluster: 'eu-1',
        cascade: true,
        reason: 'deleted by ann',
        application: { metadata: { name: 'old' } },
      },
    ]);
    expect(hub.adopted.find('eu-1')).toMatchObject({ generation: 41, registered: true });
    expect(hub.audited.map(({ action }) => action)).toEqual(['adopt cluster', 'adopt document']);
    expect(hub.adoption.outcomes()).toEqual({ adopted: 1, failed: 0 });
  });

  it('is taken over once by two replicas that hear it at the same time', async () => {
    await hub.openStore();
    hub.hold(documentOf());
    const replicas = [hub.adoption, hub.startReplica()];
    for (const replica of replicas) replica.onHeartbeat('eu-1', { appliedGen: 41 });
    await vi.waitFor(() => expect(hub.takenOver).toEqual(['eu-1']), within);
    // whoever lost the race gives way
    for (const replica of replicas) replica.onHeartbeat('eu-1', { appliedGen: 41 });
    await vi.waitFor(() => expect(replicas.reduce((sum, one) => sum + one.outcomes().adopted, 0)).toBe(1), within);
    expect(replicas.map((one) => one.outcomes().failed)).toEqual([0, 0]);
    expect(hub.published).toHaveLength(1);
    expect(hub.clusters.list()).toHaveLength(1);
    expect(hub.audited.map(({ action }) => action)).toEqual(['adopt cluster', 'adopt document']);
    expect(problem()).toBeUndefined();
  });

  it.each([0, 1, 2, 3])(
    'is taken over whole by the hub that comes after one killed after %i writes',
    async (writes) => {
      await hub.openStore();
      hub.hold(documentOf());
      hub.fuse.killAfter(writes);
      hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
      await vi.waitFor(() => expect(hub.adoption.outcomes().failed).toBe(1), within);
      hub.fuse.killAfter(Number.POSITIVE_INFINITY);
      const next = hub.startReplica();
      next.onHeartbeat('eu-1', { appliedGen: 41 });
      await vi.waitFor(() => expect(hub.takenOver).toEqual(['eu-1']), within);
      expect(hub.clusters.find('eu-1')).toMatchObject({ name: 'eu-1', ...registration });
      expect(hub.published).toHaveLength(1);
      expect(next.view().clusters).toEqual([
        { cluster: 'eu-1', adoptedAt: now().toISOString(), generation: 41, registered: true, unexplained: [] },
      ]);
    },
  );

  it('is still on its way out when it was before, and is not let go of before its document is there', async () => {
    await hub.openStore();
    const leaving = { at: now().toISOString(), by: 'ann', cascade: true };
    const tombstones = ['web', 'db'].map((app) => ({ app, reason: 'the cluster leaves', cascade: true }));
    hub.hold(documentOf({ apps: [], tombstones, registration: { ...registration, leaving } }));
    const documentsThen: number[] = [];
    hub.clusters.onChange(() => void documentsThen.push(hub.published.length));
    hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
    await vi.waitFor(() => expect(hub.takenOver).toEqual(['eu-1']), within);
    expect(hub.clusters.find('eu-1')).toMatchObject({ leaving });
    expect(documentsThen).toEqual([0]);
    expect(hub.published).toMatchObject([{ gen: 41, apps: [], tombstones }]);
    expect(hub.withdrawals.map(({ app, cascade }) => [app, cascade])).toEqual([
      ['web', true],
      ['db', true],
    ]);
  });

  it('keeps its record when the hub knows it, whatever its document says', async () => {
    await hub.closeStore();
    const known = { name: 'eu-1', ...registration, labels: { region: 'us' } };
    await hub.clusters.put('eu-1', known, 0);
    hub.heads.set('eu-1', { gen: 30, seq: 5 });
    hub.hold(documentOf());
    hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
    await vi.waitFor(() => expect(hub.takenOver).toEqual(['eu-1']), within);
    expect(hub.clusters.find('eu-1')).toEqual(known);
    expect(hub.heads.get('eu-1')).toEqual({ gen: 41, seq: 6 });
  });

  it.each<[string, () => void, number]>([
    ['the hub has its document', () => hub.heads.set('eu-1', { gen: 41, seq: 1 }), 41],
    ['it holds none', () => undefined, 0],
  ])('is left alone when %s', async (_, prepare, appliedGen) => {
    await hub.openStore();
    await hub.clusters.put('eu-1', { name: 'eu-1', ...registration }, 0);
    prepare();
    hub.adoption.onHeartbeat('eu-1', { appliedGen });
    await new Promise((resolve) => setImmediate(resolve));
    expect([hub.published, hub.adopted.list()]).toEqual([[], []]);
  });

  it('is not taken over when nothing was lost: somebody removed it', async () => {
    await hub.closeStore();
    hub.hold(documentOf());
    hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(hub.clusters.list()).toEqual([]);
    expect(hub.adoption.view().unknown).toEqual(['eu-1', 'stranger']);
  });

  it.each<[string, string, () => void]>([
    ['signed by somebody else', 'SignatureInvalid', () => hub.hold(documentOf(), createSigningKey())],
    ['of another cluster', 'ClusterUnavailable', () => hub.hold(documentOf({ cluster: 'us-1' }))],
    ['older than it says that it acts upon', 'GenerationOld', () => hub.hold(documentOf({ gen: 40 }))],
    ['that does not say who it is', 'Malformed', () => hub.hold(documentOf({ registration: {} as never }))],
    ['whose key was revoked', 'Forbidden', () => (hub.hold(documentOf()), hub.revoked.set('UABC', 'stolen'))],
  ])('with a document %s is refused, and says why', async (...[, code, prepare]) => {
    await hub.openStore();
    prepare();
    hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
    await vi.waitFor(() => expect(problem()).toBe(code), within);
    expect([hub.clusters.list(), hub.published]).toEqual([[], []]);
    expect(hub.adoption.view()).toMatchObject({ state: 'Open', clusters: [{ cluster: 'eu-1', problem: { code } }] });
  });

  it('forgets its problem once it was taken over', async () => {
    await hub.openStore();
    hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
    await vi.waitFor(() => expect(problem()).toBe('ClusterUnavailable'), within);
    hub.hold(documentOf());
    await vi.waitFor(() => {
      hub.adoption.onHeartbeat('eu-1', { appliedGen: 41 });
      expect(hub.takenOver).toEqual(['eu-1']);
    }, within);
    expect(problem()).toBeUndefined();
  });
});

describe('what nothing explains', () => {
  const many = Array.from({ length: 30 }, (_, index) => assigned(`app-${String(index).padStart(2, '0')}`));
  const request = { cluster: 'eu-1', by: 'ann', reason: 'old' } as const;

  it('is remembered, found by name, and forgotten when it is explained again', async () => {
    const { adoption, adopted } = setUp();
    await adoption.setUnexplained('eu-1', [assigned('web')]);
    expect(adoption.applications().get('web')).toMatchObject({ cluster: 'eu-1', revision: 'r1' });
    const put = vi.spyOn(adopted, 'put');
    await adoption.setUnexplained('eu-1', [assigned('web')]);
    expect(put).not.toHaveBeenCalled();
    await adoption.setUnexplained('eu-1', []);
    expect(adoption.applications().size).toBe(0);
  });

  it('leaves only as a person says, kept or removed, and with an audit', async () => {
    const { adoption, withdrawals, audited, heads } = setUp();
    heads.set('eu-1', { gen: 42, seq: 2 });
    await adoption.setUnexplained('eu-1', [assigned('web'), assigned('team_db')]);
    await adoption.release({ ...request, apps: ['web'], action: 'keep' });
    await adoption.release({ ...request, apps: ['team_db'], action: 'remove' });
    expect(withdrawals).toMatchObject([
      { app: 'web', cascade: false, reason: 'old', by: 'ann', after: 42 },
      { app: 'team_db', cascade: true, application: { metadata: { namespace: 'team', name: 'db' } } },
    ]);
    expect(audited).toMatchObject([{ details: { apps: ['web'], action: 'keep' } }, { by: 'ann' }]);
  });

  it.each([
    ['the right count', undefined, 30, 30],
    ['three', ['app-00', 'app-01', 'app-02'], undefined, 3],
  ])('may be removed: %s', async (...[, apps, confirm, count]) => {
    const { adoption, withdrawals } = setUp();
    await adoption.setUnexplained('eu-1', many);
    expect(await adoption.release({ ...request, apps, confirm, action: 'remove' })).toHaveLength(count);
    expect(withdrawals).toHaveLength(count);
  });

  it.each([
    ['all without their number', undefined, undefined, 'DeletionHeld'],
    ['a wrong number', undefined, 29, 'DeletionHeld'],
    ['a name that is not there', ['app-00', 'nobody'], undefined, 'NotFound'],
  ])('may not be removed: %s', async (...[, apps, confirm, code]) => {
    const { adoption, withdrawals } = setUp();
    await adoption.setUnexplained('eu-1', many);
    await expect(adoption.release({ ...request, apps, confirm, action: 'remove' })).rejects.toMatchObject({ code });
    expect(withdrawals).toEqual([]);
  });

  it('may all be kept without being counted', async () => {
    const { adoption } = setUp();
    await adoption.setUnexplained('eu-1', many);
    expect(await adoption.release({ ...request, action: 'keep' })).toHaveLength(30);
  });
});

describe('which store it is', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'store-'));
    return async () => await rm(directory, { recursive: true });
  });
  const identify = async (store = createMemoryTable<StoreRecord>(), file = 'store-id') => {
    const audited: string[] = [];
    const audit = { append: async ({ action }: AuditEntry) => void audited.push(action) };
    const record = await identifyStore({ records: { store }, audit, logger, now }, { file: join(directory, file) });
    return { record, store, audited };
  };

  it('is decided at the first start, and nothing was lost then', async () => {
    const { record, store, audited } = await identify();
    expect([record.adoption, audited]).toEqual([undefined, []]);
    expect((await readFile(join(directory, 'store-id'), 'utf8')).trim()).toBe(record.id);
    expect((await identify(store)).record).toEqual(record);
  });

  it('is noticed to be another one when it was lost, once', async () => {
    const { record: before } = await identify();
    const { record, store, audited } = await identify();
    expect(record).toMatchObject({ previous: before.id, adoption: { by: 'hub', reason: 'the store was lost' } });
    expect(audited).toEqual(['open adoption']);
    expect((await identify(store)).audited).toEqual([]);
  });

  it('is noticed although a replica without its own memory came first, and by the others not again', async () => {
    const { record: before } = await identify();
    await writeFile(join(directory, 'other'), `${before.id}\n`);
    const { store, record: fresh } = await identify(undefined, 'new-replica');
    expect(fresh.adoption).toBeUndefined();
    expect((await identify(store)).record).toMatchObject({ id: fresh.id, adoption: { by: 'hub' } });
    expect((await identify(store, 'other')).audited).toEqual([]);
  });

  it('can be opened and closed by hand', async () => {
    const { adoption, closeStore, audited } = setUp();
    await closeStore();
    expect(await adoption.open({ by: 'ann', reason: 'old backup' })).toMatchObject({
      state: 'Open',
      reason: 'old backup',
    });
    expect(await adoption.close('bob')).toMatchObject({ state: 'Closed', closedBy: 'bob', by: 'ann' });
    expect(audited.map(({ action, by }) => `${action} ${by}`)).toEqual(['open adoption ann', 'close adoption bob']);
  });
});
