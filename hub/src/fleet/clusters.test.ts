import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { ImportedCluster } from '@wheelhouse/shared/resources/cluster-secret';
import { describe, expect, it, vi } from 'vitest';
import type { AuditEntry } from '../store/audit.ts';
import { createClusters } from './clusters.ts';
import type { Heard } from './presence.ts';
import type { AdoptedRecord, ClusterRecord, TokenRecord } from './records.ts';
import { createMemoryTable } from './testing/memory-records.ts';

const record: ClusterRecord = {
  name: 'eu-1',
  server: 'https://eu-1.example',
  labels: { region: 'eu' },
  annotations: {},
  publicKey: 'U',
  uid: 'u',
  enrolledAt: '2026-01-01T00:00:00.000Z',
  allowedLabels: { rack: ['*'] },
};
const inventory: Inventory = {
  nodes: 3,
  allocatable: { cpuMillis: 8_000, memoryBytes: 1 },
  requested: { cpuMillis: 1_000, memoryBytes: 1 },
  apiGroups: ['apps'],
  labels: { rack: '7', region: 'us' },
};

async function setUp(imports: ImportedCluster[] = []) {
  const clock = createManualClock();
  const table = createMemoryTable<ClusterRecord>();
  const adopted = createMemoryTable<AdoptedRecord>();
  await table.put('eu-1', record, 0);
  const heard = new Map<string, Heard>();
  const audited: AuditEntry[] = [];
  const clusters = createClusters({
    records: {
      clusters: table,
      tokens: createMemoryTable<TokenRecord>(),
      adopted,
      onClusterChange: () => ({ [Symbol.dispose]: () => undefined }),
    },
    presence: {
      find: (cluster) => heard.get(cluster),
      heardSince: () => [],
      forget: () => undefined,
      carry: () => undefined,
      loaded: async () => undefined,
    },
    imports: { list: () => imports, find: (name) => imports.find((one) => one.name === name) },
    head: () => ({ gen: 5, seq: 1 }),
    audit: { append: async (entry) => void audited.push(entry) },
    now: () => new Date(clock.now()),
  });
  const beat = (more: Partial<Heartbeat> = {}) => {
    const said = { appliedGen: 4, agentVersion: '1', kubernetesVersion: 'v1.36.3', inventory, ...more };
    const heartbeat = said as Heartbeat;
    heard.set('eu-1', { at: clock.now(), heartbeat });
  };
  return { clock, table, adopted, clusters, audited, beat, heard };
}

describe('the state of a cluster', () => {
  it.each([
    [0, 'Connected'],
    [90_000, 'Connected'],
    [90_001, 'Stale'],
    [600_000, 'Stale'],
    [600_001, 'Lost'],
  ])('%i ms after its last heartbeat is %s', async (ms, state) => {
    const { clock, clusters, beat } = await setUp();
    beat();
    clock.advance(ms);
    expect(clusters.find('eu-1')).toMatchObject({ state, generation: 5, appliedGeneration: 4 });
  });

  it.each([
    ['counts what its agent says under the name before, until it has followed', 'eu-0', 'Connected'],
    ['counts nothing that is said under the name before, once it has followed', 'eu-1', 'Stale'],
  ])('%s', async (_what, cluster, state) => {
    const { clock, table, clusters, beat, heard } = await setUp();
    await table.put('eu-1', { ...record, formerNames: ['eu-0'] }, 1);
    beat({ cluster });
    clock.advance(100_000);
    heard.set('eu-0', { at: clock.now(), heartbeat: { appliedGen: 4, cluster: 'eu-0' } as Heartbeat });
    expect(clusters.find('eu-1')).toMatchObject({ state });
  });

  it('comes with what it has, and with the labels of its agent only as far as they are allowed', async () => {
    const { clusters, beat } = await setUp();
    expect(clusters.find('eu-1')?.inventory).toBeUndefined();
    beat();
    expect(clusters.find('eu-1')).toMatchObject({
      inventory: { ...inventory, labels: { rack: '7' } },
      refusedLabels: ['region'],
    });
  });

  it('comes with how long its credentials last', async () => {
    const { clusters, beat } = await setUp();
    const credentials = { issuedAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-02T00:00:00.000Z' };
    beat({ credentials });
    expect(clusters.find('eu-1')).toMatchObject({ credentials });
    beat();
    expect(clusters.find('eu-1')).not.toHaveProperty('credentials');
  });

  const unexplained = [{ app: 'web', ns: 'shop', project: 'default', revision: 'r1', bundle: 'sha256:0' }];
  const taken = { adoptedAt: '2026-01-01T00:00:00.000Z', generation: 41 };
  const problem = { code: 'SignatureInvalid', message: 'not ours', at: taken.adoptedAt };

  it.each<[string, Omit<AdoptedRecord, 'cluster'> | undefined, object | undefined]>([
    ['nothing was taken over from it', undefined, undefined],
    ['what nothing explained has gone', { unexplained: [] }, undefined],
    ['all of it is explained', { ...taken, unexplained: [] }, { state: 'Adopted', ...taken, unexplained: 0 }],
    ['some of it is not', { ...taken, unexplained }, { state: 'WaitsForConfirmation', ...taken, unexplained: 1 }],
    ['it cannot be taken over', { unexplained: [], problem }, { state: 'Failed', unexplained: 0, problem }],
  ])('says what became of what it held when %s', async (_what, found, adoption) => {
    const { clusters, adopted } = await setUp();
    if (found) await adopted.put('eu-1', { cluster: 'eu-1', ...found }, 0);
    expect(clusters.find('eu-1')?.adoption).toEqual(adoption);
  });

  it('shows neither keys nor history', async () => {
    const { clusters } = await setUp();
    await clusters.setLabels('eu-1', { a: 'b' }, 'ann');
    expect(clusters.list()[0]).not.toHaveProperty('publicKey');
    expect(clusters.list()[0]).not.toHaveProperty('history');
  });
});

describe('labels and annotations', () => {
  it('change with who, when and why, and with an audit line', async () => {
    const { clock, clusters, audited } = await setUp();
    await clusters.setLabels('eu-1', { tier: 'gold' }, { by: 'ann', reason: 'paid' });
    clock.advance(60_000);
    await clusters.setAnnotations('eu-1', { owner: 'core' }, 'bob');
    expect(clusters.history('eu-1')).toMatchObject([
      { by: 'ann', reason: 'paid', labels: { tier: [null, 'gold'] } },
      { by: 'bob', annotations: { owner: [null, 'core'] } },
    ]);
    expect(audited.map(({ by, action }) => `${by}: ${action}`)).toEqual([
      'ann: label cluster',
      'bob: annotate cluster',
    ]);
  });

  it('that only some Applications see are shown, and written beside the own ones', async () => {
    const { clusters, audited } = await setUp();
    const change = { apps: 'app=cart', labels: { region: 'us' } };
    const shown = await clusters.setAppLabels('eu-1', change, { by: 'ann', reason: 'drill' });
    expect(shown).toMatchObject({ labels: { region: 'eu' }, appLabels: [{ ...change, by: 'ann', reason: 'drill' }] });
    expect(clusters.registration('eu-1')).toMatchObject({ appLabels: [change] });
    expect(clusters.history('eu-1')).toMatchObject([{ apps: 'app=cart', labels: { region: ['eu', 'us'] } }]);
    expect(audited).toMatchObject([{ by: 'ann', action: 'label cluster for some applications', details: change }]);
    await expect(
      clusters.setAppLabels('eu-1', { apps: 'app=cart', labels: { 'wheelhouse.dev/x': 'y' } }, { by: 'ann' }),
    ).rejects.toMatchObject({ code: 'Forbidden' });
  });

  it('that are as they should be are neither written nor told', async () => {
    const { clusters, audited, table } = await setUp();
    const put = vi.spyOn(table, 'put');
    await clusters.setLabels('eu-1', { region: 'eu' }, 'ann');
    expect([put.mock.calls, audited]).toEqual([[], []]);
  });

  it('of the agent are taken over once, and what a person sets since stands', async () => {
    const { clusters } = await setUp();
    const take = async (reported: Record<string, string>) =>
      await clusters.settleOwnLabels('eu-1', {
        taken: clusters.newOwnLabels('eu-1', reported),
        held: {},
        reason: '',
      });
    await take({ rack: '7', region: 'us' });
    expect(clusters.find('eu-1')?.labels).toEqual({ rack: '7', region: 'eu' });
    await clusters.setLabels('eu-1', { rack: '8' }, 'ann');
    await take({ rack: '7' });
    expect(clusters.find('eu-1')?.labels['rack']).toBe('8');
    await take({ rack: '9' });
    expect(clusters.find('eu-1')?.labels['rack']).toBe('9');
    expect(clusters.history('eu-1').map(({ by }) => by)).toEqual(['the agent of eu-1', 'ann', 'the agent of eu-1']);
  });

  it('of the agent that are held are shown until somebody sets them, or the agent wants others', async () => {
    const { clusters, audited, beat } = await setUp();
    const held = { rack: '7' };
    await clusters.settleOwnLabels('eu-1', { taken: {}, held, reason: '2 Applications would leave' });
    const shown = { labels: held, at: '2026-01-01T00:00:00.000Z', reason: '2 Applications would leave' };
    expect(clusters.find('eu-1')).toMatchObject({ labels: { region: 'eu' }, heldLabels: shown });
    expect(audited).toMatchObject([{ by: 'the agent of eu-1', action: 'hold labels', details: { labels: held } }]);
    expect(clusters.newOwnLabels('eu-1', held)).toEqual({});
    expect(clusters.newOwnLabels('eu-1', { rack: '9' })).toEqual({ rack: '9' });
    beat();
    expect(clusters.find('eu-1')).toMatchObject({ heldLabels: shown });
    beat({ inventory: { ...inventory, labels: { rack: '9' } } });
    expect(clusters.find('eu-1')).not.toHaveProperty('heldLabels');
    beat();
    await clusters.setLabels('eu-1', held, 'ann');
    expect(clusters.find('eu-1')).not.toHaveProperty('heldLabels');
  });

  it('of the agent that are held still when they are judged again are told of once', async () => {
    const { clusters, audited, clock } = await setUp();
    const hold = async () =>
      await clusters.settleOwnLabels('eu-1', {
        taken: {},
        held: clusters.newOwnLabels('eu-1', { rack: '7' }),
        reason: '2 Applications would leave',
      });
    await hold();
    clock.advance(3_600_000);
    await hold();
    expect(audited.map(({ action }) => action)).toEqual(['hold labels']);
    expect(clusters.newOwnLabels('eu-1', { rack: '7' })).toEqual({});
  });

  it('of nobody do nothing', async () => {
    const { clusters } = await setUp();
    expect(clusters.newOwnLabels('nobody', { rack: '7' })).toEqual({});
    await expect(clusters.setLabels('nobody', { a: 'b' }, 'ann')).rejects.toMatchObject({ code: 'NotFound' });
    expect(() => clusters.history('nobody')).toThrow(/no enrolled cluster/);
  });

  it('survive a race: the slower change is made on top of the faster', async () => {
    const { clusters } = await setUp();
    await Promise.all([clusters.setLabels('eu-1', { a: '1' }, 'ann'), clusters.setLabels('eu-1', { b: '2' }, 'bob')]);
    expect(clusters.find('eu-1')?.labels).toEqual({ a: '1', b: '2', region: 'eu' });
    expect(clusters.history('eu-1')).toHaveLength(2);
  });
});

describe('what its document says of it', () => {
  it('is all that a hub needs to know it again, without its history', async () => {
    const { clusters } = await setUp();
    await clusters.setLabels('eu-1', { tier: 'gold' }, 'ann');
    const { name: _name, ...expected } = record;
    expect(clusters.registration('eu-1')).toMatchObject({ ...expected, labels: { region: 'eu', tier: 'gold' } });
    expect(clusters.registration('eu-1')).not.toHaveProperty('history');
    expect(clusters.registration('nobody')).toBeUndefined();
  });
});

describe('a cluster that a Secret announces', () => {
  const announced = { server: 'https://new.example', project: 'shop', labels: { region: 'ap' }, annotations: {} };

  it('is Expected, and generated for and named before its agent enrols', async () => {
    const { clusters } = await setUp([{ name: 'new', ...announced }]);
    expect(clusters.find('new')).toEqual({ name: 'new', ...announced, state: 'Expected' });
    expect(clusters.registered().map(({ name }) => name)).toEqual(['eu-1', 'new']);
    expect(clusters.assignable().map(({ name }) => name)).toEqual(['eu-1']);
    expect(['new', 'eu-1', 'nobody'].map(clusters.isAnnounced)).toEqual([true, false, false]);
    await expect(clusters.setLabels('new', { a: 'b' }, 'ann')).rejects.toMatchObject({ code: 'NotFound' });
  });

  it.each([
    ['that name', 'eu-1', {}],
    ['that name before', 'old', { formerNames: ['old'] }],
  ])('counts no more once a cluster of %s is enrolled', async (...[, name, fields]) => {
    const { clusters, table } = await setUp([{ name, ...announced }]);
    await table.put('eu-1', { ...record, ...fields }, 1);
    expect(clusters.registered().map(({ server }) => server)).toEqual([record.server]);
    expect(clusters.isAnnounced(name)).toBe(false);
  });
});
