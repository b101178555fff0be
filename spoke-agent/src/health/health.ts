/**
 * How well one live object does, as Argo CD's built-in checks say (gitops-engine pkg/health), and those that it ships for
 * custom resources (`custom/`). Takes the object as the
 * cluster returned it; kinds without a check have no health. Never asks the cluster, never throws: what a check cannot
 * read is Unknown with the reason as its message.
 */
import { type KubeObject, parseApiVersion } from '@wheelhouse/shared/kube/object';
import type { HealthStatus } from '@wheelhouse/shared/protocol/status';
import { findCustomCheck } from './custom/custom-checks.ts';
import { apiServiceHealth } from './kinds/api-service.ts';
import { daemonSetHealth } from './kinds/daemon-set.ts';
import { deploymentHealth } from './kinds/deployment.ts';
import { horizontalPodAutoscalerHealth } from './kinds/horizontal-pod-autoscaler.ts';
import { ingressHealth } from './kinds/ingress.ts';
import { jobHealth } from './kinds/job.ts';
import { persistentVolumeClaimHealth } from './kinds/persistent-volume-claim.ts';
import { podHealth } from './kinds/pod.ts';
import { replicaSetHealth } from './kinds/replica-set.ts';
import { serviceHealth } from './kinds/service.ts';
import { statefulSetHealth } from './kinds/stateful-set.ts';
import { workflowHealth } from './kinds/workflow.ts';

export interface Health {
  status: HealthStatus;
  message?: string;
}

interface Check {
  health: (object: KubeObject) => Health;
  /** Versions whose fields the check knows; absent where the fields are the same in all. */
  versions?: readonly string[];
}

const checks: Record<string, Check> = {
  '/PersistentVolumeClaim': { health: persistentVolumeClaimHealth, versions: ['v1'] },
  '/Pod': { health: podHealth, versions: ['v1'] },
  '/Service': { health: serviceHealth, versions: ['v1'] },
  'apiregistration.k8s.io/APIService': { health: apiServiceHealth, versions: ['v1', 'v1beta1'] },
  'apps/DaemonSet': { health: daemonSetHealth, versions: ['v1'] },
  'apps/Deployment': { health: deploymentHealth, versions: ['v1'] },
  'apps/ReplicaSet': { health: replicaSetHealth, versions: ['v1'] },
  'apps/StatefulSet': { health: statefulSetHealth, versions: ['v1'] },
  'argoproj.io/Workflow': { health: workflowHealth },
  'autoscaling/HorizontalPodAutoscaler': { health: horizontalPodAutoscalerHealth, versions: ['v1', 'v2'] },
  'batch/Job': { health: jobHealth, versions: ['v1'] },
  'extensions/Ingress': { health: ingressHealth },
  'networking.k8s.io/Ingress': { health: ingressHealth },
};

/** Argo CD: an object with this finalizer is a hook whose end is awaited although it is being deleted. */
const hookFinalizer = 'argocd.argoproj.io/hook-finalizer';

/** The health of a live object; undefined where no check exists for its kind. */
export function healthOf(object: KubeObject): Health | undefined {
  const { group, version } = parseApiVersion(object.apiVersion);
  const check = checks[`${group}/${object.kind}`] ?? customCheck(group, object.kind);
  if (!check) return pendingDeletion(object);
  if (check.versions && !check.versions.includes(version))
    return { status: 'Unknown', message: `no health check for ${object.apiVersion} ${object.kind}` };
  try {
    const health = check.health(object);
    return pendingDeletion(object) ?? withoutEmptyMessage(health);
  } catch (error) {
    return { status: 'Unknown', message: error instanceof Error ? error.message : String(error) };
  }
}

function customCheck(group: string, kind: string): Check | undefined {
  const health = findCustomCheck(group, kind);
  return health && { health };
}

function pendingDeletion({ metadata }: KubeObject): Health | undefined {
  const finalizers = metadata.finalizers ?? [];
  if (!metadata.deletionTimestamp || finalizers.includes(hookFinalizer)) return undefined;
  const blocked = finalizers.length > 0 ? `; blocked by finalizers: ${finalizers.join(', ')}` : '';
  return { status: 'Progressing', message: `Pending deletion${blocked}` };
}

function withoutEmptyMessage({ status, message }: Health): Health {
  return message ? { status, message } : { status };
}
