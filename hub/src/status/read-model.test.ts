import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { resolve } from '../assign/resolve.ts';
import type { AdoptedApplication } from '../fleet/records.ts';
import {
  applicationOf,
  createHubState,
  evaluationOf,
  type HubState,
  outcomeOf,
  repoURL,
  startedAt,
  statusOf,
} from '../testing/hub-state.ts';
import { createReadModel, type ReadModel } from './read-model.ts';
import { createStatuses, type Statuses } from './statuses.ts';

const by = { by: 'test' };
let state: HubState;
let statuses: Statuses;
let model: ReadModel;
let seen: string[];
let announced: Set<string>;
let adoptedChanged: () => void;
let adopted: Map<string, AdoptedApplication & { cluster: string }>;

beforeEach(async () => {
  state = await createHubState({ clusters: ['east', 'west', 'in-cluster'] });
  statuses = createStatuses(state.now);
  adopted = new Map();
  announced = new Set();
  model = createReadModel({
    leaving: () => undefined,
    ...state,
    statuses,
    resolve: (app) => resolve(app, { derived: state.derived, project: () => undefined }),
    lastSeen: () => startedAt,
    heartbeat: () => undefined,
    isAnnounced: (cluster) => announced.has(cluster),
    adopted: {
      applications: () => adopted,
      onChange: (listener) => {
        adoptedChanged = listener;
        return { [Symbol.dispose]: () => undefined };
      },
    },
    gate: { whyWaiting: () => undefined, isRollingSync: () => false },
  });
  await state.derived.putRevision({ repoURL, targetRevision: 'main', sha: 'c0ffee' });
  await state.derived.putDiscovery({
    repoURL,
    targetRevision: 'main',
    types: { shop: 'Directory', cart: 'Directory' },
  });
  seen = [];
});

function watch(): void {
  model.onChange(({ type, view }) => seen.push(`${type} ${view.application.metadata.name} ${syncOf(view)}`));
}

function syncOf({ application }: { application: { status?: unknown } }): string {
  return (application.status as { sync: { status: string } }).sync.status;
}

async function put(app: string, cluster = 'east'): Promise<void> {
  await state.specs.put(applicationOf(app, { cluster }), by);
  await state.derived.putRender(outcomeOf(state.applications.find(app)?.request?.key ?? ''));
}

const names = () => model.list({}, { limit: 10 }).items.map(({ application }) => application.metadata.name);
const conditionsOf = (name: string) => {
  const status = model.find('argocd', name)?.application.status as { conditions: { message: string }[] } | undefined;
  return status?.conditions.map(({ message }) => message);
};

describe('the read model', () => {
  it('lists Applications by id, those of sets and those on their way out too', async () => {
    await put('shop');
    await state.derived.putEvaluation(evaluationOf([applicationOf('cart')]));
    expect(names()).toEqual(['cart', 'shop']);
    await state.changes.remove(
      { kind: 'Application', namespace: 'argocd', name: 'shop' },
      { by: 'ann', reason: 'deleted by ann' },
    );
    expect(names()).toEqual(['cart', 'shop']);
    expect(conditionsOf('shop')).toEqual(['deleted by ann; waiting for cluster east to confirm']);
    await state.additions.deleteWithdrawal('east', 'shop');
    expect(names()).toEqual(['cart']);
  });

  it('says that a repository cannot be read, beside the last good state, and once', async () => {
    await put('shop');
    const message = 'repository cannot be reached';
    const problem = { code: 'RepositoryUnreachable', message };
    await state.derived.putRevision({ repoURL, targetRevision: 'main', sha: 'c0ffee', problem });
    expect(conditionsOf('shop')).toEqual([message]);
    await state.derived.putRender(
      outcomeOf(state.applications.find('shop')?.request?.key ?? '', 'sha256:one', { problem }),
    );
    expect(conditionsOf('shop')).toEqual([message]);
  });

  it.each<[string, Partial<AppStatus>, string]>([
    ['what its cluster reports', {}, 'Synced'],
    ['nothing of what was removed there', { removed: true }, 'Unknown'],
  ])('shows %s', async (_name, fields, sync) => {
    await put('shop');
    statuses.record('east', statusOf('shop', fields));
    expect(model.list({}, { limit: 1 }).items.map(syncOf)).toEqual([sync]);
  });

  it('shows the worse of what the hub and the cluster say of a parent', async () => {
    const child = { group: 'argoproj.io', kind: 'Application', namespaced: true, names: ['child'] };
    await state.specs.put(applicationOf('shop', { cluster: 'in-cluster' }), by);
    const key = state.applications.find('shop')?.request?.key ?? '';
    await state.derived.putRender(
      outcomeOf(key, 'sha256:one', { kinds: [child], rest: { digest: 'sha256:rest', empty: false } }),
    );
    const condition = { type: 'SyncError', message: 'denied' };
    statuses.record('hub', statusOf('shop', { sync: 'OutOfSync', total: 1, conditions: [condition] }));
    statuses.record('in-cluster', statusOf('shop', { health: { status: 'Degraded' }, total: 2 }));
    expect(model.find('argocd', 'shop')?.application.status).toMatchObject({
      sync: { status: 'OutOfSync' },
      health: { status: 'Degraded' },
      conditions: [condition],
    });
  });

  it('counts by sync and health, stale ones apart', async () => {
    await put('shop');
    await put('cart', 'west');
    statuses.record('east', statusOf('shop'));
    expect(model.summary()).toEqual({
      total: 2,
      adopted: 0,
      orphans: 0,
      stale: 0,
      sync: { Synced: 1, Unknown: 1 },
      health: { Healthy: 1, Missing: 1 },
    });
    expect(model.clusterSummary('east')).toEqual({ total: 1, synced: 1, healthy: 1, stale: 0 });
    state.pass(91_000);
    expect(model.summary()).toEqual({
      total: 2,
      adopted: 0,
      orphans: 0,
      stale: 1,
      sync: { Unknown: 1 },
      health: { Missing: 1 },
    });
    expect(model.clusterSummary('east')).toEqual({ total: 1, synced: 0, healthy: 0, stale: 1 });
  });

  it('tells of every change', async () => {
    watch();
    await put('shop');
    statuses.record('east', statusOf('shop'));
    statuses.record('east', statusOf('shop', { seq: 0 }));
    await state.specs.delete('Application', 'argocd', 'shop');
    expect(seen).toEqual([
      'ADDED shop Unknown',
      'MODIFIED shop Unknown',
      'MODIFIED shop Synced',
      'DELETED shop Synced',
    ]);
  });

  it('tells of one that leaves until its cluster has confirmed, in step with the list', async () => {
    await put('shop');
    statuses.record('east', statusOf('shop'));
    watch();
    // what a client has that listed and then followed
    const rows = new Set(names());
    const steps: [string[], (string | undefined)[], string][] = [];
    model.onChange(({ type, view }) => rows[type === 'DELETED' ? 'delete' : 'add'](view.application.metadata.name));
    const step = () => steps.push([[...rows], names(), model.revision()]);
    await state.changes.remove({ kind: 'Application', namespace: 'argocd', name: 'shop' }, { by: 'a', reason: 'b' });
    step();
    statuses.record('east', statusOf('shop', { seq: 2, removed: true }));
    step();
    await state.additions.deleteWithdrawal('east', 'shop');
    step();
    statuses.record('east', statusOf('shop', { seq: 3, removed: true }));
    step();
    for (const [streamed, listed] of steps) expect(streamed).toEqual(listed);
    expect(steps.map(([, listed]) => listed)).toEqual([['shop'], ['shop'], [], []]);
    expect(new Set(steps.map(([, , revision]) => revision)).size).toBe(4);
    expect(seen.map((line) => line.split(' ')[0])).toEqual(['MODIFIED', 'MODIFIED', 'DELETED']);
  });

  it('tells of what clusters run without an explanation, and of its end', () => {
    watch();
    const old = { app: 'old', ns: 'shop', project: 'default', revision: 'r1', bundle: 'sha256:1', cluster: 'east' };
    for (const next of [new Map([['old', old]]), new Map<string, typeof old>()]) {
      adopted = next;
      adoptedChanged();
    }
    expect(seen).toEqual(['ADDED old Unknown', 'DELETED old Unknown']);
  });

  it('looks at no other withdrawal to show one', async () => {
    const many = Array.from({ length: 300 }, (_, index) => applicationOf(`app-${index}`));
    await state.changes.withdraw(many, { by: 'ann', reason: 'deleted by ann' });
    watch();
    names();
    const scans = vi.spyOn(state.additions, 'allWithdrawals');
    for (const { metadata } of many) statuses.record('east', statusOf(metadata.name));
    expect(seen.length).toBe(300);
    expect(scans).not.toHaveBeenCalled();
  });

  it('has another revision after every change', async () => {
    const revisions = [model.revision()];
    await put('shop');
    revisions.push(model.revision());
    statuses.record('east', statusOf('shop'));
    revisions.push(model.revision());
    expect(new Set(revisions).size).toBe(3);
  });
});

it('shows what a cluster runs and nothing explains as adopted, counted apart', () => {
  const old = { app: 'old', ns: 'shop', project: 'default', revision: 'r1', bundle: 'sha256:1', cluster: 'east' };
  adopted.set('old', old);
  const view = model.find('argocd', 'old');
  expect(view).toMatchObject({ cluster: 'east', application: { spec: { destination: { name: 'east' } } } });
  expect(view?.application.status).toMatchObject({ conditions: [{ type: 'Adopted' }] });
  expect(model.list({}, { limit: 10 }).items.map(({ application }) => application.metadata.name)).toEqual(['old']);
  expect(model.summary()).toMatchObject({ total: 0, adopted: 1 });
});

it('says of an Application that its cluster has no agent yet', async () => {
  announced.add('east');
  await state.specs.put(applicationOf('shop', { cluster: 'east' }), { by: 'ann' });
  const view = model.find('argocd', 'shop');
  expect(view?.application.status).toMatchObject({
    sync: { status: 'Unknown' },
    conditions: [{ message: expect.stringContaining('the agent of cluster east has not enrolled yet') as string }],
  });
});
