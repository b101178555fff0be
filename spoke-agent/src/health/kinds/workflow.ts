import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { HealthStatus } from '@wheelhouse/shared/protocol/status';
import type { Health } from '../health.ts';

interface Workflow extends KubeObject {
  status?: { phase?: string; message?: string };
}

const byPhase: Record<string, HealthStatus> = {
  '': 'Progressing',
  Pending: 'Progressing',
  Running: 'Progressing',
  Succeeded: 'Healthy',
  Failed: 'Degraded',
  Error: 'Degraded',
};

/** Argo Workflows: `status.phase`. */
export function workflowHealth(object: KubeObject): Health {
  const { phase = '', message = '' } = (object as Workflow).status ?? {};
  return { status: byPhase[phase] ?? 'Unknown', message };
}
