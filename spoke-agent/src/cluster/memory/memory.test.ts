import type { KubeObject, ObjectMeta } from '@wheelhouse/shared/kube/object';
import { expect, it, vi } from 'vitest';
import { describeCluster } from '../conformance.ts';
import { createMemoryCluster, type MemoryCluster } from './memory.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

let current: MemoryCluster;

describeCluster(
  'memory',
  () => (current = createMemoryCluster()),
  async (ref, status) => current.setStatus(ref, status),
);

it('lets the requests of its workloads stand for those of Pods', async () => {
  const signal = new AbortController().signal;
  const cluster = createMemoryCluster({}, { node: { cpu: '4', memory: '8Gi' } });
  const requests = { cpu: '500m', memory: '256Mi' };
  const template = { spec: { containers: [{ name: 'web', image: 'web:1', resources: { requests } }] } };
  const workload = (kind: string, spec: object, metadata: ObjectMeta): KubeObject => ({
    apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { namespace: 'default', ...metadata },
    spec: { template, ...spec },
  });
  const apply = async (object: KubeObject) => await cluster.apply(object, { fieldManager: 'test', signal });
  const web = await apply(workload('Deployment', { replicas: 2 }, { name: 'web' }));
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: web.metadata.uid }];
  await apply(workload('ReplicaSet', { replicas: 2 }, { name: 'web-1', ownerReferences }));
  await apply(workload('DaemonSet', {}, { name: 'agent' }));
  await apply(workload('Job', {}, { name: 'done' }));
  await vi.waitFor(
    () =>
      expect(cluster.followInventory(signal).current()).toMatchObject({
        nodes: 1,
        allocatable: { cpuMillis: 4_000, memoryBytes: 8 * 2 ** 30 },
        requested: { cpuMillis: 1_500, memoryBytes: 3 * 256 * 2 ** 20 },
      }),
    within,
  );
});
