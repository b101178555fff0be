import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type KubeCluster, startClusters } from '../support/kube-cluster.ts';
import type { PodBehaviour } from '../support/pod-status.ts';

const slowPods = Promise.withResolvers<void>();
const behaviours: Record<string, PodBehaviour> = {
  crash: 'CrashLoopBackOff',
  pull: 'ImagePullBackOff',
  never: 'NeverReady',
  slow: { readyOnce: slowPods.promise },
};

let clusters: KubeCluster[] & AsyncDisposable;

beforeAll(async () => {
  clusters = await startClusters(2, {
    names: ['east', 'west'],
    behaviour: (pod) => behaviours[pod.images[0] ?? ''] ?? 'Ready',
  });
});
afterAll(() => clusters[Symbol.asyncDispose]());

function cluster(index: number): KubeCluster {
  const found = clusters[index];
  if (!found) throw new Error(`no cluster ${index}`);
  return found;
}

function deployment(name: string, image: string): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  };
}

const deployments = '/apis/apps/v1/namespaces/default/deployments';

it('makes a Deployment available, and clears away what it owned', async () => {
  const { request } = cluster(0);
  await request('POST', deployments, { body: deployment('web', 'nginx') });
  await eventually(async () => expect((await request('GET', `${deployments}/web`)).status.availableReplicas).toBe(2));
  await request('DELETE', `${deployments}/web`);
  const pods = '/api/v1/namespaces/default/pods?labelSelector=app=web';
  await eventually(async () => expect((await request('GET', pods)).items).toEqual([]));
});

it.each([
  ['crash', { waiting: { reason: 'CrashLoopBackOff' } }],
  ['pull', { waiting: { reason: 'ImagePullBackOff' } }],
  ['never', { running: {} }],
])('lets Pods with image %s fail on purpose', async (image, state) => {
  const { request } = cluster(0);
  await request('POST', deployments, { body: deployment(image, image) });
  const path = `/api/v1/namespaces/default/pods?labelSelector=app=${image}`;
  await eventually(async () => {
    const { items } = await request('GET', path);
    expect(items).toHaveLength(2);
    for (const pod of items) expect(pod.status.containerStatuses?.[0]).toMatchObject({ ready: false, state });
  });
});

it('lets Pods start slowly', async () => {
  const { request } = cluster(0);
  await request('POST', deployments, { body: deployment('slow', 'slow') });
  await eventually(async () => {
    const { status } = await request('GET', `${deployments}/slow`);
    expect(status).toMatchObject({ unavailableReplicas: 2, replicas: 2 });
  });
  slowPods.resolve();
  await eventually(async () => expect((await request('GET', `${deployments}/slow`)).status.availableReplicas).toBe(2));
});

it('completes Jobs, and gives load balancers an address', async () => {
  const { request } = cluster(0);
  const spec = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] } } };
  const jobs = '/apis/batch/v1/namespaces/default/jobs';
  await request('POST', jobs, { body: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec } });
  const services = '/api/v1/namespaces/default/services';
  const service = { metadata: { name: 'web' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
  await request('POST', services, { body: { apiVersion: 'v1', kind: 'Service', ...service } });
  await eventually(async () => expect((await request('GET', `${jobs}/once`)).status.succeeded).toBe(1));
  const ingress = [{ ip: expect.any(String) }];
  await eventually(async () =>
    expect((await request('GET', `${services}/web`)).status.loadBalancer).toMatchObject({ ingress }),
  );
});

it('keeps clusters apart, and their data across a kill', async () => {
  const [east, west] = [cluster(0), cluster(1)];
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'only-west' } };
  await west.request('POST', '/api/v1/namespaces', { body: namespace });
  await expect(east.request('GET', '/api/v1/namespaces/only-west')).rejects.toThrow('404');
  await west.kill();
  // a connection that was open may be cut first
  await eventually(async () => await expect(west.request('GET', '/readyz')).rejects.toThrow('ECONNREFUSED'));
  await west.restart();
  expect((await west.request('GET', '/api/v1/namespaces/only-west')).metadata.name).toBe('only-west');
});
