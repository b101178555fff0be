import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { HealthStatus } from '@wheelhouse/shared/protocol/status';
import type { Health } from '../health.ts';

interface PersistentVolumeClaim extends KubeObject {
  status?: { phase?: string };
}

const byPhase: Record<string, HealthStatus> = { Lost: 'Degraded', Pending: 'Progressing', Bound: 'Healthy' };

export function persistentVolumeClaimHealth(object: KubeObject): Health {
  const { status }: PersistentVolumeClaim = object;
  return { status: byPhase[status?.phase ?? ''] ?? 'Unknown' };
}
