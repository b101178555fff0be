// Bad input from Git and from people, on one simulated spoke: the condition says what is wrong and where, and neither the
// signed document nor the cluster changes. Charts, Secrets, sizes: test/integration/render-failures.test.ts; tokens, signatures, generations, digests: test/integration/transport-*.test.ts;
// YAML and unknown fields: hub/src/api and shared/src/resources; credentials and symlinks of every kind:
// test/integration/source.test.ts; templates and duplicate names: hub/src/generate.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, messagesOf, whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { createKubeRequests, type KubeRequests } from '../support/kube-request.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';

const stack = new AsyncDisposableStack();
const good = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {text: good}\n';
let platform: Platform;
let repository: ServedRepository;
let cluster: KubeRequests;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', { 'app/config.yaml': good, 'README.md': 'shop' });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const port = await freePort();
  cluster = stack.use(createKubeRequests({ server: `http://127.0.0.1:${port}`, caPem: '', token: '' }));
  await platform.startSpoke('east', { env: { WHEELHOUSE_SIMULATE_PORT: String(port) } });
  await platform.apply(application({}));
  await whenSettled(platform, { names: ['shop'] });
});
afterAll(async () => await stack.disposeAsync());

interface Fields {
  path?: string;
  targetRevision?: string;
  destination?: string;
}

function application({ path = 'app', targetRevision = 'main', destination = 'east' }: Fields): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  source: {repoURL: '${repository.url}', targetRevision: '${targetRevision}', path: '${path}'}
  destination: {name: ${destination}, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

async function assigned(): Promise<number | undefined> {
  return (await platform.api<{ generation?: number }>('GET', '/api/v1/fleet/clusters/east')).generation;
}

async function text(): Promise<string> {
  return (await cluster.request('GET', '/api/v1/namespaces/default/configmaps/shop')).data.text as string;
}

async function whenConditionSays(pattern: RegExp): Promise<void> {
  await eventually(async () => expect(messagesOf(await getApplication(platform, 'shop')).join('\n')).toMatch(pattern), {
    timeoutMs: 60_000,
    intervalMs: 100,
  });
}

async function push(files: RepositoryFiles): Promise<void> {
  await sendPush(platform, repository.url, await repository.commit(files, 'Change'));
}

async function whenMended(): Promise<void> {
  await whenSettled(platform, { names: ['shop'] });
  await eventually(async () => expect(messagesOf(await getApplication(platform, 'shop'))).toEqual([]));
}

test.each<[string, RepositoryFiles, RegExp]>([
  ['a kustomization that fails', { 'app/kustomization.yaml': 'resources: [absent.yaml]\n' }, /absent\.yaml/],
  ['a manifest without kind', { 'app/bad.yaml': 'apiVersion: v1\nmetadata: {name: x}\n' }, /app\/bad\.yaml.*kind/],
])('%s is said, and changes nothing', async (...[, files, pattern]) => {
  const before = await assigned();
  await push(files);
  await whenConditionSays(pattern);
  expect({ generation: await assigned(), text: await text() }).toEqual({ generation: before, text: 'good' });
  await push(Object.fromEntries(Object.keys(files).map((path) => [path, null])));
  await whenMended();
});

test.each<[string, Fields, RegExp]>([
  ['a revision that does not exist', { targetRevision: 'nowhere' }, /revision "nowhere"/],
  ['a path that does not exist', { path: 'absent' }, /absent.*(does not exist|not found)/],
  ['a path that leaves the repository', { path: '../etc' }, /\.\.\/etc/],
  ['a cluster that nobody registered', { destination: 'mars' }, /mars.*wheelhouse cluster/],
])('%s is said, and changes nothing', async (...[, fields, pattern]) => {
  await platform.apply(application(fields));
  await whenConditionSays(pattern);
  expect(await text()).toBe('good');
  await platform.apply(application({}));
  await whenMended();
});
