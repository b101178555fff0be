import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseYamlStream } from '@wheelhouse/shared/kube/yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type KubeCluster, startClusters } from '../support/kube-cluster.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { getTool } from '../support/tools.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const chart = join(root, 'deploy/helm/spoke-agent');
const agentNamespace = 'wheelhouse';

let platform: Platform;
let clusters: KubeCluster[] & AsyncDisposable;

beforeAll(async () => {
  [platform, clusters] = await Promise.all([startPlatform(), startClusters(2, { names: ['by-helm', 'by-kubectl'] })]);
}, 180_000);
afterAll(async () => {
  await clusters?.[Symbol.asyncDispose]();
  await platform?.[Symbol.asyncDispose]();
});

async function renderChart(...flags: string[]): Promise<KubeObject[]> {
  const args = ['template', 'wheelhouse-agent', chart, '--namespace', agentNamespace, ...flags];
  const { stdout } = await run(getTool('helm'), args, { maxBuffer: 10_000_000 });
  return objectsIn(stdout);
}

function objectsIn(text: string): KubeObject[] {
  return parseYamlStream(text).filter((object): object is KubeObject => object !== null && object !== undefined);
}

/** What the command line prints for `kubectl apply`. */
async function printManifest(...words: string[]): Promise<KubeObject[]> {
  const access = [
    '--server',
    platform.hubs[0]?.url ?? '',
    '--ca-file',
    platform.caFile,
    '--token-file',
    platform.adminTokenFile,
  ];
  const args = [join(root, 'cli/bin/wheelhouse.mjs'), 'cluster', 'token', ...words, '--manifest', ...access];
  return objectsIn((await run(process.execPath, args)).stdout);
}

const byKind = (objects: KubeObject[]) =>
  Object.fromEntries(objects.filter(({ kind }) => kind !== 'Namespace').map((object) => [object.kind, object]));

function tokenIn(objects: KubeObject[]): string {
  const entries = byKind(objects)['Secret']?.['stringData'] as { token?: string } | undefined;
  return entries?.token ?? '';
}

describe('the chart and the manifest', () => {
  it.each([
    ['for one name', ['same-1'], ''],
    ['for a name of a pattern', ['same-*', '--cluster-name', 'same-2'], ',clusterName=same-2'],
  ])('say the same %s', async (_name, words, more) => {
    const manifest = await printManifest(...words);
    const rendered = await renderChart('--set-string', `token=${tokenIn(manifest)}${more}`);
    expect(byKind(rendered)).toEqual(byKind(manifest));
  });

  it('can do without a volume, at a price that the values name', async () => {
    const { Deployment, PersistentVolumeClaim } = byKind(await renderChart('--set', 'persistence.enabled=false'));
    expect(PersistentVolumeClaim).toBeUndefined();
    expect(JSON.stringify(Deployment)).toContain('{"name":"data","emptyDir":{}}');
  });

  it.each([
    ['a value that there is none of', '--set', 'replicas=2'],
    ['a token that is none', '--set-string', 'token=secret'],
  ])('refuse %s', async (_name, ...flags) => {
    await expect(renderChart(...flags)).rejects.toThrow(/schema|additional propert|pattern/i);
  });
});

describe('what is deployed registers a cluster', () => {
  it.each([
    [
      'by helm install',
      0,
      async (manifest: KubeObject[]) => await renderChart('--set-string', `token=${tokenIn(manifest)}`),
    ],
    ['by kubectl apply', 1, async (manifest: KubeObject[]) => manifest],
  ])(
    '%s',
    async (_name, index, objectsOf) => {
      const cluster = clusters[index] as KubeCluster;
      const objects = await objectsOf(await printManifest(cluster.name));
      await applyAll(cluster, objects);
      const path = `/apis/apps/v1/namespaces/${agentNamespace}/deployments/wheelhouse-agent`;
      // the API server takes it, its Pod is admitted with these security settings, and it counts as available
      await eventually(async () => expect((await cluster.request('GET', path)).status.availableReplicas).toBe(1), {
        timeoutMs: 60_000,
      });
      await using _agent = await startAsPod(cluster);
      await eventually(
        async () =>
          expect(await platform.api('GET', `/api/v1/fleet/clusters/${cluster.name}`)).toMatchObject({
            state: 'Connected',
            kubernetesVersion: expect.stringMatching(/^v1\./),
            inventory: expect.objectContaining({ apiGroups: expect.arrayContaining(['apps']) }),
          }),
        { timeoutMs: 60_000 },
      );
      expect(await mayDo(cluster, 'create', 'deployments', 'apps')).toBe(true);
    },
    180_000,
  );
});

/** As `kubectl apply --server-side`, in order. */
async function applyAll(cluster: KubeCluster, objects: KubeObject[]): Promise<void> {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: agentNamespace } };
  for (const object of [namespace, ...objects.filter(({ kind }) => kind !== 'Namespace')]) {
    const path = `${collectionOf(object)}/${object.metadata.name}?fieldManager=kubectl&fieldValidation=Strict`;
    await cluster.request('PATCH', path, { body: object, contentType: 'application/apply-patch+yaml' });
  }
}

const plurals: Record<string, string> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  ClusterRoleBinding: 'clusterrolebindings',
  Secret: 'secrets',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  Deployment: 'deployments',
};

function collectionOf({ apiVersion, kind, metadata }: KubeObject): string {
  const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${base}${scope}/${plurals[kind]}`;
}

const serviceAccount = `/api/v1/namespaces/${agentNamespace}/serviceaccounts/wheelhouse-agent`;

async function tokenOfServiceAccount(cluster: KubeCluster): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3_600 } };
  return (await cluster.request('POST', `${serviceAccount}/token`, { body })).status.token;
}

/**
 * Starts the agent as its Pod would be started: the environment and the command are those of the container, secrets come
 * from the API server, and a mount namespace of its own holds the service account where a Pod has it.
 */
async function startAsPod(cluster: KubeCluster): Promise<Child> {
  const path = `/apis/apps/v1/namespaces/${agentNamespace}/deployments/wheelhouse-agent`;
  const [container] = (await cluster.request('GET', path)).spec.template.spec.containers;
  const dir = join(platform.dir, `pod-${cluster.name}`);
  const account = join(dir, 'serviceaccount');
  await mkdir(account, { recursive: true });
  await writeFile(join(account, 'token'), await tokenOfServiceAccount(cluster), { mode: 0o600 });
  await writeFile(join(account, 'ca.crt'), cluster.caPem);
  await writeFile(join(account, 'namespace'), agentNamespace);
  const mounts: Record<string, string> = { '/data': join(dir, 'data'), '/tmp/health': join(dir, 'health') };
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', HOME: dir };
  for (const { name, value, valueFrom } of container.env) {
    const text = value ?? (await secretValue(cluster, valueFrom.secretKeyRef));
    env[name] = mounts[text] ?? text;
  }
  const { hostname, port } = new URL(cluster.server);
  const inPod =
    'mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io && cp -r "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"';
  return await startChild({
    command: 'unshare',
    args: ['-rm', 'sh', '-c', inPod, account, process.execPath, join(root, 'spoke-agent/src/main.ts')],
    logFile: join(dir, 'agent.log'),
    env: { ...env, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    ready: async () => undefined,
  });
}

async function secretValue(cluster: KubeCluster, { name, key }: { name: string; key: string }): Promise<string> {
  const { data } = await cluster.request('GET', `/api/v1/namespaces/${agentNamespace}/secrets/${name}`);
  return Buffer.from(data[key], 'base64').toString();
}

async function mayDo(cluster: KubeCluster, ...[verb, resource, group]: string[]): Promise<boolean> {
  const user = `system:serviceaccount:${agentNamespace}:wheelhouse-agent`;
  const spec = { user, resourceAttributes: { verb, resource, group, namespace: 'default' } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  return (await cluster.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body })).status.allowed;
}
