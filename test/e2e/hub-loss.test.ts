// The store is lost under two real API servers, and the guide about it is followed command by command: what runs goes on and
// heals meanwhile, nothing is made anew, and only what a person gave up is deleted.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, whenSettled } from '../support/applications.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startClusters } from '../support/kube-cluster.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { configMap } from '../support/shop.ts';

const guide = resolve(import.meta.dirname, '../../docs/guides/hub-loss.md');
const within = { timeoutMs: 90_000, intervalMs: 100 };
const set = ['shop-eu-1', 'shop-us-1'];
const byHand = ['old-shop', 'old-cart'];

const stack = new AsyncDisposableStack();
let clusters: KubeCluster[];
let repository: ServedRepository;
let platform: Platform;
let cli: CommandLine;
let before: Record<string, string>;

beforeAll(async () => {
  clusters = stack.use(await startClusters(2, { names: ['eu-1', 'us-1'] }));
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', {
    'shop/config.yaml': configMap('shop', 'one'),
    ...Object.fromEntries(byHand.map((name) => [`${name}/config.yaml`, configMap(name, 'one')])),
  });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  await mkdir(join(platform.dir, 'platform'));
  await writeFile(join(platform.dir, 'platform/shop.yaml'), applicationSet());
  cli = createCommandLine({ cwd: platform.dir, env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  for (const { name, kubeconfigPath: kubeconfig } of clusters)
    await platform.startSpoke(name, { kubeconfig, labels: { region: name.slice(0, 2) } });
  await cli.succeed('apply', '-f', 'platform/');
  for (const name of byHand) await platform.apply(application(name));
  await whenSettled(platform, { names: [...set, ...byHand] }, within);
  before = await configMaps();
});
afterAll(async () => await stack.disposeAsync());

test('without hub and store, what is changed by hand heals', async () => {
  await platform.hubs[0]?.kill('SIGKILL');
  await platform.nats.kill('SIGKILL');
  await rm(join(platform.dir, 'nats'), { recursive: true });
  const [eu] = clusters;
  await eu?.request('PATCH', '/api/v1/namespaces/default/configmaps/shop', {
    contentType: 'application/merge-patch+json',
    body: { data: { text: 'by hand' } },
  });
  await eventually(
    async () =>
      expect(await eu?.request('GET', '/api/v1/namespaces/default/configmaps/shop')).toMatchObject({
        data: { text: 'one' },
      }),
    within,
  );
});

test('the guide, command by command, brings everything back and deletes only what is given up', async () => {
  await platform.nats.restart();
  await platform.hubs[0]?.restart();
  const [look, apply, keep, remove, close, ...more] = await commandsOfGuide();
  expect(more).toEqual([]);
  await eventually(async () => {
    const shown = await cli.succeed(...(look ?? []));
    expect(shown).toMatch(/^Adoption: +Open$/m);
    for (const app of [...set, ...byHand]) expect(shown).toContain(app);
  }, within);
  expect(await configMaps()).toEqual(before);
  await cli.succeed(...(apply ?? []));
  await eventually(async () => {
    const shown = await cli.succeed(...(look ?? []));
    for (const app of set) expect(shown).not.toContain(app);
    for (const app of byHand) expect(shown).toContain(app);
  }, within);
  await eventually(async () => {
    for (const app of set) expect((await getApplication(platform, app)).status.sync.status).toBe('Synced');
  }, within);
  expect(await configMaps()).toEqual(before);
  await cli.succeed(...(keep ?? []));
  await cli.succeed(...(remove ?? []));
  const { 'eu-1/old-cart': _removed, ...kept } = before;
  await eventually(async () => expect(await configMaps()).toEqual(kept), within);
  await cli.succeed(...(close ?? []));
  expect(await cli.succeed(...(look ?? []))).toMatch(/^Adoption: +Closed$/m);
});

test('a commit goes on from there', async () => {
  const sha = await repository.commit({ 'shop/config.yaml': configMap('shop', 'two') }, 'Two');
  await sendPush(platform, repository.url, sha);
  await eventually(async () => {
    const found = await Promise.all(
      clusters.map(async ({ request }) => await request('GET', '/api/v1/namespaces/default/configmaps/shop')),
    );
    for (const { data } of found) expect(data).toMatchObject({ text: 'two' });
  }, within);
  expect(Object.keys(await configMaps())).toContain('eu-1/old-shop');
});

/** Of the steps that a person takes, in their order. */
async function commandsOfGuide(): Promise<string[][]> {
  const steps = (await readFile(guide, 'utf8')).split('\n## When ')[0] ?? '';
  const blocks = [...steps.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block).join('');
  return [...blocks.matchAll(/^wheelhouse ([^#\n]*)/gm)].map(([, line = '']) => line.trim().split(/ +/));
}

/** uid of every ConfigMap that is ours, by cluster and name. */
async function configMaps(): Promise<Record<string, string>> {
  const found = await Promise.all(
    clusters.map(async ({ name, request }) => {
      const { items } = (await request('GET', '/api/v1/namespaces/default/configmaps')) as {
        items: { metadata: { name: string; uid: string } }[];
      };
      return items
        .filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
        .map(({ metadata }) => [`${name}/${metadata.name}`, metadata.uid] as const);
    }),
  );
  return Object.fromEntries(found.flat());
}

function applicationSet(): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  goTemplate: true
  generators: [{clusters: {selector: {matchExpressions: [{key: region, operator: Exists}]}}}]
  template:
    metadata: {name: 'shop-{{.name}}'}
    spec:
      project: default
      source: {repoURL: '${repository.url}', targetRevision: main, path: shop}
      destination: {name: '{{.name}}', namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

function application(name: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ${name}, namespace: argocd}
spec:
  project: default
  source: {repoURL: '${repository.url}', targetRevision: main, path: ${name}}
  destination: {name: eu-1, namespace: default}
  syncPolicy: {automated: {selfHeal: true}}
`;
}
