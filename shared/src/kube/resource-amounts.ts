import type { KubeObject } from './object.ts';
import { parseQuantity } from './quantity.ts';

/** CPU in thousandths of a core and memory in bytes, whole numbers. */
export interface ResourceAmounts {
  cpuMillis: number;
  memoryBytes: number;
}

export const noAmounts: Readonly<ResourceAmounts> = { cpuMillis: 0, memoryBytes: 0 };

/** As `resources.requests` of a container or `status.allocatable` of a Node say; what cannot be read counts as nothing. */
export function parseAmounts(resources: unknown): ResourceAmounts {
  const { cpu, memory } = (resources ?? {}) as { cpu?: unknown; memory?: unknown };
  return {
    cpuMillis: Math.ceil((parseQuantity(cpu) ?? 0) * 1_000 - 1e-6),
    memoryBytes: Math.ceil(parseQuantity(memory) ?? 0),
  };
}

function addAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return { cpuMillis: a.cpuMillis + b.cpuMillis, memoryBytes: a.memoryBytes + b.memoryBytes };
}

export function sumOf(amounts: Iterable<ResourceAmounts>): ResourceAmounts {
  let sum: ResourceAmounts = noAmounts;
  for (const one of amounts) sum = addAmounts(sum, one);
  return sum;
}

function multiplyAmounts({ cpuMillis, memoryBytes }: ResourceAmounts, times: number): ResourceAmounts {
  return { cpuMillis: cpuMillis * times, memoryBytes: memoryBytes * times };
}

interface Container {
  restartPolicy?: string;
  resources?: { requests?: unknown };
}

/** A Pod's `spec`, as far as it says what the Pod asks for. */
export interface PodResources {
  containers?: Container[];
  initContainers?: Container[];
  overhead?: unknown;
  resources?: { requests?: { cpu?: unknown; memory?: unknown } };
}

/**
 * What the scheduler reserves for a Pod. Kubernetes: the sum of its containers and sidecars or, if that is more, what an
 * init container needs beside the sidecars started before it; requests of the Pod as a whole come first; overhead is added.
 */
export function podRequests(spec: PodResources | undefined): ResourceAmounts {
  return addAmounts(override(containerRequests(spec), spec?.resources?.requests), parseAmounts(spec?.overhead));
}

function containerRequests({ containers = [], initContainers = [] }: PodResources = {}): ResourceAmounts {
  let sidecars = noAmounts;
  let start = noAmounts;
  for (const container of initContainers) {
    const needed = addAmounts(sidecars, requestsOf(container));
    if (container.restartPolicy === 'Always') sidecars = needed;
    start = largerOf(start, needed);
  }
  return largerOf(start, addAmounts(sidecars, sumOf(containers.map(requestsOf))));
}

function override(computed: ResourceAmounts, whole: { cpu?: unknown; memory?: unknown } = {}): ResourceAmounts {
  const { cpuMillis, memoryBytes } = parseAmounts(whole);
  return {
    cpuMillis: whole.cpu === undefined ? computed.cpuMillis : cpuMillis,
    memoryBytes: whole.memory === undefined ? computed.memoryBytes : memoryBytes,
  };
}

interface WorkloadSpec {
  replicas?: number;
  parallelism?: number;
  completions?: number;
  template?: { spec?: PodResources };
}

/**
 * What the Pods of a workload ask for together once all run; nothing for an object that makes no Pods, and for a CronJob,
 * which makes them for a while only. `nodes`: how many Pods a DaemonSet has.
 */
export function workloadRequests(object: KubeObject, { nodes }: { nodes: number }): ResourceAmounts {
  const spec = (object['spec'] ?? {}) as WorkloadSpec;
  if (object.kind === 'Pod') return podRequests(spec as PodResources);
  return multiplyAmounts(podRequests(spec.template?.spec), podCount(object.kind, spec, nodes));
}

function podCount(kind: string, spec: WorkloadSpec, nodes: number): number {
  switch (kind) {
    case 'Deployment':
    case 'StatefulSet':
    case 'ReplicaSet':
    case 'ReplicationController':
      return spec.replicas ?? 1;
    case 'DaemonSet':
      return nodes;
    case 'Job':
      return Math.min(spec.parallelism ?? 1, spec.completions ?? Number.POSITIVE_INFINITY);
    default:
      return 0;
  }
}

function requestsOf({ resources }: Container): ResourceAmounts {
  return parseAmounts(resources?.requests);
}

function largerOf(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return { cpuMillis: Math.max(a.cpuMillis, b.cpuMillis), memoryBytes: Math.max(a.memoryBytes, b.memoryBytes) };
}
