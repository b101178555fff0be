// Syncs act as service accounts of the cluster: an agent that may read everything and write nothing itself, on a real API
// server with RBAC; its roles are those that the chart renders.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseYamlStream } from '@wheelhouse/shared/kube/yaml';
import { deployerOf, userOf } from '@wheelhouse/spoke-agent/cluster/testing/account';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeAccountKubeconfig } from '../support/account-kubeconfig.ts';
import { getApplication, listApplications, messagesOf } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startCluster } from '../support/kube-cluster.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { configMap } from '../support/shop.ts';
import { getTool } from '../support/tools.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
const agent = 'wheelhouse-agent';
let git: GitServer;
let repository: ServedRepository;
let platform: Platform;
let server: KubeCluster;

beforeAll(async () => {
  [git, platform, server] = await Promise.all([
    startGitServer(),
    startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }),
    startCluster({ pods: false }),
  ]);
  repository = await git.createRepository('shop', { 'app/a.yaml': configMap('a', 'one') });
  const named = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const object of [
    named('shop'),
    named('other'),
    named('wheelhouse'),
    ...deployerOf('shop'),
    ...(await rolesOf()),
  ])
    await create(object);
  const file = join(platform.dir, 'agent-kubeconfig.json');
  const kubeconfig = await writeAccountKubeconfig(server, { namespace: 'wheelhouse', account: agent, file });
  await platform.startSpoke('east', { kubeconfig });
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await git?.[Symbol.asyncDispose]();
});

const collections: Record<string, string> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/namespaces/NS/serviceaccounts',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
};

async function create(body: KubeObject): Promise<void> {
  const path = (collections[body.kind] ?? '').replace('NS', body.metadata.namespace ?? '');
  await server.request('POST', path, { body });
}

/** A role that reads everything, and what the chart gives to an agent that has it. */
async function rolesOf(): Promise<KubeObject[]> {
  const flags = ['--set', 'rbac.clusterRole=reader,rbac.impersonate={deployer}', '--set-string', 'existingSecret=none'];
  const chart = join(import.meta.dirname, '../../deploy/helm/spoke-agent');
  const args = ['template', agent, chart, '--namespace', 'wheelhouse', ...flags];
  const { stdout } = await promisify(execFile)(getTool('helm'), args);
  const rendered = parseYamlStream(stdout) as KubeObject[];
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const rules = [
    { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
    { nonResourceURLs: ['*'], verbs: ['get'] },
  ];
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name: 'reader' }, rules },
    ...rendered.filter(({ kind }) => kind === 'ServiceAccount' || kind.startsWith('ClusterRole')),
  ];
}

const settings = (enabled: boolean) => `apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data: {application.sync.impersonation.enabled: "${enabled}"}
`;
const project = (accounts: string) => `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: team, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
  destinationServiceAccounts: ${accounts}
`;
const application = (namespace: string) => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: team
  source: {repoURL: '${repository.url}', targetRevision: main, path: app}
  destination: {name: east, namespace: ${namespace}}
  syncPolicy: {automated: {prune: true, selfHeal: true}, retry: {limit: 0}}
`;
const accounts = "[{server: '*', namespace: '*', defaultServiceAccount: 'shop:deployer'}]";
/** Without the one that Kubernetes makes in every namespace. */
const namesIn = async (namespace: string): Promise<string[]> => {
  const { items } = await server.request('GET', `/api/v1/namespaces/${namespace}/configmaps`);
  return (items as KubeObject[])
    .map(({ metadata }) => metadata.name ?? '')
    .filter((name) => name !== 'kube-root-ca.crt');
};
const push = async (files: Record<string, string | null>) =>
  await sendPush(platform, repository.url, await repository.commit(files, 'Change'));
/** Returns once the API server goes by it, which learns of roles a moment later. */
async function mayDelete(isAllowed: boolean): Promise<void> {
  const verbs = ['create', 'patch', ...(isAllowed ? ['delete'] : [])];
  await server.request('PATCH', '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/deployer', {
    contentType: 'application/merge-patch+json',
    body: { rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }] },
  });
  const resourceAttributes = { namespace: 'shop', verb: 'delete', resource: 'configmaps' };
  const apiVersion = 'authorization.k8s.io/v1';
  const body = { apiVersion, kind: 'SubjectAccessReview', spec: { user: userOf('shop'), resourceAttributes } };
  await eventually(async () => {
    const { status } = await server.request('POST', `/apis/${apiVersion}/subjectaccessreviews`, { body });
    expect(status.allowed).toBe(isAllowed);
  }, within);
}

const whenOperation = async (phase: string, message: RegExp | string, wanted = 'OutOfSync') =>
  await eventually(async () => {
    const { operationState, sync } = (await getApplication(platform, 'shop')).status;
    expect(operationState).toMatchObject({ phase, message: expect.stringMatching(message) as string });
    expect(sync.status).toBe(wanted);
  }, within);

test('a project that names no account for the destination fails the sync, and nothing is written', async () => {
  await platform.apply(settings(true));
  await platform.apply(project("[{server: '*', namespace: elsewhere, defaultServiceAccount: deployer}]"));
  await platform.apply(application('shop'));
  const said =
    /failed to find a matching service account to impersonate: no matching service account found .*namespace shop/;
  await whenOperation('Error', said);
  expect(await namesIn('shop')).toEqual([]);
});

test('once it names one, what that may do is done, with none of the agent’s own rights', async () => {
  await platform.apply(project(accounts));
  await whenOperation('Succeeded', 'successfully synced', 'Synced');
  expect(await namesIn('shop')).toEqual(['a']);
  await server.request('DELETE', '/api/v1/namespaces/shop/configmaps/a');
  await eventually(async () => expect(await namesIn('shop')).toEqual(['a']), within);
});

test('pruning is the account’s too', async () => {
  await push({ 'app/b.yaml': configMap('b', 'one') });
  await eventually(async () => expect(await namesIn('shop')).toEqual(['a', 'b']), within);
  await mayDelete(false);
  await push({ 'app/b.yaml': null });
  await whenOperation('Failed', `"b" is forbidden: User "${userOf('shop')}" cannot delete resource "configmaps"`);
  expect(await namesIn('shop')).toEqual(['a', 'b']);
  await mayDelete(true);
  await push({ 'app/a.yaml': configMap('a', 'two') });
  await eventually(async () => expect(await namesIn('shop')).toEqual(['a']), within);
});

test('what the account may not do is a failed sync that names it', async () => {
  await platform.apply(application('other'));
  const said = `as ${userOf('shop')}: configmaps "a" is forbidden: User "${userOf('shop')}" cannot patch resource`;
  await whenOperation('Failed', said);
  expect(await namesIn('other')).toEqual([]);
});

test('an account that the agent may not act as is named as well', async () => {
  await platform.apply(project("[{server: '*', namespace: '*', defaultServiceAccount: 'kube-system:default'}]"));
  await whenOperation('Failed', /"default" is forbidden: User ".*:wheelhouse-agent" cannot impersonate resource/);
  expect(await namesIn('other')).toEqual([]);
});

test('a deletion that the account may not carry out goes on once the project names another', async () => {
  await platform.apply(project(accounts));
  await platform.apply(application('shop'));
  await eventually(async () => expect(await namesIn('shop')).toEqual(['a']), within);
  await platform.apply(project("[{server: '*', namespace: '*', defaultServiceAccount: 'kube-system:default'}]"));
  await platform.api('DELETE', '/api/v1/applications/shop?cascade=true');
  await eventually(async () => {
    const said = messagesOf(await getApplication(platform, 'shop')).join();
    expect(said).toMatch(/"default" is forbidden: User ".*:wheelhouse-agent" cannot impersonate/);
  }, within);
  expect(await namesIn('shop')).toEqual(['a']);
  await platform.apply(project(accounts));
  await eventually(async () => expect(await namesIn('shop')).toEqual([]), within);
  await eventually(async () => expect(await listApplications(platform)).toEqual([]), within);
});
