import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { type Condition, findCondition } from './condition.ts';

interface ApiService extends KubeObject {
  status?: { conditions?: Condition[] };
}

export function apiServiceHealth(object: KubeObject): Health {
  const { status }: ApiService = object;
  const available = findCondition(status?.conditions, 'Available');
  if (!available) return { status: 'Progressing', message: 'Waiting to be processed' };
  return {
    status: available.status === 'True' ? 'Healthy' : 'Progressing',
    message: `${available.reason ?? ''}: ${available.message ?? ''}`,
  };
}
