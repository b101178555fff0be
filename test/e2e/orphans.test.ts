// Orphaned resources of a project, on a real API server: what is found and ignored, whom it is told, and what an agent may
// not list. The agent's role is everything but Secrets.
import { join } from 'node:path';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeAccountKubeconfig } from '../support/account-kubeconfig.ts';
import { getApplication, messagesOf, whenSettled } from '../support/applications.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startCluster } from '../support/kube-cluster.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { configMap } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 100 };
let git: GitServer;
let repository: ServedRepository;
let platform: Platform;
let server: KubeCluster;
let commands: CommandLine;

beforeAll(async () => {
  [git, platform, server] = await Promise.all([
    startGitServer(),
    startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }),
    startCluster({ pods: false }),
  ]);
  commands = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  repository = await git.createRepository('shop', {
    'web/a.yaml': configMap('web', 'one'),
    'cart/a.yaml': configMap('cart', 'one'),
    'more/a.yaml': configMap('more', 'one'),
  });
  for (const name of ['shop', 'agents']) await create('/api/v1/namespaces', objectOf('v1 Namespace', name));
  await grantAllButSecrets();
  const file = join(platform.dir, 'agent-kubeconfig.json');
  const kubeconfig = await writeAccountKubeconfig(server, { namespace: 'agents', account: 'agent', file });
  await platform.startSpoke('east', { kubeconfig, env: { WHEELHOUSE_ORPHANS_INTERVAL: '1s' } });
  await platform.apply(project('team'));
  await platform.apply(project('other'));
  await platform.apply(application('web', 'team'));
  await platform.apply(application('cart', 'other'));
  await whenSettled(platform, { names: ['cart', 'web'] });
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await git?.[Symbol.asyncDispose]();
});

/** `type` as `apps/v1 Deployment`. */
function objectOf(type: string, name: string, fields: Record<string, unknown> = {}): KubeObject {
  const [apiVersion = '', kind = ''] = type.split(' ');
  return { apiVersion, kind, metadata: { name }, ...fields };
}

async function create(path: string, body: KubeObject): Promise<KubeObject> {
  return (await server.request('POST', path, { body })) as KubeObject;
}

async function grantAllButSecrets(): Promise<void> {
  const core = ['configmaps', 'namespaces', 'nodes', 'pods', 'services', 'serviceaccounts', 'persistentvolumeclaims'];
  const groups = [
    'apps',
    'batch',
    'autoscaling',
    'policy',
    'networking.k8s.io',
    'apiregistration.k8s.io',
    'storage.k8s.io',
  ];
  const rules = [
    { apiGroups: [''], resources: core, verbs: ['*'] },
    { apiGroups: groups, resources: ['*'], verbs: ['*'] },
  ];
  const rbac = 'rbac.authorization.k8s.io/v1';
  await create('/api/v1/namespaces/agents/serviceaccounts', objectOf('v1 ServiceAccount', 'agent'));
  await create(`/apis/${rbac}/clusterroles`, objectOf(`${rbac} ClusterRole`, 'agent', { rules }));
  const subjects = [{ kind: 'ServiceAccount', name: 'agent', namespace: 'agents' }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'agent' };
  await create(
    `/apis/${rbac}/clusterrolebindings`,
    objectOf(`${rbac} ClusterRoleBinding`, 'agent', { subjects, roleRef }),
  );
}

/** Only `team` of both asks, with `orphans` as it is written in YAML. */
const project = (name: string, orphans?: string) => `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: ${name}, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
  ${orphans === undefined ? '' : `orphanedResources: ${orphans}`}
`;
const application = (name: string, of: string) => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ${name}, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: ${of}
  source: {repoURL: '${repository.url}', targetRevision: main, path: ${name}}
  destination: {name: east, namespace: shop}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;

interface Row {
  kind: string;
  name: string;
  orphaned: boolean;
}

const orphansOf = async (app: string): Promise<string[]> => {
  const rows = await commands.json<Row[]>('app', 'resources', app, '--orphaned');
  return rows.map(({ kind, name }) => `${kind} ${name}`).sort();
};
const warningsOf = async (app: string) => messagesOf(await getApplication(platform, app), 'OrphanedResourceWarning');
/** Whether a kind was listed in a namespace that no Application has, and that nothing but a survey looks at. */
const isSurveyed = async (): Promise<boolean> =>
  (await server.metrics())
    .split('\n')
    .some((line) => /^apiserver_request_total\{.*resource="networkpolicies",scope="namespace".*verb="LIST"/.test(line));

test('nobody looks while no project asks', async () => {
  await create('/api/v1/namespaces/shop/configmaps', objectOf('v1 ConfigMap', 'left-over'));
  expect(await commands.succeed('app', 'resources', 'web', '--orphaned')).toContain('are not looked for');
  expect(await warningsOf('web')).toEqual([]);
  expect(await isSurveyed()).toBe(false);
  await platform.apply(project('team', '{}'));
  await eventually(async () => expect(await isSurveyed()).toBe(true), within);
});

test('what belongs to no Application is counted and named, what Kubernetes makes and another project runs is not', async () => {
  const selector = { matchLabels: { app: 'debug' } };
  const template = { metadata: { labels: { app: 'debug' } }, spec: { containers: [{ name: 'a', image: 'b' }] } };
  await create(
    '/apis/apps/v1/namespaces/shop/deployments',
    objectOf('apps/v1 Deployment', 'debug', { spec: { selector, template } }),
  );
  await create('/api/v1/namespaces/shop/secrets', objectOf('v1 Secret', 'hidden'));
  await eventually(
    async () => expect(await warningsOf('web')).toEqual(['Application has 2 orphaned resources']),
    within,
  );
  expect(await orphansOf('web')).toEqual(['ConfigMap left-over', 'Deployment debug']);
  const all = await commands.json<Row[]>('app', 'resources', 'web');
  expect(all.filter(({ orphaned }) => !orphaned).map(({ name }) => name)).toEqual(['web']);
  const tree = await platform.api<{ orphanedNodes: object[] }>('GET', '/api/v1/applications/web/resource-tree');
  const created = expect.stringMatching(/^\d{4}-.*Z$/) as string;
  expect(tree.orphanedNodes).toContainEqual({
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'shop',
    name: 'debug',
    createdAt: created,
  });
  const metrics = await platform.metrics();
  expect(metrics).toMatch(/^wheelhouse_orphaned_resources 2$/m);
  expect(await warningsOf('cart')).toEqual([]);
});

test('what the agent may not list is said, and how old the rest is', async () => {
  const unknown = messagesOf(await getApplication(platform, 'web'), 'OrphanedResourcesUnknown').join();
  expect(unknown).toMatch(
    /cannot list .*secrets.* in namespace shop: let the role of the agent list them: .*forbidden/,
  );
  const page = await eventually(async () => {
    const text = await commands.succeed('app', 'get', 'web');
    expect(text).toMatch(/Orphaned: +2, looked for \d+[smh] ago/);
    return text;
  }, within);
  expect(page).toContain('OrphanedResourceWarning: Application has 2 orphaned resources');
});

test('what the project ignores or does not permit is left out', async () => {
  await platform.apply(project('team', "{ignore: [{kind: ConfigMap, name: 'left-*'}]}"));
  await eventually(async () => expect(await orphansOf('web')).toEqual(['Deployment debug']), within);
  const denied = `${project('team', '{warn: false}')}  namespaceResourceBlacklist: [{group: apps, kind: Deployment}]\n`;
  await platform.apply(denied);
  await eventually(async () => expect(await orphansOf('web')).toEqual(['ConfigMap left-over']), within);
  expect(await warningsOf('web')).toEqual([]);
});

test('what an Application left behind when it was deleted is an orphan of its neighbour', async () => {
  await platform.apply(project('team', '{}'));
  await commands.succeed('app', 'delete', 'cart', '--no-cascade');
  await eventually(
    async () => expect(await orphansOf('web')).toEqual(['ConfigMap cart', 'ConfigMap left-over', 'Deployment debug']),
    within,
  );
});

test('Applications of one project in one namespace show the same, which travels once', async () => {
  await platform.apply(application('more', 'team'));
  const all = ['ConfigMap cart', 'ConfigMap left-over', 'Deployment debug'];
  await eventually(async () => {
    expect([await orphansOf('more'), await orphansOf('web')]).toEqual([all, all]);
  }, within);
  const page = await commands.succeed('app', 'resources', 'more', '--orphaned');
  expect(page).toMatch(/Orphaned resources: 3, looked for \d+[smh] ago\.\nThere may be others: cannot list .*secrets/u);
});

test('nothing is said any more once the project does not ask', async () => {
  await platform.apply(project('team'));
  await eventually(async () => {
    expect(await orphansOf('web')).toEqual([]);
    expect(messagesOf(await getApplication(platform, 'web'))).toEqual([]);
  }, within);
});
