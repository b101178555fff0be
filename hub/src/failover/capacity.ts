import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { noAmounts, type ResourceAmounts, sumOf, workloadRequests } from '@wheelhouse/shared/kube/resource-amounts';
import { LRUCache } from 'lru-cache';
import type { FleetCluster } from '../fleet/clusters.ts';
import type { Capacity, Placement } from './plan-record.ts';

/** What a bundle needs of a cluster. */
export interface BundleNeeds {
  /** On a cluster with so many Nodes. */
  requests(nodes: number): ResourceAmounts;
  /** It claims volumes, whose data stays where it is. */
  stateful: boolean;
}

/** Reads bundles, and keeps what they need. Undefined for one that is not there any more. */
export type ReadNeeds = (digest: string) => Promise<BundleNeeds | undefined>;

export function createReadNeeds(manifests: (digest: string) => Promise<KubeObject[] | undefined>): ReadNeeds {
  const known = new LRUCache<string, BundleNeeds>({ max: 5_000 });
  return async (digest) => {
    const found = known.get(digest);
    if (found) return found;
    const objects = await manifests(digest);
    if (!objects) return undefined;
    const needs = needsOf(objects);
    known.set(digest, needs);
    return needs;
  };
}

export function needsOf(objects: readonly KubeObject[]): BundleNeeds {
  const daemons = objects.filter(({ kind }) => kind === 'DaemonSet');
  const others = objects.filter(({ kind }) => kind !== 'DaemonSet');
  const fixed = sumOf(others.map((object) => workloadRequests(object, { nodes: 0 })));
  const perNode = sumOf(daemons.map((object) => workloadRequests(object, { nodes: 1 })));
  return {
    requests: (nodes) => ({
      cpuMillis: fixed.cpuMillis + perNode.cpuMillis * nodes,
      memoryBytes: fixed.memoryBytes + perNode.memoryBytes * nodes,
    }),
    stateful: objects.some(claimsVolumes),
  };
}

function claimsVolumes(object: KubeObject): boolean {
  if (object.kind === 'PersistentVolumeClaim') return true;
  const { volumeClaimTemplates } = (object['spec'] ?? {}) as { volumeClaimTemplates?: unknown[] };
  return object.kind === 'StatefulSet' && (volumeClaimTemplates ?? []).length > 0;
}

/** What arrives at each cluster, against what the cluster says that it has left. */
export function capacityOf(
  arrives: readonly Placement[],
  needs: (placement: Placement) => BundleNeeds | undefined,
  findCluster: (name: string) => FleetCluster | undefined,
): Capacity[] {
  return [...Map.groupBy(arrives, ({ cluster }) => cluster)].map(([cluster, placements]) => {
    const inventory = findCluster(cluster)?.inventory;
    const known = placements.flatMap((placement) => needs(placement) ?? []);
    const arriving = sumOf(known.map((one) => one.requests(inventory?.nodes ?? 0)));
    return {
      cluster,
      arriving: known.length > 0 ? arriving : { ...noAmounts },
      ...(inventory ? { free: less(inventory.allocatable, inventory.requested) } : {}),
      unknown: placements.length - known.length,
    };
  });
}

function less(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return { cpuMillis: a.cpuMillis - b.cpuMillis, memoryBytes: a.memoryBytes - b.memoryBytes };
}

/** What does not fit, in words; undefined when it fits or nobody knows. */
export function whyOverloaded({ cluster, arriving, free }: Capacity): string | undefined {
  if (!free) return undefined;
  const cpu = arriving.cpuMillis > Math.max(0, free.cpuMillis);
  const memory = arriving.memoryBytes > Math.max(0, free.memoryBytes);
  if (!cpu && !memory) return undefined;
  const parts = [
    ...(cpu ? [`${arriving.cpuMillis} m CPU of ${free.cpuMillis} m that are free`] : []),
    ...(memory ? [`${mebi(arriving.memoryBytes)} MiB memory of ${mebi(free.memoryBytes)} MiB that are free`] : []),
  ];
  return `what arrives at cluster ${cluster} asks for ${parts.join(' and ')}`;
}

function mebi(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
