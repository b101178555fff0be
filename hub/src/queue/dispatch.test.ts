import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import { formatShard, shardCount, shardOf } from '../assign/shard.ts';
import { hydratedApplication } from '../hydrate/testing/hydrated-application.ts';
import { surveyKey } from '../render/render-stage.ts';
import { repositoryKey } from '../source/source-stage.ts';
import { wantedRevisions } from '../source/wanted.ts';
import {
  applicationOf,
  createHubState,
  evaluationOf,
  type HubState,
  logger,
  outcomeOf,
  repoURL,
} from '../testing/hub-state.ts';
import { createDispatch, type Dispatch } from './dispatch.ts';

const main = { repoURL, targetRevision: 'main', sha: 'c0ffee' };
const survey = `render ${surveyKey(main)}`;
const source = `source ${repositoryKey(repoURL)}`;
const [east, west] = ['east', 'west'].map((cluster) => `assign ${shardOf(cluster)}`) as [string, string];
const otherURL = 'https://git.example.com/other.git';

interface Started extends HubState {
  dispatch: Dispatch;
  lost: string[];
  /** Tells of a cluster, as the fleet does. */
  cluster(change: { name: string; labelsChanged: boolean; appsRelabelled?: string[] }): void;
  /** Tells of a plan, of which `p1` is not over. */
  plan(id: string): void;
}

/** Application `shop` on cluster east, resolved, discovered and rendered, with nothing enqueued. */
async function start(queue?: HubState['queue']): Promise<Started> {
  const state = await createHubState();
  await state.specs.put(applicationOf('shop'), { by: 'test' });
  await state.derived.putRevision(main);
  await state.derived.putDiscovery({
    repoURL,
    targetRevision: 'main',
    types: { shop: 'Directory', folder: 'Directory' },
  });
  await state.derived.putRender(outcomeOf(requestOf(state)));
  const lost: string[] = [];
  let planChanged: (id: string) => void = () => undefined;
  const listeners = new Set<Parameters<Parameters<typeof createDispatch>[0]['clusters']['onChange']>[0]>();
  const dispatch = createDispatch({
    ...state,
    logger,
    queue: queue ?? state.queue,
    clusters: {
      onChange: (listener) => {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
    plans: {
      due: () => ['p1'],
      onChange: (listener) => ((planChanged = listener), { [Symbol.dispose]: () => undefined }),
    },
    repositories: () => wantedRevisions(state).keys(),
    rollouts: () => ['rollout.argocd.shop'],
    onLost: () => void lost.push('lost'),
  });
  const cluster: Started['cluster'] = (change) => {
    for (const listener of listeners) listener(change);
  };
  return { ...state, dispatch, lost, cluster, plan: (id) => planChanged(id) };
}

function requestOf({ applications }: HubState, app = 'shop'): string {
  return applications.find(app)?.request?.key ?? '';
}

function setOf(generators: unknown[]): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd' },
    spec: { generators },
  };
}

const by = { by: 'test' };

/** A set with steps withdraws `gone` from cluster west, and is deleted where its strategy has an order; then west confirms. */
async function endWithdrawalOf(strategy: object, state: Started): Promise<void> {
  const { specs, changes, derived, additions } = state;
  const rollingSync = { steps: [{ matchExpressions: [] }] };
  const set = setOf([]);
  await specs.put(
    { ...set, spec: { generators: [], strategy: { type: 'RollingSync', rollingSync, ...strategy } } },
    by,
  );
  const gone = applicationOf('gone', { cluster: 'west' });
  await derived.putEvaluation(evaluationOf([gone]));
  await changes.withdraw([gone], { by: 'ann', reason: 'x' });
  await derived.putEvaluation(evaluationOf([]));
  if ('deletionOrder' in strategy)
    await changes.remove({ kind: 'ApplicationSet', namespace: 'argocd', name: 'fleet' }, { by: 'ann', reason: 'x' });
  state.enqueued();
  await additions.deleteWithdrawal('west', 'gone');
}

describe('what a change makes due', () => {
  it.each<[string, (state: Started) => unknown, string[]]>([
    [
      'a new Application of a known folder: a look at its repository, its render, its cluster',
      async ({ specs }) => await specs.put(applicationOf('twin', { source: { path: 'shop' } }), by),
      [source, 'render KEY', east],
    ],
    [
      'a new Application of a folder that nobody looked at: a survey of its revision',
      async ({ specs }) => await specs.put(applicationOf('new'), by),
      [source, survey, east],
    ],
    [
      'a new Application of an unknown repository: that repository',
      async ({ specs }) => await specs.put(applicationOf('new', { source: { repoURL: otherURL } }), by),
      [`source ${repositoryKey(otherURL)}`, east],
    ],
    [
      'a new Application that may not go anywhere: nothing',
      async ({ specs }) => await specs.put(applicationOf('new', { cluster: 'mars' }), by),
      [],
    ],
    [
      'another sync policy: its cluster',
      async ({ specs }) => await specs.put(applicationOf('shop', { spec: { syncPolicy: { automated: {} } } }), by),
      [east],
    ],
    [
      'another cluster: both clusters',
      async ({ specs }) => await specs.put(applicationOf('shop', { cluster: 'west' }), by),
      [east, west],
    ],
    [
      'a deleted Application: its cluster',
      async ({ specs }) => await specs.delete('Application', 'argocd', 'shop'),
      [east],
    ],
    ['a plan that is not over: the plan', ({ plan }) => plan('p1'), ['failover p1']],
    ['a plan that is over: nothing', ({ plan }) => plan('p0'), []],
    [
      'a new commit: a survey of it',
      async ({ derived }) => await derived.putRevision({ ...main, sha: 'd00d' }),
      [survey],
    ],
    [
      'a commit that nothing reads: nothing',
      async ({ derived }) => await derived.putRevision({ ...main, repoURL: otherURL }),
      [],
    ],
    [
      'a finished render: the clusters that run it',
      async (state) => await state.derived.putRender(outcomeOf(requestOf(state), 'sha256:two')),
      [east],
    ],
    [
      'a render that was forgotten while it is wanted: that render',
      async (state) => await state.derived.deleteRender(requestOf(state)),
      ['render KEY'],
    ],
    [
      'a revision that was forgotten while it is wanted: its repository',
      async ({ derived }) => await derived.deleteRevision({ repoURL, targetRevision: 'main' }),
      [source],
    ],
    [
      'an operation: the cluster of its Application',
      async ({ additions, now }) =>
        await additions.addOperation(
          { id: '1', type: 'refresh', app: 'shop', expiresAt: '2027-01-01T00:00:00Z', by: 'ann' },
          now(),
        ),
      [east],
    ],
    [
      'a withdrawal: its cluster',
      async ({ changes }) =>
        await changes.withdraw([applicationOf('gone', { cluster: 'west' })], { by: 'ann', reason: 'x' }),
      [west],
    ],
    [
      'the end of a withdrawal that the deletion of a set waits for: the set, and the cluster',
      async (state) => {
        await endWithdrawalOf({ deletionOrder: 'Reverse' }, state);
      },
      [west, 'generate argocd.fleet'],
    ],
    [
      'the end of a withdrawal of a set that stays: the cluster',
      async (state) => {
        await endWithdrawalOf({}, state);
      },
      [west],
    ],
    [
      'a cluster that was heard of: that cluster',
      ({ cluster }) => cluster({ name: 'west', labelsChanged: false }),
      [west],
    ],
    [
      'repository credentials: every repository',
      async ({ specs }) =>
        await specs.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'r', namespace: 'argocd' } }, by),
      [source],
    ],
  ])('%s', async (_name, change, due) => {
    const state = await start();
    const key = requestOf(state);
    await change(state);
    const made = new Set(state.enqueued().map((job) => job.replace(key, 'KEY')));
    // any change of an Application may be one of a parent's children
    made.delete('assign hub');
    expect([...made].sort()).toEqual([...due].sort());
  });
});

describe('an Application with a source hydrator', () => {
  const branch = { repoURL, targetRevision: 'environments/east', sha: 'wet' };
  const hydrated = (name: string, fields: Parameters<typeof applicationOf>[1] = {}) =>
    hydratedApplication(name, { dry: { path: 'folder' } }, fields);
  const begin = async () => {
    const state = await start();
    await state.derived.putRevision(branch);
    await state.derived.putDiscovery({ ...branch, types: { wet: 'Directory' } });
    await state.specs.put(hydrated('wet'), by);
    const { hydration, request } = state.applications.find('wet') ?? {};
    const keys = {
      dry: hydration?.dry.request?.key ?? '',
      wet: request?.key ?? '',
      branch: hydration?.branchKey ?? '',
    };
    for (const key of [keys.dry, keys.wet]) await state.derived.putRender(outcomeOf(key));
    state.enqueued();
    return { state, keys };
  };
  type Keys = Awaited<ReturnType<typeof begin>>['keys'];

  it.each<[string, (state: Started, keys: Keys) => unknown, string[]]>([
    [
      'a dry commit: a survey of it, and its branch',
      async ({ derived }) => await derived.putRevision({ ...main, sha: 'd00d' }),
      [survey, 'hydrate BRANCH'],
    ],
    [
      'a commit of the branch: a survey of it alone',
      async ({ derived }) => await derived.putRevision({ ...branch, sha: 'd00d' }),
      [`render ${surveyKey(branch)}`],
    ],
    [
      'a render of its dry source: its branch, and no cluster',
      async ({ derived }, { dry }) => await derived.putRender(outcomeOf(dry, 'sha256:two')),
      ['hydrate BRANCH'],
    ],
    [
      'a render of what is in the branch: its cluster',
      async ({ derived }, { wet }) => await derived.putRender(outcomeOf(wet, 'sha256:two')),
      [east],
    ],
    [
      'one that joins the branch: its dry render, a survey of the branch, which is written first, and its cluster',
      async ({ specs }) => await specs.put(hydrated('second', { source: { path: 'x' } }), by),
      ['hydrate BRANCH', 'render DRY', `render ${surveyKey(branch)}`, source, east],
    ],
    [
      'one that leaves: its branch, so that its record goes too, and its cluster',
      async ({ specs }) => await specs.delete('Application', 'argocd', 'wet'),
      ['hydrate BRANCH', east],
    ],
    [
      'another value of its annotation: a look at its repositories, its branch, its cluster',
      async ({ specs }) =>
        await specs.put(hydrated('wet', { metadata: { annotations: { 'argocd.argoproj.io/hydrate': 'normal' } } }), by),
      [source, 'hydrate BRANCH', east],
    ],
    [
      'a login: every repository, and every branch',
      async ({ specs }) =>
        await specs.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'r', namespace: 'argocd' } }, by),
      [source, 'hydrate BRANCH'],
    ],
    [
      'a forgotten render of its dry source: that render',
      async ({ derived }, { dry }) => await derived.deleteRender(dry),
      ['render DRY'],
    ],
  ])('%s', async (_name, change, due) => {
    const { state, keys } = await begin();
    await change(state, keys);
    const named = state.enqueued().map((job) => job.replace(keys.branch, 'BRANCH').replace(keys.dry, 'DRY'));
    expect([...new Set(named)].filter((job) => job !== 'assign hub').sort()).toEqual([...due].sort());
  });

  it('is swept with its dry render and its branch, also one that nothing is written to any more', async () => {
    const { state, keys } = await begin();
    const record = { key: 'k', branchKey: 'old', repoURL, branch: 'old', apps: {}, startedAt: '' };
    await state.hydrations.put({ ...record, phase: 'Hydrated' }, 0);
    for (const key of [keys.dry, keys.wet]) await state.derived.deleteRender(key);
    state.enqueued();
    await state.dispatch.sweep();
    expect(state.enqueued()).toEqual(
      expect.arrayContaining([`render ${keys.dry}`, `render ${keys.wet}`, `hydrate ${keys.branch}`, 'hydrate old']),
    );
  });
});

it.each([
  ['makes a set due that it may concern', 'wheelhouse.dev/applicationset=fleet', ['generate argocd.fleet', west]],
  ['makes no other set due', 'wheelhouse.dev/applicationset=other', [west]],
])('a change of labels that only some Applications see %s', async (...[, apps, due]) => {
  const state = await start();
  await state.specs.put(setOf([{ clusters: {} }]), by);
  state.enqueued();
  state.cluster({ name: 'west', labelsChanged: false, appsRelabelled: [apps] });
  expect(state.enqueued()).toEqual(due);
});

describe('ApplicationSets', () => {
  const git = { git: { repoURL: otherURL, revision: 'main' } };

  it('are evaluated when they are written, with a look at what they read', async () => {
    const state = await start();
    await state.specs.put(setOf([{ matrix: { generators: [git, { clusters: {} }] } }]), by);
    expect(state.enqueued()).toEqual(
      expect.arrayContaining(['generate argocd.fleet', `source ${repositoryKey(otherURL)}`]),
    );
  });

  it.each<[string, unknown[], boolean | undefined, string[]]>([
    ['that was never evaluated', [{ list: {} }], undefined, ['generate argocd.fleet', west]],
    ['that read the clusters', [{ clusters: {} }], true, ['generate argocd.fleet', west]],
    ['that did not read the clusters', [git], false, [west]],
  ])('one %s, when labels change', async (...[, generators, readClusters, due]) => {
    const state = await start();
    await state.specs.put(setOf(generators), by);
    if (readClusters !== undefined)
      await state.derived.putEvaluation(evaluationOf([], { reads: { repositories: [], clusters: readClusters } }));
    state.enqueued();
    state.cluster({ name: 'west', labelsChanged: true });
    expect(state.enqueued()).toEqual(due);
  });

  it('are evaluated when a repository that they name, or read last time, has a new commit', async () => {
    const state = await start();
    await state.specs.put(setOf([git]), by);
    state.enqueued();
    await state.derived.putRevision({ repoURL: otherURL, targetRevision: 'main', sha: 'd00d' });
    expect(state.enqueued()).toEqual(['generate argocd.fleet']);
    await state.derived.putEvaluation(
      evaluationOf([], { reads: { repositories: [{ repoURL, revision: 'v1' }], clusters: false } }),
    );
    state.enqueued();
    await state.derived.putRevision({ ...main, targetRevision: 'v1' });
    expect(state.enqueued()).toEqual(['generate argocd.fleet']);
  });

  it('have unresolved revisions of an evaluation looked at', async () => {
    const state = await start();
    await state.derived.putEvaluation(
      evaluationOf([], { reads: { repositories: [{ repoURL: otherURL, revision: 'v2' }], clusters: false } }),
    );
    expect(state.enqueued()).toEqual([`source ${repositoryKey(otherURL)}`]);
  });
});

describe('a sweep', () => {
  it('makes everything due: repositories, sets, missing renders, a look at every commit, all shards, all rollouts', async () => {
    const state = await start();
    await state.specs.put(setOf([{ list: {} }]), by);
    await state.specs.put(applicationOf('twin', { source: { path: 'folder' } }), by);
    const twin = requestOf(state, 'twin');
    state.enqueued();
    await state.dispatch.sweep();
    const shards = Array.from({ length: shardCount }, (_, index) => `assign ${formatShard(index)}`);
    expect(state.enqueued()).toEqual([
      source,
      'generate argocd.fleet',
      `render ${twin}`,
      survey,
      'assign hub',
      ...shards,
      'rollout rollout.argocd.shop',
    ]);
  });

  it('is asked for when something could not be enqueued', async () => {
    const state = await start({ enqueue: () => Promise.reject(new Error('no redis')) });
    await state.dispatch.source(repoURL);
    expect(state.lost).toEqual(['lost']);
  });

  it('is all that happens once nobody listens any more', async () => {
    const state = await start();
    state.dispatch[Symbol.dispose]();
    await state.specs.put(applicationOf('new'), by);
    state.cluster({ name: 'west', labelsChanged: true });
    expect(state.enqueued()).toEqual([]);
  });
});

it('renders again what was not permitted once the project is another one, and not what failed otherwise', async () => {
  const project = (description: string) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: 'argocd' },
    spec: { description, sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] },
  });
  const state = await start();
  const renderedAfter = async (code: string, description: string) => {
    const key = requestOf(state);
    await state.derived.putRender({ ...outcomeOf(key), problem: { code, message: `refused ${description}` } });
    state.enqueued();
    await state.specs.put(project(description), { by: 'test' });
    return state.enqueued().filter((name) => name === `render ${key}`).length;
  };
  expect(await renderedAfter('RenderFailed', 'one')).toBe(0);
  expect(await renderedAfter('NotPermitted', 'two')).toBe(1);
});

it('asks anew as whom what leaves is deleted, once its project is another one', async () => {
  const state = await start();
  await state.changes.withdraw([applicationOf('gone', { cluster: 'west' })], { by: 'ann', reason: 'x' });
  state.enqueued();
  const project = (name: string) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace: 'argocd' },
    spec: {},
  });
  await state.specs.put(project('other'), by);
  expect(state.enqueued()).not.toContain(`assign ${shardOf('west')}`);
  await state.specs.put(project('default'), by);
  expect(state.enqueued()).toContain(`assign ${shardOf('west')}`);
});

it('surveys what a render read elsewhere only as long as the project permits it', async () => {
  const base = { repoURL: otherURL, targetRevision: 'main' };
  const project = (...sourceRepos: string[]) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: 'argocd' },
    spec: { sourceRepos, destinations: [{ server: '*', namespace: '*' }] },
  });
  const state = await start();
  await state.specs.put(project('*'), by);
  const outcome = outcomeOf(requestOf(state));
  const parts = outcome.record?.parts.map((part) => ({ ...part, inputs: [{ path: '', oid: '1', from: base }] })) ?? [];
  await state.derived.putRender({ ...outcome, ...(outcome.record ? { record: { ...outcome.record, parts } } : {}) });
  await state.derived.putRevision({ ...base, sha: 'f00d' });
  const sweptFor = async (): Promise<string[]> => {
    state.enqueued();
    await state.dispatch.sweep();
    const elsewhere = [`source ${repositoryKey(otherURL)}`, `render ${surveyKey(base)}`];
    return state.enqueued().filter((name) => elsewhere.includes(name));
  };
  expect(await sweptFor()).toHaveLength(2);
  await state.specs.put(project(repoURL), by);
  expect(await sweptFor()).toEqual([]);
});
