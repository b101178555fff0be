import { parseDuration } from '@wheelhouse/shared/config/duration';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { ChangeWindow, FleetRollout, FleetRolloutStep } from '@wheelhouse/shared/resources/fleet-rollout';
import { compileSelector } from '../generate/generators/label-selector.ts';
import { parseAmount } from './plan.ts';
import { whyWindowInvalid } from './window.ts';

/** Throws Invalid for a FleetRollout that can never work, naming the field; other kinds pass. */
export function assertRollout(resource: KubeObject): void {
  if (resource.kind !== 'FleetRollout') return;
  const { metadata, spec } = resource as FleetRollout;
  const [problem] = problemsOf(spec);
  if (problem === undefined) return;
  throw new FleetError('Invalid', `FleetRollout ${metadata.namespace}/${metadata.name}: ${problem}`);
}

function problemsOf(spec: FleetRollout['spec']): string[] {
  const problems: (string | undefined)[] = [
    (spec.applicationSet === undefined) === (spec.selector === undefined)
      ? 'spec needs exactly one of applicationSet and selector'
      : undefined,
    whySelectorInvalid('spec.selector', spec.selector),
    whyNone('spec.selector', spec.selector),
    whyDurationInvalid('spec.progressDeadline', spec.progressDeadline, 1_000),
    whyTimeInvalid(spec.pause?.until),
    ...windowProblems('spec.windows', spec.windows),
    ...spec.steps.flatMap((step, index) => stepProblems(step, { index, count: spec.steps.length })),
    whyNamesRepeat(spec.steps),
  ];
  return problems.filter((problem) => problem !== undefined);
}

function stepProblems(
  step: FleetRolloutStep,
  { index, count }: { index: number; count: number },
): (string | undefined)[] {
  const path = `spec.steps[${index}]`;
  const takesRest = step.clusters === undefined && step.portion === undefined;
  return [
    step.clusters && step.portion !== undefined ? `${path} has both clusters and portion: keep one` : undefined,
    takesRest && index < count - 1
      ? `${path} has neither clusters nor portion, so it takes the rest: only the last step may, or later ones get nothing`
      : undefined,
    whySelectorInvalid(`${path}.clusters`, step.clusters),
    whyAmountInvalid(`${path}.portion`, step.portion),
    whyAmountInvalid(`${path}.maxUpdate`, step.maxUpdate),
    whyDurationInvalid(`${path}.soak`, step.soak, 0),
    whyDurationInvalid(`${path}.progressDeadline`, step.progressDeadline, 1_000),
    ...windowProblems(`${path}.windows`, step.windows),
  ];
}

function whyNone(path: string, selector: FleetRollout['spec']['selector']): string | undefined {
  const isEmpty = selector && !selector.matchLabels && !selector.matchExpressions;
  return isEmpty ? `${path} is empty: say which Applications` : undefined;
}

function whySelectorInvalid(path: string, selector: FleetRolloutStep['clusters']): string | undefined {
  try {
    compileSelector(selector, { anyValue: true });
    return undefined;
  } catch (error) {
    return `${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function whyAmountInvalid(path: string, amount: number | string | undefined): string | undefined {
  if (amount === undefined) return undefined;
  const parsed = parseAmount(amount);
  const isNothing = parsed && ('count' in parsed ? parsed.count === 0 : parsed.percent === 0);
  return parsed && !isNothing ? undefined : `${path} must be a number from 1, or a percentage up to "100%"`;
}

function whyDurationInvalid(path: string, text: string | undefined, leastMs: number): string | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) return `${path} "${text}" is not a duration; write it as 1h30m`;
  return ms < leastMs ? `${path} "${text}" is less than ${leastMs / 1_000}s` : undefined;
}

function whyTimeInvalid(until: string | undefined): string | undefined {
  if (until === undefined || !Number.isNaN(Date.parse(until))) return undefined;
  return `spec.pause.until "${until}" is no time; write it as 2026-01-31T08:00:00Z`;
}

function windowProblems(path: string, windows: readonly ChangeWindow[] = []): string[] {
  return windows.flatMap((window, index) => {
    const problem = whyWindowInvalid(window);
    return problem === undefined ? [] : [`${path}[${index}]: ${problem}`];
  });
}

function whyNamesRepeat(steps: readonly FleetRolloutStep[]): string | undefined {
  const repeated = steps.find(({ name }, index) => steps.findIndex((step) => step.name === name) < index);
  return repeated && `two steps are named ${repeated.name}: each needs a name of its own`;
}
