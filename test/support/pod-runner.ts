// Plays what surrounds a control plane in a real cluster: the kubelet of one Node (binds Pods, reports the state that a
// behaviour chose), and by surroundings.ts the cloud and the metrics server.
// Inputs: objects as the API server streams them. Never runs an image, never changes a spec.
import { abortable, sleep } from '@wheelhouse/shared/async/abort';
import type { KubeJson, KubeRequests } from './kube-request.ts';
import { type PodBehaviour, statusOf } from './pod-status.ts';
import { reportStatus, statusRules } from './surroundings.ts';

/** What a behaviour decides by. */
export interface PodView {
  name: string;
  namespace: string;
  images: string[];
  labels: Record<string, string>;
}

export interface PodRunnerOptions {
  /** What becomes of each Pod; Ready at once unless given. Asked once a Pod. */
  behaviour?: (pod: PodView) => PodBehaviour;
}

type Requests = Pick<KubeRequests, 'request' | 'watch'>;

const nodeName = 'node-1';

/** Makes the Node and runs until disposed, also across restarts of the API server. */
export async function startPodRunner(requests: Requests, options: PodRunnerOptions = {}): Promise<AsyncDisposable> {
  const { behaviour = () => 'Ready' } = options;
  const stop = new AbortController();
  await createNode(requests);
  const loops = [
    repeat(() => runPods(requests, behaviour, stop.signal), stop.signal),
    ...statusRules.map((rule) => repeat(() => reportStatus(requests, rule, stop.signal), stop.signal)),
  ];
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(loops);
    },
  };
}

/** A watch ends when the API server goes away; then it starts again, from a new list. */
async function repeat(watch: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await watch().catch(() => undefined);
    await sleep(100, signal);
  }
}

async function runPods(
  requests: Requests,
  behaviour: (pod: PodView) => PodBehaviour,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Map<string, string>();
  for await (const { type, object: pod } of requests.watch('/api/v1/pods', signal)) {
    const uid: string = pod.metadata.uid;
    if (type === 'DELETED') {
      seen.delete(uid);
      continue;
    }
    const state = pod.metadata.deletionTimestamp ? 'deleted' : 'started';
    if (seen.get(uid) === state) continue;
    seen.set(uid, state);
    const work = state === 'deleted' ? remove(requests, pod) : start({ requests, signal }, pod, behaviour(viewOf(pod)));
    // a Pod that is gone or changed meanwhile comes again as an event
    void work.catch(() => seen.delete(uid));
  }
}

/** A Node with room for everything. */
async function createNode(requests: Requests): Promise<void> {
  const resources = { cpu: '64', memory: '256Gi', pods: '1000', 'ephemeral-storage': '1Ti' };
  const body = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, labels: { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux' } },
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
    },
  };
  await requests.request('POST', '/api/v1/nodes', { body });
}

function pathOf(pod: KubeJson): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}

async function remove(requests: Requests, pod: KubeJson): Promise<void> {
  const body = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
  await requests.request('DELETE', pathOf(pod), { body });
}

async function start(
  { requests, signal }: { requests: Requests; signal: AbortSignal },
  pod: KubeJson,
  behaviour: PodBehaviour,
): Promise<void> {
  if (behaviour === 'Pending') return;
  if (!pod.spec.nodeName) {
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod.metadata.name },
      target: { kind: 'Node', name: nodeName },
    };
    await requests.request('POST', `${pathOf(pod)}/binding`, { body });
  }
  const report = (status: object) =>
    requests.request('PATCH', `${pathOf(pod)}/status`, {
      contentType: 'application/strategic-merge-patch+json',
      body: { metadata: { uid: pod.metadata.uid }, status },
    });
  if (typeof behaviour === 'object') {
    await report(statusOf(pod, 'NeverReady'));
    await abortable(behaviour.readyOnce, signal);
  }
  await report(statusOf(pod, typeof behaviour === 'object' ? 'Ready' : behaviour));
}

function viewOf(pod: KubeJson): PodView {
  return {
    name: pod.metadata.name,
    namespace: pod.metadata.namespace,
    images: pod.spec.containers.map((container: KubeJson) => container.image),
    labels: pod.metadata.labels ?? {},
  };
}
