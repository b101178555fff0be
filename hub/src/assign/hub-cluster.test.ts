import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Application } from '@wheelhouse/shared/resources/application';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ApplicationFields, applicationOf, createHubState, type HubState, logger } from '../testing/hub-state.ts';
import { runHubCluster } from './hub-cluster.ts';

const by = { by: 'ann' };
const parent = { kind: 'Application', namespace: 'argocd', name: 'parent' };
const automated = { automated: { prune: true, selfHeal: true } };
let state: HubState;
let children: unknown[];
let bundle: number;
let last: Map<string, AppStatus>;
let reports: AppStatus[];
let awaitsSpoke: boolean;

beforeEach(async () => {
  state = await createHubState();
  children = [];
  bundle = 0;
  last = new Map();
  reports = [];
  awaitsSpoke = false;
});

async function putParent(
  syncPolicy: ApplicationFields['spec'] = { syncPolicy: automated },
  name = 'parent',
): Promise<void> {
  await state.specs.put(applicationOf(name, { cluster: 'in-cluster', spec: syncPolicy }), by);
}

/** The parents' manifests are now these. */
function hold(...objects: unknown[]): void {
  children = objects;
  bundle += 1;
}

async function run(): Promise<void> {
  await runHubCluster({
    ...state,
    logger,
    resolve: () => ({ hubBundle: `sha256:${bundle}`, revision: 'c0ffee', problems: [], warnings: [] }),
    blobs: { get: async () => Buffer.from(canonicalJson(children)) },
    lastStatus: (app) => last.get(app),
    report: async (status) => {
      reports.push(status);
      last.set(status.app, status);
    },
    awaitsSpoke: () => awaitsSpoke,
  });
}

const owners = () =>
  state.specs
    .list('Application')
    .map(({ resource, owner = '-' }) => `${resource.metadata.name} ${owner}`)
    .sort();
const withdrawn = () => [...state.additions.allWithdrawals()].map(({ app }) => app).sort();
const child = (name: string, fields: ApplicationFields = {}): Application => applicationOf(name, fields);
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } };

describe('a parent', () => {
  it('creates its children, owns them, and reports what it did', async () => {
    await putParent();
    hold(child('one'), configMap, child('two'));
    await run();
    expect(owners()).toEqual(['one parent', 'parent -', 'two parent']);
    expect(reports).toMatchObject([
      {
        app: 'parent',
        sync: 'Synced',
        health: { status: 'Healthy' },
        total: 2,
        revision: 'c0ffee',
        operation: { phase: 'Succeeded' },
      },
    ]);
  });

  it('reports nothing twice', async () => {
    await putParent();
    hold(child('one'));
    await run();
    state.pass(60_000);
    await run();
    expect(reports).toHaveLength(1);
  });

  it('prunes what it owns and no longer holds, with a withdrawal, and nothing else', async () => {
    await putParent();
    await state.specs.put(child('foreign'), by);
    hold(child('one'), child('two'));
    await run();
    hold(child('one'));
    await run();
    expect({ owners: owners(), withdrawn: withdrawn() }).toEqual({
      owners: ['foreign -', 'one parent', 'parent -'],
      withdrawn: ['two'],
    });
  });

  it.each<[string, ApplicationFields['spec'], string[], string]>([
    ['that is manual creates nothing', {}, ['parent -'], 'OutOfSync'],
    [
      'that does not prune leaves what is extra',
      { syncPolicy: { automated: {} } },
      ['old parent', 'one parent', 'parent -'],
      'OutOfSync',
    ],
    ['that prunes takes it away', { syncPolicy: automated }, ['one parent', 'parent -'], 'Synced'],
  ])('%s', async (...[, spec, expected, sync]) => {
    await putParent(spec);
    if (spec?.syncPolicy) await state.specs.put(child('old'), { ...by, owner: 'parent' });
    hold(child('one'));
    await run();
    expect({ owners: owners(), sync: last.get('parent')?.sync }).toEqual({ owners: expected, sync });
  });

  it.each<[string, boolean | undefined, string[]]>([
    ['stay', undefined, ['one parent', 'parent -']],
    ['go when it allows to be empty', true, ['parent -']],
  ])('that holds nothing any more: its children %s', async (_name, allowEmpty, expected) => {
    await putParent({
      syncPolicy: { automated: { prune: true, ...(allowEmpty === undefined ? {} : { allowEmpty }) } },
    });
    hold(child('one'));
    await run();
    hold();
    await run();
    expect(owners()).toEqual(expected);
  });

  it('heals a child that was changed', async () => {
    await putParent();
    hold(child('one'));
    await run();
    await state.specs.put(child('one', { cluster: 'west' }), { ...by, owner: 'parent' });
    await run();
    expect(state.applications.find('one')?.cluster).toBe('east');
  });

  it('does not take a child of another, and says whose it is', async () => {
    await putParent();
    await state.specs.put(child('one'), { ...by, owner: 'other' });
    hold(child('one'));
    await run();
    expect(owners()).toEqual(['one other', 'parent -']);
    expect(last.get('parent')).toMatchObject({
      sync: 'OutOfSync',
      operation: { phase: 'Failed' },
      conditions: [{ type: 'SyncError', message: 'Application one belongs to application other' }],
    });
  });

  it('goes on past a child that is none, and names it', async () => {
    await putParent();
    hold({ ...child('bad'), spec: 'none' }, child('good'));
    await run();
    expect(owners()).toEqual(['good parent', 'parent -']);
    expect(last.get('parent')?.conditions.map(({ type }) => type)).toContain('SyncError');
  });

  it('syncs once when a person asks', async () => {
    await putParent({});
    hold(child('one'));
    await run();
    const sync = { prune: false, dryRun: false, force: false, syncOptions: [] };
    const operation = {
      id: '1',
      app: 'parent',
      type: 'sync' as const,
      by: 'ann',
      expiresAt: '2027-01-01T00:00:00Z',
      sync,
    };
    await state.additions.addOperation(operation, state.now());
    await run();
    expect({ owners: owners(), id: last.get('parent')?.operation?.id }).toEqual({
      owners: ['one parent', 'parent -'],
      id: '1',
    });
    await state.specs.delete('Application', 'argocd', 'one');
    await run();
    expect(owners()).toEqual(['parent -']);
  });
});

describe('a parent that is withdrawn', () => {
  it.each<[string, boolean, string[], string[]]>([
    ['with cascade takes its children along', true, [], ['one', 'two']],
    ['without cascade lets go of them', false, ['one -', 'two -'], []],
  ])('%s', async (...[, cascade, left, gone]) => {
    await putParent();
    hold(child('one'), child('two'));
    await run();
    await state.changes.remove(parent, { by: 'ann', reason: 'deleted by ann', cascade });
    await run();
    expect({ owners: owners(), withdrawn: withdrawn(), removed: last.get('parent')?.removed }).toEqual({
      owners: left,
      withdrawn: gone,
      removed: true,
    });
  });

  const ordered = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd' },
    spec: {
      generators: [{ list: { elements: [] } }],
      template: { metadata: { name: 'x' }, spec: applicationOf('x').spec },
      strategy: { type: 'RollingSync', deletionOrder: 'Reverse', rollingSync: { steps: [{ matchExpressions: [] }] } },
    },
  };
  const fleet = { kind: 'ApplicationSet', namespace: 'argocd', name: 'fleet' };

  it.each([
    ['with cascade waits for a set that is deleted step by step', true],
    ['without cascade does not, and changes nothing of it', false],
  ])('%s', async (_name, cascade) => {
    await putParent();
    hold(ordered);
    await run();
    if (!cascade) await state.changes.remove(fleet, { by: 'bob', reason: 'deleted by bob' });
    await state.changes.remove(parent, { by: 'ann', reason: 'deleted by ann', cascade });
    await run();
    expect(state.specs.find('ApplicationSet', 'argocd', 'fleet')?.deleting?.by).toBe(cascade ? 'ann' : 'bob');
    expect(withdrawn()).toEqual(cascade ? ['parent'] : []);
    await state.changes.complete(fleet, { by: 'ann', reason: 'deleted by ann' });
    await run();
    expect(withdrawn()).toEqual([]);
  });

  it('says so when a child that it holds is being deleted, and makes it again once it is gone', async () => {
    await putParent();
    hold(ordered);
    await run();
    await state.changes.remove(fleet, { by: 'bob', reason: 'deleted by bob' });
    bundle += 1;
    await run();
    expect(last.get('parent')).toMatchObject({
      sync: 'OutOfSync',
      operation: { phase: 'Failed', message: expect.stringContaining('is being deleted') as string },
    });
    await state.changes.complete(fleet, { by: 'bob', reason: 'deleted by bob' });
    await run();
    expect(last.get('parent')).toMatchObject({ sync: 'Synced', operation: { phase: 'Succeeded' } });
    expect(state.specs.find('ApplicationSet', 'argocd', 'fleet')).toMatchObject({ owner: 'parent' });
  });

  it.each([true, false])('keeps its children while it is still there (cascade: %s)', async (cascade) => {
    await putParent();
    hold(child('one'));
    await run();
    const application = applicationOf('parent', { cluster: 'in-cluster' });
    await state.changes.withdraw([application], { by: 'ann', reason: 'deleted by ann', cascade });
    await run();
    expect(owners()).toEqual(['one parent', 'parent -']);
    expect(withdrawn()).toEqual(['parent']);
  });

  it('waits for its cluster where there is one', async () => {
    await putParent();
    hold(child('one'));
    await run();
    awaitsSpoke = true;
    await state.changes.remove(parent, { by: 'ann', reason: 'deleted by ann', cascade: false });
    await run();
    expect(withdrawn()).toEqual(['parent']);
    awaitsSpoke = false;
    await run();
    expect(withdrawn()).toEqual([]);
  });
});
