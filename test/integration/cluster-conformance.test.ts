// Its assertions are the suite that the simulated cluster passes too (spoke-agent/src/cluster/memory/memory.test.ts).
import type { Cluster } from '@wheelhouse/spoke-agent/cluster/cluster';
import { describeCluster } from '@wheelhouse/spoke-agent/cluster/conformance';
import { createKubernetesCluster } from '@wheelhouse/spoke-agent/cluster/kubernetes/kubernetes';
import { type KubeCluster, startCluster } from '@wheelhouse/test/support/kube-cluster';
import { afterAll, beforeAll } from 'vitest';

let server: KubeCluster;
let cluster: Cluster;

beforeAll(async () => {
  server = await startCluster({ controllerManager: false, pods: false });
  cluster = createKubernetesCluster({ random: Math.random }, { kubeconfig: server.kubeconfigPath });
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const paths: Record<string, string> = { Node: 'nodes', Pod: 'pods' };

describeCluster(
  'kubernetes',
  () => cluster,
  async ({ kind, namespace, name }, status) => {
    const scope = namespace ? `/namespaces/${namespace}` : '';
    await server.request('PATCH', `/api/v1${scope}/${paths[kind]}/${name}/status`, {
      contentType: 'application/merge-patch+json',
      body: { status },
    });
  },
);
