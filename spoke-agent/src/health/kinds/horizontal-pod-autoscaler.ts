import { type KubeObject, parseApiVersion } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import type { Condition } from './condition.ts';

interface HorizontalPodAutoscaler extends KubeObject {
  status?: { conditions?: Condition[] };
}

/** Kubernetes: where autoscaling/v1 keeps the conditions, as JSON. */
const conditionsAnnotation = 'autoscaling.alpha.kubernetes.io/conditions';

const degraded: Record<string, readonly string[]> = {
  AbleToScale: ['FailedGetScale', 'FailedUpdateScale'],
  ScalingActive: [
    'FailedGetResourceMetric',
    'FailedGetObjectMetric',
    'FailedGetPodsMetric',
    'FailedGetExternalMetric',
    'FailedComputeMetricsReplicas',
    'InvalidSelector',
  ],
};

export function horizontalPodAutoscalerHealth(object: KubeObject): Health {
  const conditions = conditionsOf(object);
  const failing = conditions.find(({ type, reason = '' }) => degraded[type]?.includes(reason));
  if (failing) return { status: 'Degraded', message: failing.message ?? '' };
  const working = conditions.find(
    ({ type, status }) => (type === 'AbleToScale' || type === 'ScalingLimited') && status === 'True',
  );
  if (working) return { status: 'Healthy', message: working.message ?? '' };
  return { status: 'Progressing', message: 'Waiting to Autoscale' };
}

function conditionsOf(object: KubeObject): readonly Condition[] {
  const { metadata, status }: HorizontalPodAutoscaler = object;
  if (parseApiVersion(object.apiVersion).version !== 'v1') return status?.conditions ?? [];
  const text = metadata.annotations?.[conditionsAnnotation];
  return text === undefined ? [] : parseConditions(text);
}

function parseConditions(text: string): readonly Condition[] {
  try {
    return (JSON.parse(text) as Condition[] | null) ?? [];
  } catch (error) {
    throw new Error(`the annotation ${conditionsAnnotation} is not JSON`, { cause: error });
  }
}
