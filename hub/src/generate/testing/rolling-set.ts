import type { ApplicationSet, RolloutStep } from '@wheelhouse/shared/resources/application-set';
import { applicationOf } from '../../testing/hub-state.ts';

export type Strategy = NonNullable<ApplicationSet['spec']['strategy']>;

/** Of Applications with this label `tier`. */
export function stepFor(tier: string, fields: Partial<RolloutStep> = {}): RolloutStep {
  return { matchExpressions: [{ key: 'tier', operator: 'In', values: [tier] }], ...fields };
}

/** Rolls out by these steps, and is deleted by them the other way round. */
export function reverseOf(steps: RolloutStep[]) {
  return { type: 'RollingSync', deletionOrder: 'Reverse', rollingSync: { steps } };
}

/** `argocd/fleet`, which generates nothing. */
export function setWith(strategy: Partial<Strategy> | undefined): ApplicationSet {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd' },
    spec: {
      generators: [],
      template: { metadata: { name: 'x' }, spec: applicationOf('x').spec },
      ...(strategy ? { strategy } : {}),
    },
  };
}
