import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';

interface Ingress extends KubeObject {
  status?: { loadBalancer?: { ingress?: unknown[] } };
}

export function ingressHealth(object: KubeObject): Health {
  const { status }: Ingress = object;
  return { status: status?.loadBalancer?.ingress?.length ? 'Healthy' : 'Progressing' };
}
