// A source hydrator, end to end: what a kustomization comes to is pushed to a branch over HTTP with a login of its own, and
// deployed from there. Nothing is found by polling; pushes of people are told, those of the hub are not.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getApplication, messagesOf, whenSettled } from '../support/applications.ts';
import { readAudit } from '../support/audit.ts';
import { createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { connectAsHub } from '../support/hub-connection.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
const branch = 'environments/east';
let shop: Shop;

beforeAll(async () => {
  shop = await startShop({
    'app/config.yaml': configMap('plain', 'one'),
    'base/kustomization.yaml': 'resources: [config.yaml]\nnamePrefix: my-\n',
    'base/config.yaml': configMap('shop', 'one'),
    'other/config.yaml': configMap('other', 'one'),
  });
  shop.git.requireBasicToPush('robot', 'wr1te');
});
afterAll(async () => await shop[Symbol.asyncDispose]());

interface Fields {
  dry?: string;
  path?: string;
  hydrateTo?: string;
  annotation?: string;
}

function hydrated(name: string, { dry = 'base', path = name, hydrateTo, annotation }: Fields = {}): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ${name}
  namespace: argocd
  annotations: {${annotation ? `argocd.argoproj.io/hydrate: ${annotation}` : ''}}
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: default
  sourceHydrator:
    drySource: {repoURL: '${shop.repository.url}', targetRevision: main, path: ${dry}}
    syncSource: {targetBranch: ${branch}, path: ${path}}
${hydrateTo ? `    hydrateTo: {targetBranch: ${hydrateTo}}\n` : ''}  destination: {name: east, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

const writeLogin = (password: string) => `apiVersion: v1
kind: Secret
metadata: {name: writer, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository-write}}
stringData: {url: '${shop.repository.url}', username: robot, password: ${password}}
`;

const statusOf = async (name: string) => (await getApplication(shop.platform, name)).status;
const messages = async (name: string) => messagesOf(await getApplication(shop.platform, name)).join('\n');
const whenSays = async (name: string, pattern: RegExp) =>
  await eventually(async () => expect(await messages(name)).toMatch(pattern), within);
const whenRuns = async (expected: Record<string, string>) =>
  await eventually(async () => expect(await shop.live()).toMatchObject(expected), within);
const show = async (path: string, of = branch) => await shop.repository.git('show', `refs/heads/${of}:${path}`);
const commits = async (of = branch) => (await shop.repository.git('log', '--format=%H', of)).split('\n');

test('without a login for writing nothing is pushed, and what to add is said', async () => {
  await shop.platform.apply(hydrated('shop-east'));
  await whenSays('shop-east', /no login may write to .*shop\.git.*repository-write/);
  expect((await statusOf('shop-east')).sourceHydrator).toMatchObject({ currentOperation: { phase: 'Failed' } });
  expect(await shop.repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')).toBe('main');
});

test('a login that may not write says so without showing it', async () => {
  await shop.platform.apply(writeLogin('wr0ng'));
  await whenSays('shop-east', /does not let the login of its repository-write Secret write/);
  expect(await messages('shop-east')).not.toContain('wr0ng');
});

test('rendered manifests are pushed to the branch, and deployed from it', async () => {
  await shop.platform.apply(writeLogin('wr1te'));
  await whenRuns({ 'my-shop': 'one' });
  await whenSettled(shop.platform, { names: ['shop', 'shop-east'] });
  const drySHA = await shop.repository.git('rev-parse', 'main');
  const [hydratedSHA] = await commits();
  expect(await commits()).toHaveLength(1);
  expect(await show('shop-east/manifest.yaml')).toBe(
    'apiVersion: v1\ndata:\n  text: one\nkind: ConfigMap\nmetadata:\n  name: my-shop',
  );
  expect(JSON.parse(await show('hydrator.metadata'))).toMatchObject({ drySha: drySHA, repoURL: shop.repository.url });
  await eventually(async () => {
    const { sourceHydrator, sync } = await statusOf('shop-east');
    expect(sourceHydrator).toMatchObject({
      currentOperation: { phase: 'Hydrated', drySHA, hydratedSHA },
      lastSuccessfulOperation: { drySHA, hydratedSHA },
    });
    expect(sync).toMatchObject({
      revision: hydratedSHA,
      comparedTo: { source: { targetRevision: branch, path: 'shop-east' } },
    });
  }, within);
  await eventually(async () => expect(await messages('shop-east')).toBe(''), within);
});

test('a dry commit becomes one on the branch, and one that changes nothing becomes none', async () => {
  const before = await commits();
  await shop.push({ 'base/config.yaml': configMap('shop', 'two') });
  await whenRuns({ 'my-shop': 'two' });
  expect(await commits()).toEqual([expect.any(String), ...before]);
  await shop.push({ 'README.md': 'nothing to deploy' });
  const drySHA = await shop.repository.git('rev-parse', 'main');
  await eventually(
    async () =>
      expect((await statusOf('shop-east')).sourceHydrator?.currentOperation).toMatchObject({
        drySHA,
        phase: 'Hydrated',
      }),
    within,
  );
  expect(await commits()).toHaveLength(before.length + 1);
});

test('of several Applications all are written in one commit, or none', async () => {
  const before = await commits();
  await shop.platform.apply(hydrated('other-east', { dry: 'other' }));
  await whenRuns({ 'my-shop': 'two', other: 'one' });
  await shop.push({ 'base/config.yaml': configMap('shop', 'three'), 'other/config.yaml': configMap('other', 'three') });
  await whenRuns({ 'my-shop': 'three', other: 'three' });
  expect(await commits()).toHaveLength(before.length + 2);
  await shop.push({
    'base/kustomization.yaml': 'resources: [absent.yaml]\n',
    'other/config.yaml': configMap('other', 'four'),
  });
  await whenSays('shop-east', /absent\.yaml/);
  await whenSays('other-east', /nothing is written, because application shop-east of the same branch cannot be/);
  expect(await commits()).toHaveLength(before.length + 2);
  await whenRuns({ 'my-shop': 'three', other: 'three' });
  await shop.push({ 'base/kustomization.yaml': 'resources: [config.yaml]\nnamePrefix: my-\n' });
  await whenRuns({ 'my-shop': 'three', other: 'four' });
  await eventually(
    async () => expect([await messages('shop-east'), await messages('other-east')]).toEqual(['', '']),
    within,
  );
});

test('an Application that names the folder of another is refused, and all others go on', async () => {
  const before = await commits();
  await shop.platform.apply(hydrated('a-thief', { path: 'other-east' }));
  await whenSays('a-thief', /folder other-east on branch environments\/east of .* belongs to application other-east/);
  expect((await statusOf('a-thief')).sourceHydrator).toMatchObject({ currentOperation: { phase: 'Failed' } });
  await shop.push({ 'base/config.yaml': configMap('shop', 'four'), 'other/config.yaml': configMap('other', 'five') });
  await whenRuns({ 'my-shop': 'four', other: 'five' });
  expect(await commits()).toEqual([expect.any(String), ...before]);
  for (const name of ['shop-east', 'other-east']) expect(await messages(name)).not.toMatch(/folder|written/);
  expect(await messages('a-thief')).toContain('belongs to application other-east');
  await shop.platform.api('DELETE', '/api/v1/applications/a-thief?cascade=false');
  await eventually(async () => {
    const { items } = await shop.platform.api<{ items: object[] }>('GET', '/api/v1/applications');
    expect(items).toHaveLength(3);
  }, within);
});

test('a Secret with its data is not written to Git', async () => {
  const before = await commits();
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {password: aHVudGVyMg==}\n';
  await shop.push({ 'other/secret.yaml': secret });
  await whenSays('other-east', /secret db has its data in Git/i);
  expect(await commits()).toEqual(before);
  await shop.push({ 'other/secret.yaml': null });
  await eventually(async () => expect(await messages('other-east')).toBe(''), within);
});

test('a branch that somebody else writes meanwhile keeps both commits', async () => {
  const known = await commits();
  let count = 0;
  const before = async () => {
    count += 1;
    if (count === 1) await shop.repository.commit({ 'NOTES.md': 'by hand' }, 'By hand', branch);
  };
  shop.git.interceptPushes({ before });
  await shop.push({ 'base/config.yaml': configMap('shop', 'five') });
  await whenRuns({ 'my-shop': 'five' });
  shop.git.interceptPushes({});
  expect(count).toBe(2);
  expect(await show('NOTES.md')).toBe('by hand');
  expect((await commits()).slice(2)).toEqual(known);
});

test('a folder in which something else lies is left as it is', async () => {
  await shop.repository.commit({ 'taken/deploy.yaml': configMap('taken', 'by hand') }, 'By hand', branch);
  const before = await commits();
  await shop.platform.apply(hydrated('taken', { dry: 'other' }));
  await whenSays('taken', /folder taken is not written: it holds deploy\.yaml, which would be deployed with it/);
  expect(await commits()).toEqual(before);
  await shop.platform.api('DELETE', '/api/v1/applications/taken?cascade=true');
  await eventually(async () => expect(await messages('other-east')).toBe(''), within);
});

test('a branch that takes no push is not tried again for a while, and told of once', async () => {
  const known = await commits();
  let pushes = 0;
  shop.git.interceptPushes({ after: async () => void (pushes += 1) });
  const hook = join(shop.repository.dir, 'hooks', 'pre-receive');
  await mkdir(dirname(hook), { recursive: true });
  await writeFile(hook, '#!/bin/sh\necho this branch is protected\nexit 1\n', { mode: 0o755 });
  const begun = performance.now();
  /** By itself the hub tries again after half a minute at the earliest. */
  const expectPushes = (asked: number) => {
    expect(pushes).toBeGreaterThanOrEqual(asked);
    expect(pushes).toBeLessThanOrEqual(asked + Math.floor((performance.now() - begun) / 30_000));
  };
  const failedAt = async () => {
    const { currentOperation } = (await statusOf('other-east')).sourceHydrator ?? {};
    return currentOperation && 'finishedAt' in currentOperation ? currentOperation.finishedAt : undefined;
  };
  /** Pushed once more, and the hub has taken down that it was refused. */
  const whenRefusedAgain = async (ask: () => Promise<unknown>) => {
    const [before, pushed] = [await failedAt(), pushes];
    await ask();
    await eventually(() => expect(pushes).toBeGreaterThan(pushed), within);
    await eventually(async () => expect(await failedAt()).not.toBe(before), within);
    await whenSays('other-east', /failed once; tried again after 2/);
  };
  await shop.push({ 'other/config.yaml': configMap('other', 'six') });
  await whenSays('other-east', /pre-receive hook declined; this branch is protected.*failed once; tried again after 2/);
  expectPushes(1);
  await shop.platform.api('GET', '/api/v1/applications/other-east?refresh=normal');
  const changed = writeLogin('wr1te').replace('labels:', 'annotations: {changed: once}, labels:');
  await whenRefusedAgain(async () => await shop.platform.apply(changed));
  await whenRefusedAgain(async () => await shop.platform.api('GET', '/api/v1/applications/other-east?refresh=hard'));
  await shop.platform.hubs[0]?.kill('SIGKILL');
  await shop.platform.hubs[0]?.restart();
  await whenSays('other-east', /pre-receive hook declined.*failed once; tried again after 2/);
  await rm(hook);
  await shop.platform.api('GET', '/api/v1/applications/other-east?refresh=hard');
  await whenRuns({ other: 'six' });
  shop.git.interceptPushes({});
  expectPushes(4);
  expect(await commits()).toEqual([expect.any(String), ...known]);
  await eventually(async () => expect(await messages('other-east')).toBe(''), within);
});

test('a staging branch waits to be merged', async () => {
  await shop.platform.apply(hydrated('other-east', { dry: 'other', hydrateTo: 'environments/east-next' }));
  await shop.push({ 'other/config.yaml': configMap('other', 'staged') });
  const staged = async () => await show('other-east/manifest.yaml', 'environments/east-next');
  await eventually(async () => expect(await staged()).toContain('staged'), within);
  expect(await show('other-east/manifest.yaml')).not.toContain('staged');
  await shop.repository.git('update-ref', `refs/heads/${branch}`, 'refs/heads/environments/east-next');
  await shop.platform.api('GET', '/api/v1/applications/other-east?refresh=normal');
  await whenRuns({ other: 'staged' });
});

describe('what is asked for again', () => {
  test('a hard refresh writes what somebody took away', async () => {
    await shop.repository.commit({ 'shop-east/manifest.yaml': configMap('my-shop', 'by hand') }, 'By hand', branch);
    const by = await commits();
    await shop.platform.api('GET', '/api/v1/applications/shop-east?refresh=normal');
    await whenRuns({ 'my-shop': 'by hand' });
    expect(await commits()).toEqual(by);
    await shop.platform.api('GET', '/api/v1/applications/shop-east?refresh=hard');
    await eventually(async () => expect(await commits()).toHaveLength(by.length + 1), within);
    await whenRuns({ 'my-shop': 'five' });
  });

  test('so does the annotation', async () => {
    await shop.repository.commit({ 'shop-east/manifest.yaml': configMap('my-shop', 'again') }, 'By hand', branch);
    const by = await commits();
    await shop.platform.apply(hydrated('shop-east', { annotation: 'hard' }));
    await eventually(async () => expect(await commits()).toHaveLength(by.length + 1), within);
    await whenRuns({ 'my-shop': 'five' });
  });
});

test('a chart is written to another repository, once its project permits both', async () => {
  const other = await shop.git.createRepository('deployments');
  await shop.repository.commit(
    {
      'chart/Chart.yaml': 'apiVersion: v2\nname: chart\nversion: 1.0.0\n',
      'chart/templates/a.yaml': configMap('charted', '"{{ .Values.text }}"'),
    },
    'Add a chart',
  );
  const project = (repos: string) => `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: team, namespace: argocd}
spec: {sourceRepos: [${repos}], destinations: [{name: '*', namespace: '*'}]}
`;
  await shop.platform.apply(`${project(`'${shop.repository.url}'`)}---
${writeLogin('wr1te').replace('name: writer', 'name: other').replace(shop.repository.url, other.url)}---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: charted, namespace: argocd}
spec:
  project: team
  sourceHydrator:
    drySource:
      repoURL: '${shop.repository.url}'
      targetRevision: main
      path: chart
      helm: {parameters: [{name: text, value: by-helm}]}
    syncSource: {repoURL: '${other.url}', targetBranch: live, path: chart}
  destination: {name: east, namespace: default}
  syncPolicy: {automated: {}}
`);
  await whenSays('charted', /repository .*deployments\.git is not permitted in project team/);
  expect(await other.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')).toBe('main');
  await shop.platform.apply(project(`'${shop.repository.url}', '${other.url}'`));
  await whenRuns({ charted: 'by-helm' });
  expect(await other.git('ls-tree', '--name-only', 'live:chart')).toContain('manifest.yaml');
  expect(await shop.repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/live')).toBe('');
});

test('an Application that was deployed from its source goes on from the branch, and nothing of it is touched', async () => {
  const objects = async () => ((await shop.state()) as { items: object[] }).items;
  const before = await objects();
  await shop.platform.apply(hydrated('shop', { dry: 'app', path: 'plain' }));
  await eventually(async () => {
    const { sync, sourceHydrator, conditions } = await statusOf('shop');
    expect(sync).toMatchObject({ status: 'Synced', comparedTo: { source: { path: 'plain' } } });
    expect([sourceHydrator?.currentOperation, conditions]).toEqual([
      expect.objectContaining({ phase: 'Hydrated' }),
      [],
    ]);
  }, within);
  expect(await objects()).toEqual(before);
});

test('a dry source that becomes a chart, and a folder again, is written as what it is', async () => {
  await shop.push({
    'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
    'app/templates/a.yaml': configMap('from-chart', 'one'),
    'app/config.yaml': null,
  });
  await eventually(async () => expect(await show('plain/manifest.yaml')).toContain('from-chart'), within);
  await shop.push({
    'app/Chart.yaml': null,
    'app/templates/a.yaml': null,
    'app/config.yaml': configMap('plain', 'two'),
  });
  await whenRuns({ plain: 'two' });
  await eventually(async () => expect(await messages('shop')).toBe(''), within);
});

test('a preview says what would be rendered, before it is written anywhere', async () => {
  const before = await commits();
  await shop.repository.commit({ 'base/config.yaml': configMap('shop', 'planned') }, 'Plan', 'plan');
  const body = { repoURL: shop.repository.url, revision: 'plan', base: 'main' };
  const { groups } = await shop.platform.api<{ groups: object[] }>('POST', '/api/v1/fleet/preview', body);
  expect(JSON.stringify(groups)).toMatch(/shop-east.*planned|planned.*shop-east/);
  expect(await commits()).toEqual(before);
});

test('an ApplicationSet makes such Applications, each with a folder of its own', async () => {
  await shop.platform.apply(`apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: fleet, namespace: argocd}
spec:
  goTemplate: true
  generators: [{list: {elements: [{suffix: a}, {suffix: b}]}}]
  template:
    metadata: {name: 'set-{{ .suffix }}'}
    spec:
      project: default
      sourceHydrator:
        drySource: {repoURL: '${shop.repository.url}', targetRevision: main, path: base, kustomize: {nameSuffix: '-{{ .suffix }}'}}
        syncSource: {targetBranch: environments/set, path: 'apps/{{ .suffix }}'}
      destination: {name: east, namespace: default}
      syncPolicy: {automated: {}}
`);
  await whenRuns({ 'my-shop-a': 'five', 'my-shop-b': 'five' });
  expect(await commits('environments/set')).toHaveLength(1);
});

test('the command line shows what is in the branch, and each push is counted and in the audit stream', async () => {
  const env = { WHEELHOUSE_CONTEXT: join(shop.platform.dir, 'context.json') };
  const page = await createCommandLine({ env }).succeed('app', 'get', 'shop-east');
  const { lastSuccessfulOperation: last } = (await statusOf('shop-east')).sourceHydrator ?? {};
  const { drySHA, hydratedSHA } = last as { drySHA: string; hydratedSHA: string };
  expect(page).toMatch(/Rendered from: +\S+ base @ main/);
  expect(page).toContain(`${drySHA.slice(0, 8)} to ${branch} as ${hydratedSHA.slice(0, 8)}`);
  expect(await shop.platform.metrics()).toMatch(/wheelhouse_hydration_seconds_count\{outcome="pushed"\} [1-9]/);
  const { nats } = await connectAsHub(shop.platform, new AbortController().signal);
  await using connection = nats;
  expect(await readAudit(connection)).toContainEqual(
    expect.objectContaining({
      action: 'push hydrated manifests',
      object: `${shop.repository.url} ${branch}`,
      details: expect.objectContaining({ commit: hydratedSHA }) as object,
    }),
  );
});
