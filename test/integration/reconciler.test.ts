import { systemClock } from '@wheelhouse/shared/async/clock';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp, AssignedPolicy, Tombstone } from '@wheelhouse/shared/protocol/document';
import { type Cluster, fieldManager } from '@wheelhouse/spoke-agent/cluster/cluster';
import { createKubernetesCluster } from '@wheelhouse/spoke-agent/cluster/kubernetes/kubernetes';
import { widgetsOf } from '@wheelhouse/spoke-agent/cluster/testing/widgets';
import { healthOf } from '@wheelhouse/spoke-agent/health/health';
import { createReconciler, type Reconciler } from '@wheelhouse/spoke-agent/sync/reconciler';
import { createMemoryRecords } from '@wheelhouse/spoke-agent/sync/records';
import type { ReportedStatus } from '@wheelhouse/spoke-agent/sync/status';
import { eventually } from '@wheelhouse/test/support/eventually';
import { type KubeCluster, startCluster } from '@wheelhouse/test/support/kube-cluster';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const signal = new AbortController().signal;
const policy: AssignedPolicy = {
  automated: { prune: true, selfHeal: true, allowEmpty: false },
  syncOptions: ['CreateNamespace=true'],
  retry: { limit: 0, backoff: { durationMs: 1, factor: 1, maxDurationMs: 1 } },
};

let server: KubeCluster;
let cluster: Cluster;
let reconciler: Reconciler;
let ns: string;
let gen = 0;
const statuses = new Map<string, ReportedStatus>();
const bundles = new Map<string, KubeObject[]>();

beforeAll(async () => {
  server = await startCluster({ controllerManager: true, pods: true });
  cluster = createKubernetesCluster({ random: Math.random }, { kubeconfig: server.kubeconfigPath });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

beforeEach(() => {
  ns = `ns-${Math.random().toString(36).slice(2, 10)}`;
  statuses.clear();
  reconciler = createReconciler({
    cluster,
    logger: createLogger({ name: 'test', level: 'silent' }),
    clock: systemClock,
    random: Math.random,
    records: createMemoryRecords(),
    report: (status) => void statuses.set(status.app, status),
    healthOf,
  });
});

afterEach(async () => await reconciler[Symbol.asyncDispose]());

function assign(manifests: KubeObject[], extra: Partial<AssignedApp> = {}, tombstones: Tombstone[] = []): void {
  gen += 1;
  const bundle = digestOf(canonicalJson(manifests));
  bundles.set(bundle, manifests);
  const app: AssignedApp = {
    app: ns,
    ns,
    project: 'default',
    revision: `r${gen}`,
    bundle,
    vars: {},
    policy,
    wave: 0,
    ...extra,
  };
  reconciler.assign({
    gen,
    apps: tombstones.length > 0 ? [] : [app],
    ops: [],
    tombstones,
    manifests: async (digest) => bundles.get(digest) ?? [],
  });
}

async function reported(expected: object): Promise<ReportedStatus> {
  await eventually(() => expect(statuses.get(ns)).toMatchObject({ ...expected }));
  return statuses.get(ns) as ReportedStatus;
}

const synced = (more: object = {}) => ({ sync: 'Synced', revision: `r${gen}`, ...more });

function configMap(data: Record<string, string>, name = 'settings'): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

function deployment(image = 'app:1'): KubeObject {
  const labels = { app: 'web' };
  const resources = { requests: { cpu: '1000m', memory: '0.5Gi' }, limits: { cpu: 1 } };
  const container = { name: 'app', image, resources, ports: [{ containerPort: 80 }], env: [{ name: 'A', value: '' }] };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [container], volumes: [{ name: 'tmp', emptyDir: {} }], securityContext: {} },
      },
    },
  };
}

const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};

const settingsRef = (name = 'settings'): ObjectRef => ({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  namespace: ns,
  name,
});
const data = async (name?: string) => (await cluster.find(settingsRef(name), signal))?.['data'];

describe('the reconciler on a real API server', () => {
  it('creates namespace and resources, and sees them become Healthy', async () => {
    assign([configMap({ a: '1' }), deployment(), service]);
    const status = await reported(synced({ health: { status: 'Healthy' } }));
    expect(status).toMatchObject({ total: 3, conditions: [], operation: { phase: 'Succeeded' } });
  });

  it('mistakes neither defaults nor spelling for drift, and is then quiet', async () => {
    const sent: string[] = [];
    const watched: Cluster = Object.assign(Object.create(cluster) as Cluster, {
      apply: async (object: KubeObject, options: Parameters<Cluster['apply']>[1]) => {
        sent.push(`apply ${object.kind}`);
        return await cluster.apply(object, options);
      },
    });
    await reconciler[Symbol.asyncDispose]();
    reconciler = createReconciler({
      cluster: watched,
      logger: createLogger({ name: 'test', level: 'silent' }),
      clock: systemClock,
      random: Math.random,
      records: createMemoryRecords(),
      report: (status) => void statuses.set(status.app, status),
      healthOf,
    });
    assign([deployment(), service]);
    await reported(synced({ health: { status: 'Healthy' } }));
    expect(sent.filter((request) => request !== 'apply Namespace')).toEqual(['apply Service', 'apply Deployment']);
    assign([deployment(), service]);
    await reported(synced());
    expect(sent).toHaveLength(3);
  });

  it.each([
    [
      'an edit',
      async () =>
        void (await cluster.apply(
          { ...configMap({ a: 'edited' }), metadata: { name: 'settings', namespace: ns } },
          { fieldManager: 'kubectl', signal },
        )),
    ],
    ['a deletion', async () => void (await cluster.remove(settingsRef(), { propagation: 'Background', signal }))],
  ])('heals %s', async (_row, harm) => {
    assign([configMap({ a: '1' })]);
    await reported(synced());
    await harm();
    await reported(synced({ operation: { message: 'healed drift of ConfigMap settings' } }));
    expect(await data()).toEqual({ a: '1' });
  });

  it('prunes what is desired no longer', async () => {
    assign([configMap({ a: '1' }), configMap({}, 'old')]);
    await reported(synced({ total: 2 }));
    assign([configMap({ a: '1' })]);
    await reported(synced({ total: 1 }));
    expect(await data('old')).toBeUndefined();
  });

  it('removes a field that Git removed', async () => {
    assign([configMap({ a: '1', b: '2' })]);
    await reported(synced());
    assign([configMap({ a: '1' })]);
    await reported(synced());
    expect(await data()).toEqual({ a: '1' });
  });

  it('applies a definition and its resource from one bundle, and heals that resource', async () => {
    const group = `${ns}.example.com`;
    const { definition, widget } = widgetsOf(group);
    assign([widget, definition]);
    await reported(synced({ total: 2 }));
    const ref = { group, version: 'v1', kind: 'Widget', namespace: ns, name: 'w' };
    await cluster.remove(ref, { propagation: 'Background', signal });
    await eventually(async () => expect((await cluster.find(ref, signal))?.['spec']).toEqual({ size: 1 }));
  });

  it.each([
    [
      'an immutable field',
      (manifest: KubeObject) => ({
        ...manifest,
        spec: { ...(manifest['spec'] as object), selector: { matchLabels: { app: 'other' } } },
      }),
      /immutable|does not match/,
    ],
    [
      'an unknown field',
      (manifest: KubeObject) => ({ ...manifest, spec: { ...(manifest['spec'] as object), replica: 2 } }),
      /replica: field not declared|unknown field/,
    ],
  ])("reports %s with the API server's words and leaves the rest running", async (_row, spoil, message) => {
    assign([deployment()]);
    await reported(synced({ health: { status: 'Healthy' } }));
    assign([spoil(deployment())]);
    const status = await reported({ operation: { phase: 'Failed', revision: `r${gen}` } });
    expect(status.operation?.message).toMatch(message);
    expect(status.firstBad).toMatchObject({
      kind: 'Deployment',
      name: 'web',
      message: expect.stringMatching(message) as string,
    });
    expect(status).toMatchObject({ sync: 'OutOfSync', health: { status: 'Healthy' } });
  });

  it('compares without records and writes nothing that is as it should be', async () => {
    assign([deployment(), service]);
    await reported(synced({ health: { status: 'Healthy' } }));
    const ref: ObjectRef = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: ns, name: 'web' };
    const before = (await cluster.find(ref, signal))?.metadata.managedFields?.find(
      ({ manager }) => manager === fieldManager,
    );
    await reconciler[Symbol.asyncDispose]();
    statuses.clear();
    reconciler = createReconciler({
      cluster,
      logger: createLogger({ name: 'test', level: 'silent' }),
      clock: systemClock,
      random: Math.random,
      records: createMemoryRecords(),
      report: (status) => void statuses.set(status.app, status),
      healthOf,
    });
    const { automated: _automated, ...manual } = policy;
    assign([deployment(), service], { policy: manual });
    await reported(synced({ health: { status: 'Healthy' } }));
    const after = (await cluster.find(ref, signal))?.metadata.managedFields?.find(
      ({ manager }) => manager === fieldManager,
    );
    expect(after).toEqual(before);
    expect(await reconciler.diff(ns, signal)).toEqual([]);
  });

  it('deletes everything of an Application by its tombstone', async () => {
    assign([configMap({ a: '1' }), deployment()]);
    await reported(synced({ health: { status: 'Healthy' } }));
    assign([], {}, [{ app: ns, reason: 'deleted', cascade: true }]);
    await reported({ removed: true });
    expect(await data()).toBeUndefined();
  });

  it('goes on after the API server was gone', async () => {
    assign([configMap({ a: '1' })]);
    await reported(synced());
    await server.kill();
    assign([configMap({ a: '2' })]);
    await reported({ conditions: [expect.objectContaining({ type: 'ComparisonError' })] });
    await server.restart();
    await reported(synced({ conditions: [] }));
    expect(await data()).toEqual({ a: '2' });
  });
});
