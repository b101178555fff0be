import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import type { Condition } from './condition.ts';

interface Job extends KubeObject {
  status?: { conditions?: Condition[] };
}

/** Argo CD: that a condition is there counts, whatever its status, except for Suspended; of several the last speaks. */
export function jobHealth(object: KubeObject): Health {
  const { status }: Job = object;
  const conditions = status?.conditions ?? [];
  const failed = conditions.findLast(({ type }) => type === 'Failed');
  if (failed) return { status: 'Degraded', message: failed.message ?? '' };
  const ended = conditions.findLast(({ type }) => type === 'Complete' || type === 'Suspended');
  if (!ended) return { status: 'Progressing' };
  const suspended = conditions.some((condition) => condition.type === 'Suspended' && condition.status === 'True');
  return { status: suspended ? 'Suspended' : 'Healthy', message: ended.message ?? '' };
}
