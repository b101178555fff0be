import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { type Condition, findCondition } from './condition.ts';
import { isUnobserved } from './generation.ts';

interface Deployment extends KubeObject {
  spec?: { paused?: boolean; replicas?: number };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    conditions?: Condition[];
  };
}

export function deploymentHealth(object: KubeObject): Health {
  const { metadata, spec = {}, status = {} }: Deployment = object;
  if (spec.paused) return { status: 'Suspended', message: 'Deployment is paused' };
  if (isUnobserved(object, status)) return progressing('observed deployment generation less than desired generation');
  if (findCondition(status.conditions, 'Progressing')?.reason === 'ProgressDeadlineExceeded')
    return { status: 'Degraded', message: `Deployment "${metadata.name}" exceeded its progress deadline` };
  const waiting = whyRollingOut(status, spec.replicas);
  return waiting ? progressing(waiting) : { status: 'Healthy' };
}

function whyRollingOut(status: NonNullable<Deployment['status']>, desired: number | undefined): string | undefined {
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = status;
  if (desired !== undefined && updated < desired)
    return `${updated} out of ${desired} new replicas have been updated...`;
  if (replicas > updated) return `${replicas - updated} old replicas are pending termination...`;
  if (available < updated) return `${available} of ${updated} updated replicas are available...`;
  return undefined;
}

function progressing(why: string): Health {
  return { status: 'Progressing', message: `Waiting for rollout to finish: ${why}` };
}
