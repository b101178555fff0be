import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';

interface Service extends KubeObject {
  spec?: { type?: string };
  status?: { loadBalancer?: { ingress?: unknown[] } };
}

export function serviceHealth(object: KubeObject): Health {
  const { spec, status }: Service = object;
  const waiting = spec?.type === 'LoadBalancer' && !status?.loadBalancer?.ingress?.length;
  return { status: waiting ? 'Progressing' : 'Healthy' };
}
