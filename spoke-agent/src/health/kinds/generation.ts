import type { KubeObject } from '@wheelhouse/shared/kube/object';

/** Whether the controller has yet to look at the newest spec: `metadata.generation` is ahead of the observed one. */
export function isUnobserved({ metadata }: KubeObject, status: { observedGeneration?: number }): boolean {
  return (metadata.generation ?? 0) > (status.observedGeneration ?? 0);
}
