import type { KubeObject } from '@wheelhouse/shared/kube/object';

type Fields = Record<string, unknown>;

/** Annotation by which a demo or test makes a workload fail (`failed`) or never get ready (`stuck`). */
export const simulateAnnotation = 'wheelhouse.dev/simulate';

type Simulate = (object: KubeObject) => Fields | undefined;

/** What the real controllers would write once all went well; a kind that is not here has no status. */
const statusByKind: Record<string, Simulate> = {
  Deployment: (object) => {
    const replicas = replicasOf(object);
    return {
      observedGeneration: object.metadata.generation,
      ...(replicas > 0
        ? { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas }
        : {}),
      conditions: [
        { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
        { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
      ],
    };
  },
  StatefulSet: (object) => {
    const replicas = replicasOf(object);
    return {
      observedGeneration: object.metadata.generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      currentReplicas: replicas,
      availableReplicas: replicas,
      currentRevision: `${object.metadata.name}-${object.metadata.generation}`,
      updateRevision: `${object.metadata.name}-${object.metadata.generation}`,
    };
  },
  ReplicaSet: (object) => ({
    observedGeneration: object.metadata.generation,
    replicas: replicasOf(object),
    readyReplicas: replicasOf(object),
    availableReplicas: replicasOf(object),
  }),
  DaemonSet: (object) => ({
    observedGeneration: object.metadata.generation,
    desiredNumberScheduled: 1,
    currentNumberScheduled: 1,
    updatedNumberScheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
  }),
  CronJob: () => ({}),
  Job: () => ({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] }),
  PodDisruptionBudget: () => ({
    conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }],
  }),
  Pod: (object) => ({
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: ((object['spec'] as { containers?: Fields[] } | undefined)?.containers ?? []).map(
      ({ name }) => ({
        name,
        ready: true,
        restartCount: 0,
        state: { running: {} },
      }),
    ),
  }),
  PersistentVolumeClaim: () => ({ phase: 'Bound' }),
  Service: (object) =>
    (object['spec'] as Fields | undefined)?.['type'] === 'LoadBalancer'
      ? { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }
      : undefined,
  Ingress: () => ({ loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }),
  HorizontalPodAutoscaler: () => ({
    conditions: [{ type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale' }],
  }),
  APIService: () => ({
    conditions: [{ type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed' }],
  }),
};

const failedByKind: Record<string, Simulate> = {
  Deployment: (object) => ({
    observedGeneration: object.metadata.generation,
    replicas: replicasOf(object),
    updatedReplicas: replicasOf(object),
    unavailableReplicas: replicasOf(object),
    conditions: [
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'simulated failure' },
    ],
  }),
  Job: () => ({ failed: 1, conditions: [{ type: 'Failed', status: 'True', message: 'simulated failure' }] }),
  Pod: () => ({ phase: 'Failed', message: 'simulated failure' }),
  PersistentVolumeClaim: () => ({ phase: 'Lost' }),
};

/** The status that a kind's controller would settle on; undefined when it writes none, or never gets there. */
export function settledStatus(object: KubeObject): Fields | undefined {
  const wish = object.metadata.annotations?.[simulateAnnotation];
  if (wish === 'stuck') return undefined;
  const simulate = wish === 'failed' ? failedByKind[object.kind] : statusByKind[object.kind];
  return simulate?.(object);
}

function replicasOf(object: KubeObject): number {
  return ((object['spec'] as Fields | undefined)?.['replicas'] as number | undefined) ?? 1;
}
