import type { ApiResource } from '../cluster.ts';

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** `group/version: Kind …`; `!` marks a cluster-scoped kind. */
const table: [string, string][] = [
  [
    '/v1',
    'ConfigMap Endpoints Event LimitRange !Namespace !Node !PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount',
  ],
  ['apps/v1', 'ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet'],
  ['batch/v1', 'CronJob Job'],
  ['autoscaling/v1', 'HorizontalPodAutoscaler'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['policy/v1', 'PodDisruptionBudget'],
  ['networking.k8s.io/v1', 'Ingress !IngressClass NetworkPolicy'],
  ['rbac.authorization.k8s.io/v1', '!ClusterRole !ClusterRoleBinding Role RoleBinding'],
  ['storage.k8s.io/v1', '!StorageClass !CSIDriver'],
  ['scheduling.k8s.io/v1', '!PriorityClass'],
  ['coordination.k8s.io/v1', 'Lease'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['admissionregistration.k8s.io/v1', '!MutatingWebhookConfiguration !ValidatingWebhookConfiguration'],
  ['apiextensions.k8s.io/v1', '!CustomResourceDefinition'],
  ['apiregistration.k8s.io/v1', '!APIService'],
];

/** What a plain API server serves; one table shared by all simulated clusters. */
export const builtInKinds: readonly ApiResource[] = table.flatMap(([apiVersion, kinds]) => {
  const [group = '', version = ''] = apiVersion.split('/');
  return kinds.split(' ').map((name) => {
    const kind = name.replace('!', '');
    return { group, version, kind, plural: pluralOf(kind), namespaced: !name.startsWith('!'), verbs };
  });
});

function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower === 'endpoints') return lower;
  if (lower.endsWith('s') || lower.endsWith('x')) return `${lower}es`;
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}
