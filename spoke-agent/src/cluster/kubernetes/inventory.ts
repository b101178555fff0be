import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { type PodResources, podRequests, type ResourceAmounts, sumOf } from '@wheelhouse/shared/kube/resource-amounts';
import type { KubeKind, LiveInventory, WatchListener } from '../cluster.ts';
import { formatGroups, usableAmounts } from '../inventory.ts';
import type { Requests } from './requests.ts';
import { followKind, type WatchDeps } from './watch.ts';

const nodeKind: KubeKind = { group: '', version: 'v1', kind: 'Node' };
const podKind: KubeKind = { group: '', version: 'v1', kind: 'Pod' };
/** One object for each version of each API group, those of CustomResourceDefinitions among them. */
const apiServiceKind: KubeKind = { group: 'apiregistration.k8s.io', version: 'v1', kind: 'APIService' };
const unfinished = 'status.phase!=Succeeded,status.phase!=Failed';

/**
 * Keeps sums of what Nodes offer and Pods ask for, by three watches: a cluster in which nothing changes costs the
 * reopening of its watches, and the version is read when that happens. Of an object only its sums are kept.
 */
export function followInventory(deps: WatchDeps, signal: AbortSignal): LiveInventory {
  const nodes = createTally<ResourceAmounts>(usableAmounts);
  const pods = createTally<ResourceAmounts>(({ spec }) => podRequests(spec as PodResources));
  const apiServices = createTally<string>(({ spec }) => (spec as { group?: string } | undefined)?.group ?? '');
  let version: string | undefined;
  const readAgain = () => {
    readVersion(deps.requests, signal).then(
      (read) => void (version = read),
      // the next connection reads it again; until then what was read last stands
      () => undefined,
    );
  };
  const follow = (kind: KubeKind, listener: WatchListener, fieldSelector?: string) =>
    void followKind(deps, { kind, listener, signal, ...(fieldSelector ? { fieldSelector } : {}) });
  follow(nodeKind, { ...nodes.listener, connected: () => (nodes.listener.connected(), readAgain()) });
  follow(podKind, pods.listener, unfinished);
  follow(apiServiceKind, apiServices.listener);
  const tallies = [nodes, pods, apiServices];
  return {
    kubernetesVersion: () => version,
    problem: () => tallies.map(({ failure }) => failure()).find((failure) => failure !== undefined),
    current: () =>
      tallies.every(({ isListed }) => isListed())
        ? {
            nodes: nodes.size(),
            allocatable: sumOf(nodes.values()),
            requested: sumOf(pods.values()),
            apiGroups: formatGroups(apiServices.values()),
          }
        : undefined,
  };
}

export async function readVersion(requests: Requests, signal: AbortSignal): Promise<string> {
  const request = { method: 'GET', path: '/version', signal, what: 'read the version of the cluster' } as const;
  return (await requests.send<{ gitVersion: string }>(request)).gitVersion;
}

interface Tally<T> {
  listener: WatchListener;
  isListed(): boolean;
  failure(): FleetError | undefined;
  size(): number;
  values(): Iterable<T>;
}

/** One value for each object of a kind. */
function createTally<T>(valueOf: (object: KubeObject) => T): Tally<T> {
  let values = new Map<string, T>();
  let listing: Map<string, T> | undefined;
  let isListed = false;
  let failure: FleetError | undefined;
  return {
    listener: {
      listing: () => void (listing = new Map()),
      changed: (object) => void (listing ?? values).set(keyOf(object), valueOf(object)),
      removed: (object) => void values.delete(keyOf(object)),
      listed: () => {
        values = listing ?? values;
        listing = undefined;
        isListed = true;
        failure = undefined;
      },
      connected: () => void (failure = undefined),
      failed: (error) => void (failure = error),
    },
    isListed: () => isListed,
    failure: () => failure,
    size: () => values.size,
    values: () => values.values(),
  };
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}
