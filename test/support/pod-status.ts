import type { KubeJson } from './kube-request.ts';

/** What becomes of a Pod. Pods of Jobs complete where others become Ready. */
export type PodBehaviour =
  | 'Ready'
  | 'CrashLoopBackOff'
  | 'ImagePullBackOff'
  | 'Failed'
  /** Bound and running, but its containers never become ready. */
  | 'NeverReady'
  /** Never bound to a Node. */
  | 'Pending'
  /** Not ready before the test says so. */
  | { readyOnce: Promise<unknown> };

/** The status that a kubelet would report. */
export function statusOf(pod: KubeJson, behaviour: Exclude<PodBehaviour, object>): object {
  const completes = behaviour === 'Ready' && pod.metadata.ownerReferences?.[0]?.kind === 'Job';
  const ready = behaviour === 'Ready' && !completes;
  // without its time a Pod never becomes available where minReadySeconds asks for a while
  const condition = (type: string, value: boolean) => ({
    type,
    status: value ? 'True' : 'False',
    lastTransitionTime: now(),
  });
  const status = (container: KubeJson, isReady: boolean, state: object) => ({
    name: container.name,
    image: container.image,
    imageID: '',
    ready: isReady,
    started: isReady,
    restartCount: behaviour === 'CrashLoopBackOff' ? 5 : 0,
    state,
  });
  return {
    phase: phaseOf(behaviour, completes),
    startTime: now(),
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    containerStatuses: pod.spec.containers.map((container: KubeJson) =>
      status(container, ready, containerState(container, behaviour, completes)),
    ),
    ...(pod.spec.initContainers
      ? {
          initContainerStatuses: pod.spec.initContainers.map((container: KubeJson) =>
            status(container, true, ended(0)),
          ),
        }
      : {}),
  };
}

function phaseOf(behaviour: PodBehaviour, completes: boolean): string {
  if (completes) return 'Succeeded';
  if (behaviour === 'Failed') return 'Failed';
  return behaviour === 'ImagePullBackOff' ? 'Pending' : 'Running';
}

function containerState(container: KubeJson, behaviour: PodBehaviour, completes: boolean): object {
  if (completes) return ended(0);
  switch (behaviour) {
    case 'Failed':
      return ended(1);
    case 'CrashLoopBackOff':
      return {
        waiting: { reason: 'CrashLoopBackOff', message: `back-off 5m0s restarting failed container=${container.name}` },
      };
    case 'ImagePullBackOff':
      return { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${container.image}"` } };
    default:
      return { running: { startedAt: now() } };
  }
}

function ended(exitCode: number): object {
  return {
    terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: now(), finishedAt: now() },
  };
}

function now(): string {
  return new Date().toISOString();
}
