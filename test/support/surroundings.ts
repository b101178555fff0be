import type { KubeJson, KubeRequests } from './kube-request.ts';

export interface StatusRule {
  list: string;
  plural: string;
  /** The status that is missing from the object, or undefined when there is nothing to report. */
  missing(object: KubeJson): object | undefined;
}

const address = { loadBalancer: { ingress: [{ ip: '203.0.113.10' }] } };

/** What a cloud with load balancers and volumes and a metrics server would report. */
export const statusRules: readonly StatusRule[] = [
  {
    list: '/api/v1/services',
    plural: 'services',
    missing: (service) =>
      service.spec.type === 'LoadBalancer' && !service.status.loadBalancer?.ingress ? address : undefined,
  },
  {
    list: '/apis/networking.k8s.io/v1/ingresses',
    plural: 'ingresses',
    missing: (ingress) => (ingress.status.loadBalancer?.ingress ? undefined : address),
  },
  {
    list: '/api/v1/persistentvolumeclaims',
    plural: 'persistentvolumeclaims',
    missing: (claim) => (claim.status.phase === 'Bound' ? undefined : { phase: 'Bound' }),
  },
  {
    list: '/apis/autoscaling/v2/horizontalpodautoscalers',
    plural: 'horizontalpodautoscalers',
    missing: (autoscaler) => (autoscaler.status?.conditions?.length ? undefined : scaling(autoscaler)),
  },
];

/** Reports what is missing on every object of a kind until the signal aborts. */
export async function reportStatus(
  requests: Pick<KubeRequests, 'request' | 'watch'>,
  rule: StatusRule,
  signal: AbortSignal,
): Promise<void> {
  for await (const { type, object } of requests.watch(rule.list, signal)) {
    const status = type === 'DELETED' ? undefined : rule.missing(object);
    if (!status) continue;
    const { namespace, name } = object.metadata;
    const path = rule.list.replace(rule.plural, `namespaces/${namespace}/${rule.plural}/${name}/status`);
    await requests.request('PATCH', path, { contentType: 'application/merge-patch+json', body: { status } });
  }
}

function scaling(autoscaler: KubeJson): object {
  const replicas = autoscaler.spec.minReplicas ?? 1;
  return {
    currentReplicas: replicas,
    desiredReplicas: replicas,
    conditions: [
      {
        type: 'AbleToScale',
        status: 'True',
        reason: 'ReadyForNewScale',
        message: 'recommended size matches current size',
      },
      {
        type: 'ScalingActive',
        status: 'True',
        reason: 'ValidMetricFound',
        message: 'the HPA was able to compute the replica count',
      },
    ],
  };
}
