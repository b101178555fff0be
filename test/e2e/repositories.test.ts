// Real repositories on two real API servers: rolled out, changed, pruned and healed, also while and after hub, NATS and
// Redis were killed. Every Application goes to both clusters.
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, type ShownApplication, whenSettled } from '../support/applications.ts';
import type { Child } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type RepositoryFiles, readFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startClusters } from '../support/kube-cluster.ts';
import type { KubeJson } from '../support/kube-request.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';

const fixtures = resolve(import.meta.dirname, '../../../shared/fixtures/repos');
const clusterNames = ['east', 'west'] as const;
/** An Application for each on each cluster, in a namespace of its name. */
const sources = {
  'podinfo-kustomize': { repo: 'podinfo', path: 'kustomize' },
  'podinfo-helm': {
    repo: 'podinfo',
    path: 'charts/podinfo',
    tool: 'helm: {valuesObject: {hooks: {preInstall: {job: {enabled: true}}}}}',
  },
  // the folder holds a kustomization too, and Argo CD would build that
  'boutique-plain': {
    repo: 'online-boutique',
    path: 'kubernetes-manifests',
    tool: 'directory: {exclude: kustomization.yaml}',
  },
  'boutique-kustomize': { repo: 'online-boutique', path: 'kustomize' },
};
const names = Object.keys(sources).flatMap((source) => clusterNames.map((cluster) => `${source}-${cluster}`));

const stack = new AsyncDisposableStack();
const files: Record<string, Record<string, Buffer>> = {};
const repositories: Record<string, ServedRepository> = {};
const spokes: Child[] = [];
let clusters: KubeCluster[];
let platform: Platform;

beforeAll(async () => {
  for (const name of ['podinfo', 'online-boutique']) files[name] = await readRepository(name);
  clusters = stack.use(await startClusters(clusterNames.length, { names: clusterNames }));
  const git = stack.use(await startGitServer());
  for (const [name, content] of Object.entries(files)) repositories[name] = await git.createRepository(name, content);
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  for (const { name, kubeconfigPath } of clusters)
    spokes.push(await platform.startSpoke(name, { kubeconfig: kubeconfigPath, labels: { fleet: 'real' } }));
  await platform.apply(Object.keys(sources).map(applicationSet).join('---\n'));
});
afterAll(async () => await stack.disposeAsync());

test('podinfo by kustomize and Helm, online-boutique plain and by kustomize go Synced and Healthy', async () => {
  const applications = await whenSettled(platform, { names }, { timeoutMs: 120_000 });
  for (const cluster of clusterNames) {
    expect(find(applications, `boutique-plain-${cluster}`).status.resources).toHaveLength(35);
    expect(find(applications, `boutique-kustomize-${cluster}`).status.resources).toHaveLength(35);
    expect(find(applications, `podinfo-kustomize-${cluster}`).status.resources).toHaveLength(3);
  }
});

test('hooks and tests of the chart are reported, not applied', async () => {
  for (const { name, request } of clusters) {
    const { status } = await getApplication(platform, `podinfo-helm-${name}`);
    const hooks = status.resources?.filter((resource) => resource.hook) ?? [];
    expect(new Set(hooks.map(({ kind }) => kind))).toEqual(new Set(['Job', 'Pod']));
    expect(status.conditions).toContainEqual({
      type: 'HooksNotRun',
      message: `${hooks.length} hook(s) are not run: hooks are not built yet`,
    });
    for (const path of ['/api/v1/namespaces/podinfo-helm/pods', '/apis/batch/v1/namespaces/podinfo-helm/jobs']) {
      const { items } = (await request('GET', path)) as { items: { metadata: { annotations?: object } }[] };
      expect(items.filter(({ metadata }) => 'helm.sh/hook' in (metadata.annotations ?? {}))).toEqual([]);
    }
  }
});

test('a commit changes what runs', async () => {
  await push('podinfo', {
    'kustomize/deployment.yaml': edited('podinfo', 'kustomize/deployment.yaml', ['#34577c', '#ff0000']),
    'charts/podinfo/values.yaml': edited('podinfo', 'charts/podinfo/values.yaml', [
      'color: "#34577c"',
      'color: "#00ff00"',
    ]),
  });
  const adservice = ['value: "9555"', 'value: "9556"'] as const;
  await push('online-boutique', {
    'kubernetes-manifests/adservice.yaml': edited('online-boutique', 'kubernetes-manifests/adservice.yaml', adservice),
    'kustomize/base/adservice.yaml': edited('online-boutique', 'kustomize/base/adservice.yaml', adservice),
  });
  await everywhere(async (cluster) => {
    expect(await environment(cluster, 'podinfo-kustomize/podinfo')).toContainEqual({
      name: 'PODINFO_UI_COLOR',
      value: '#ff0000',
    });
    expect(await environment(cluster, 'podinfo-helm/podinfo-helm-' + cluster.name)).toContainEqual({
      name: 'PODINFO_UI_COLOR',
      value: '#00ff00',
    });
    expect(await environment(cluster, 'boutique-plain/adservice')).toContainEqual({ name: 'PORT', value: '9556' });
    expect(await environment(cluster, 'boutique-kustomize/adservice')).toContainEqual({ name: 'PORT', value: '9556' });
  });
  await whenSettled(platform, { names });
});

test('a file that is removed from Git takes its objects with it', async () => {
  await push('podinfo', {
    'kustomize/hpa.yaml': null,
    'kustomize/kustomization.yaml': edited('podinfo', 'kustomize/kustomization.yaml', ['  - hpa.yaml\n', '']),
    'charts/podinfo/templates/service.yaml': null,
  });
  await push('online-boutique', {
    'kubernetes-manifests/loadgenerator.yaml': null,
    'kustomize/base/loadgenerator.yaml': null,
    'kustomize/base/kustomization.yaml': edited('online-boutique', 'kustomize/base/kustomization.yaml', [
      '- loadgenerator.yaml\n',
      '',
    ]),
  });
  await everywhere(async ({ name, request }) => {
    const gone = [
      '/apis/autoscaling/v2/namespaces/podinfo-kustomize/horizontalpodautoscalers/podinfo',
      `/api/v1/namespaces/podinfo-helm/services/podinfo-helm-${name}`,
      '/apis/apps/v1/namespaces/boutique-plain/deployments/loadgenerator',
      '/api/v1/namespaces/boutique-plain/serviceaccounts/loadgenerator',
      '/apis/apps/v1/namespaces/boutique-kustomize/deployments/loadgenerator',
    ];
    for (const path of gone) await expect(request('GET', path)).rejects.toThrow('404');
    await expect(request('GET', '/api/v1/namespaces/podinfo-kustomize/services/podinfo')).resolves.toBeDefined();
  });
  await whenSettled(platform, { names });
});

test('what somebody changes or deletes by hand is put right', async () => {
  await Promise.all(clusters.map(breakByHand));
  await everywhere(expectIntact);
  await whenSettled(platform, { names });
});

test('goes on after hub, NATS and Redis were killed and started again', async () => {
  await killControlPlane();
  await startControlPlane();
  await push('podinfo', {
    'kustomize/deployment.yaml': edited('podinfo', 'kustomize/deployment.yaml', ['#ff0000', '#0000ff']),
  });
  await everywhere(async (cluster) =>
    expect(await environment(cluster, 'podinfo-kustomize/podinfo')).toContainEqual({
      name: 'PODINFO_UI_COLOR',
      value: '#0000ff',
    }),
  );
  await whenSettled(platform, { names });
});

test('heals while hub, NATS and Redis are down, also after the agents were killed and started again', async () => {
  await killControlPlane();
  await Promise.all(clusters.map(breakByHand));
  await everywhere(expectIntact);
  for (const spoke of spokes) await spoke.kill();
  await Promise.all(clusters.map(breakByHand));
  for (const spoke of spokes) await spoke.restart();
  await everywhere(expectIntact);
  await Promise.all(clusters.map(breakByHand));
  await everywhere(expectIntact);
  await startControlPlane();
  await whenSettled(platform, { names });
});

async function killControlPlane(): Promise<void> {
  await Promise.all(
    [platform.hubs[0], platform.nats, platform.redis].map(async (server) => await server?.kill('SIGKILL')),
  );
}

async function startControlPlane(): Promise<void> {
  await Promise.all([platform.nats.restart(), platform.redis.restart()]);
  await platform.hubs[0]?.restart();
}

/** Asserts on every cluster, until it holds. */
async function everywhere(assertion: (cluster: KubeCluster) => Promise<void>): Promise<void> {
  await Promise.all(
    clusters.map(async (cluster) => await eventually(async () => await assertion(cluster), { intervalMs: 100 })),
  );
}

const frontend = '/apis/apps/v1/namespaces/boutique-plain/deployments/frontend';
const service = '/api/v1/namespaces/podinfo-kustomize/services/podinfo';
const account = '/api/v1/namespaces/boutique-kustomize/serviceaccounts/cartservice';

async function breakByHand({ request }: KubeCluster): Promise<void> {
  const replace = async (object: string, path: string, value: unknown) =>
    await request('PATCH', object, {
      contentType: 'application/json-patch+json',
      body: [{ op: 'replace', path, value }],
    });
  await replace(frontend, '/spec/template/spec/containers/0/image', 'by-hand');
  await replace(service, '/spec/ports/0/targetPort', 1234);
  await request('DELETE', account);
}

async function expectIntact({ request }: KubeCluster): Promise<void> {
  expect((await request('GET', frontend)).spec.template.spec.containers[0].image).toBe('frontend');
  expect((await request('GET', service)).spec.ports[0].targetPort).toBe('http');
  await expect(request('GET', account)).resolves.toBeDefined();
}

/** Environment of the first container of a Deployment, given as NAMESPACE/NAME. */
async function environment({ request }: KubeCluster, deployment: string): Promise<KubeJson> {
  const object = await request('GET', `/apis/apps/v1/namespaces/${deployment.replace('/', '/deployments/')}`);
  return object.spec.template.spec.containers[0].env;
}

async function push(name: string, changes: RepositoryFiles): Promise<void> {
  const repository = repositories[name];
  if (!repository) throw new Error(`no repository ${name}`);
  await sendPush(platform, repository.url, await repository.commit(changes, 'Change what runs'));
}

/** A file with some of its text replaced; what is replaced stays so for later edits. */
function edited(repository: string, path: string, [from, to]: readonly [string, string]): string {
  const before = files[repository]?.[path]?.toString() ?? '';
  if (!before.includes(from)) throw new Error(`${path} of ${repository} does not hold ${from}`);
  const after = before.replace(from, to);
  if (files[repository]) files[repository][path] = Buffer.from(after);
  return after;
}

function find(applications: ShownApplication[], name: string): ShownApplication {
  const found = applications.find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`there is no Application ${name}`);
  return found;
}

async function readRepository(name: string): Promise<Record<string, Buffer>> {
  const folder = join(fixtures, name);
  try {
    return await readFiles(folder);
  } catch (cause) {
    throw new Error(`no repository at ${folder}: this test deploys the ones in ../shared/fixtures/repos`, { cause });
  }
}

function applicationSet(name: string): string {
  const { repo, path, tool } = { tool: '', ...sources[name as keyof typeof sources] };
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}, namespace: argocd}
spec:
  generators:
    - clusters: {selector: {matchLabels: {fleet: real}}}
  template:
    metadata: {name: '${name}-{{name}}'}
    spec:
      project: default
      source:
        repoURL: ${repositories[repo]?.url}
        targetRevision: main
        path: ${path}
        ${tool}
      destination: {server: '{{server}}', namespace: ${name}}
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
`;
}
