/**
 * In which order the Applications of a set that is deleted go. Argo CD: `strategy.deletionOrder: Reverse` of a RollingSync, the
 * last step first; what is in no step goes with the set itself, at the end. Pure: it says what is next, and writes nothing.
 */
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { planOfSet, whyStepInvalid } from '../rollout/plan.ts';
import type { Withdrawal } from '../store/additions.ts';
import { compileSelector, type Matches } from './generators/label-selector.ts';

/** Argo CD takes it in any case, and only with steps. */
export function isDeletedInOrder(resource: KubeObject): boolean {
  if (resource.kind !== 'ApplicationSet') return false;
  const { spec } = resource as ApplicationSet;
  return orderOf(spec) === 'reverse' && (planOfSet(resource as ApplicationSet)?.steps.length ?? 0) > 0;
}

function orderOf({ strategy }: ApplicationSet['spec']): string {
  return (strategy?.deletionOrder ?? '').toLowerCase();
}

/** What a set asks for that has no effect, as Argo CD has it. */
export function whyNoOrder(set: ApplicationSet): string | undefined {
  const order = orderOf(set.spec);
  if (order === '' || order === 'allatonce') return undefined;
  if (order !== 'reverse')
    return `spec.strategy.deletionOrder "${set.spec.strategy?.deletionOrder}" is neither AllAtOnce nor Reverse: all Applications are deleted at once`;
  if (isDeletedInOrder(set)) return undefined;
  return 'spec.strategy.deletionOrder: Reverse has no effect without type: RollingSync and steps';
}

/** What a set still has: Applications that it asks for, and some that are on their way out. */
export interface Standing {
  present: readonly Application[];
  leaving: readonly Withdrawal[];
}

export interface Departure {
  /** From 0. */
  step: number;
  /** Applications of the step that are to be withdrawn. */
  due: Application[];
  /** Withdrawals of the step that nobody has confirmed. */
  waiting: Withdrawal[];
}

/** The step that goes next, or is going; undefined when what is left is in no step. */
export function nextDeparture(set: ApplicationSet, { present, leaving }: Standing): Departure | undefined {
  const stepOf = compileSteps(set);
  const step = Math.max(-1, ...stepsOf(present, stepOf), ...stepsOf(leaving.map(applicationOf), stepOf));
  if (step < 0) return undefined;
  return {
    step,
    due: present.filter((application) => stepOf(application) === step),
    waiting: leaving.filter((withdrawal) => stepOf(withdrawal.application) === step),
  };
}

function applicationOf({ application }: Withdrawal): Application {
  return application;
}

function stepsOf(applications: readonly Application[], stepOf: StepOf): Set<number> {
  return new Set(applications.map((application) => stepOf(application) ?? -1));
}

type StepOf = (application: Application) => number | undefined;

/** Argo CD: the first step that matches; one that is invalid takes nothing. */
export function compileSteps(set: ApplicationSet): StepOf {
  const written = set.spec.strategy?.rollingSync?.steps ?? [];
  const steps = (planOfSet(set)?.steps ?? []).map(({ labels }, index): Matches => {
    const step = written[index];
    if (!step || whyStepInvalid(step, '') !== undefined) return () => false;
    return compileSelector(labels, { anyValue: true });
  });
  return ({ metadata }) => {
    const index = steps.findIndex((matches) => matches(metadata.labels ?? {}));
    return index < 0 ? undefined : index;
  };
}
