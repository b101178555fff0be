// Differences that argocd-cm has ignored in all Applications, from the settings to what is healed on a real API server.
import { join } from 'node:path';
import { loadAuthority } from '@wheelhouse/hub/fleet/authority';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseDocumentKeys, publicHalf } from '@wheelhouse/shared/protocol/document-key';
import { openDocument } from '@wheelhouse/shared/protocol/envelope';
import { openDocumentFiles } from '@wheelhouse/spoke-agent/desired/document-files';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startCluster } from '../support/kube-cluster.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
const paths = {
  role: '/apis/rbac.authorization.k8s.io/v1/clusterroles/gathered',
  settings: '/api/v1/namespaces/shop/configmaps/settings',
  witness: '/api/v1/namespaces/shop/configmaps/witness',
};
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
  repository = await git.createRepository('shop', {
    'app/all.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {tuned: '1', fixed: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: witness}
data: {fixed: '1'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gathered}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {gather: 'true'}}]}
rules: []
`,
    'other/settings.yaml': `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {tuned: '1', fixed: '1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: witness}
data: {fixed: '1'}
`,
  });
  await platform.startSpoke('east', { kubeconfig: server.kubeconfigPath });
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await git?.[Symbol.asyncDispose]();
});

const settings = (data: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data: ${data}
`;
const ignoring = `
  resource.compareoptions: |
    ignoreAggregatedRoles: true
  resource.customizations.ignoreDifferences.ConfigMap: |
    jqPathExpressions: ['.data | select(has("tuned")) | .tuned']
`;
const application = (name = 'shop', path = 'app') => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ${name}, namespace: argocd}
spec:
  project: default
  source: {repoURL: '${repository.url}', targetRevision: main, path: ${path}}
  destination: {name: east, namespace: ${name}}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}
`;

async function edit(path: string, body: object): Promise<void> {
  await server.request('PATCH', `${path}?fieldManager=somebody`, { contentType: 'application/merge-patch+json', body });
}

async function valueOf(path: string, field: string): Promise<unknown> {
  return ((await server.request('GET', path)) as KubeObject)[field];
}

/** Drift of the witness is healed, so what came before it has been looked at. */
async function whenHealed(witness = paths.witness): Promise<void> {
  await edit(witness, { data: { fixed: '2' } });
  await eventually(async () => expect(await valueOf(witness, 'data')).toEqual({ fixed: '1' }), within);
}

test('what argocd-cm ignores is not drift, and is not healed', async () => {
  await platform.apply(settings(ignoring));
  await platform.apply(application());
  await whenSettled(platform, { names: ['shop'] }, within);
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
  await edit(paths.role, { rules });
  await edit(paths.settings, { data: { tuned: '2' } });
  await whenHealed();
  await whenSettled(platform, { names: ['shop'] }, within);
  expect(await valueOf(paths.settings, 'data')).toEqual({ tuned: '2', fixed: '1' });
  expect(await valueOf(paths.role, 'rules')).toEqual(rules);
});

test('it is healed once argocd-cm says so no longer', async () => {
  await platform.apply(settings('{}'));
  await eventually(async () => {
    expect(await valueOf(paths.settings, 'data')).toEqual({ tuned: '1', fixed: '1' });
    expect((await valueOf(paths.role, 'rules')) ?? []).toEqual([]);
  }, within);
  await whenSettled(platform, { names: ['shop'] }, within);
});

test('a setting that cannot be read is refused, and what it said before stays', async () => {
  await platform.apply(settings(ignoring));
  await edit(paths.settings, { data: { tuned: '3' } });
  const unreadable = "{resource.customizations.ignoreDifferences.ConfigMap: 'jqPathExpressions: .data'}";
  await expect(platform.apply(settings(unreadable))).rejects.toThrow(/ignoreDifferences\.ConfigMap: jqPathExpressions/);
});

test('many rules travel once, and count for each Application all the same', async () => {
  const pointers = Array.from({ length: 400 }, (_, index) => `/data/a-setting-that-is-nowhere-to-be-found-${index}`);
  const data = `{resource.customizations.ignoreDifferences.ConfigMap: 'jsonPointers: [${pointers.join(', ')}, /data/tuned]'}`;
  await platform.apply(settings(data));
  await platform.apply(application('web', 'other'));
  await whenSettled(platform, { names: ['shop', 'web'] }, within);
  await eventually(async () => expect(await documentVersion()).toBe(3), within);
  for (const namespace of ['shop', 'web']) {
    const pathOf = (name: string) => `/api/v1/namespaces/${namespace}/configmaps/${name}`;
    await edit(pathOf('settings'), { data: { tuned: '4' } });
    await whenHealed(pathOf('witness'));
    expect(await valueOf(pathOf('settings'), 'data')).toEqual({ tuned: '4', fixed: '1' });
  }
  await whenSettled(platform, { names: ['shop', 'web'] }, within);
});

/** Of the newest document that the agent accepted; checked with the hub's public key. */
async function documentVersion(): Promise<number | undefined> {
  const authority = await loadAuthority({ directory: join(platform.dir, 'hub/authority'), names: [] });
  const { kid } = authority.documentKey;
  const keys = parseDocumentKeys({ [kid]: publicHalf(authority.documentKey) });
  const [newest] = await (await openDocumentFiles(join(platform.dir, 'spokes/east'))).load();
  return newest && (await openDocument(newest.bytes, { cluster: 'east', keys, appliedGen: 0 })).v;
}
