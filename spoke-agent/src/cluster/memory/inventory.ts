import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { sumOf, workloadRequests } from '@wheelhouse/shared/kube/resource-amounts';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';
import type { ApiResource } from '../cluster.ts';
import { formatGroups, usableAmounts } from '../inventory.ts';

/** What a simulated cluster has. Its workloads make no Pods, so that what they ask for stands for them. */
export function inventoryOf(objects: Iterable<KubeObject>, resources: readonly ApiResource[]): Inventory {
  const all = [...objects];
  const nodes = all.filter(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Node');
  const asking = all.filter((object) => !isOwned(object) && !isFinished(object));
  return {
    nodes: nodes.length,
    allocatable: sumOf(nodes.map(usableAmounts)),
    requested: sumOf(asking.map((object) => workloadRequests(object, { nodes: nodes.length }))),
    apiGroups: formatGroups(resources.map(({ group }) => group)),
  };
}

/** The Node of a simulated cluster. */
export function simulatedNode(allocatable: { cpu: string; memory: string }): KubeObject {
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }];
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1' },
    spec: {},
    status: { allocatable, capacity: allocatable, conditions },
  };
}

function isOwned({ metadata }: KubeObject): boolean {
  return Array.isArray(metadata['ownerReferences']) && metadata['ownerReferences'].length > 0;
}

function isFinished({ status }: KubeObject): boolean {
  const { phase, conditions } = (status ?? {}) as { phase?: string; conditions?: { type: string; status: string }[] };
  const hasEnded = conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false;
  return phase === 'Succeeded' || phase === 'Failed' || hasEnded;
}
