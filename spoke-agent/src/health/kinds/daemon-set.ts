import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { isUnobserved } from './generation.ts';

interface DaemonSet extends KubeObject {
  spec?: { updateStrategy?: { type?: string } };
  status?: {
    observedGeneration?: number;
    desiredNumberScheduled?: number;
    updatedNumberScheduled?: number;
    numberAvailable?: number;
  };
}

export function daemonSetHealth(object: KubeObject): Health {
  const { spec, status = {} }: DaemonSet = object;
  if (isUnobserved(object, status))
    return {
      status: 'Progressing',
      message: 'Waiting for rollout to finish: observed daemon set generation less than desired generation',
    };
  const {
    desiredNumberScheduled: desired = 0,
    updatedNumberScheduled: updated = 0,
    numberAvailable: available = 0,
  } = status;
  if (spec?.updateStrategy?.type === 'OnDelete')
    return { status: 'Healthy', message: `daemon set ${updated} out of ${desired} new pods have been updated` };
  const why = whyRollingOut(desired, updated, available);
  if (why === undefined) return { status: 'Healthy' };
  return {
    status: 'Progressing',
    message: `Waiting for daemon set "${object.metadata.name}" rollout to finish: ${why}`,
  };
}

function whyRollingOut(desired: number, updated: number, available: number): string | undefined {
  if (updated < desired) return `${updated} out of ${desired} new pods have been updated...`;
  return available < desired ? `${available} of ${desired} updated pods are available...` : undefined;
}
