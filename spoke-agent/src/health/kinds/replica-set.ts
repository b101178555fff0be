import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { type Condition, findCondition } from './condition.ts';
import { isUnobserved } from './generation.ts';

interface ReplicaSet extends KubeObject {
  spec?: { replicas?: number };
  status?: { observedGeneration?: number; availableReplicas?: number; conditions?: Condition[] };
}

export function replicaSetHealth(object: KubeObject): Health {
  const { spec, status = {} }: ReplicaSet = object;
  if (isUnobserved(object, status)) return progressing('observed replica set generation less than desired generation');
  const failure = findCondition(status.conditions, 'ReplicaFailure');
  if (failure?.status === 'True') return { status: 'Degraded', message: failure.message ?? '' };
  const { availableReplicas: available = 0 } = status;
  if (spec?.replicas !== undefined && available < spec.replicas)
    return progressing(`${available} out of ${spec.replicas} new replicas are available...`);
  return { status: 'Healthy' };
}

function progressing(why: string): Health {
  return { status: 'Progressing', message: `Waiting for rollout to finish: ${why}` };
}
