import { parseDuration } from '@wheelhouse/shared/config/duration';
import type { ApplicationSet, RolloutStep } from '@wheelhouse/shared/resources/application-set';
import type { LabelSelector } from '@wheelhouse/shared/resources/fields';
import type { ChangeWindow, FleetRollout, FleetRolloutStep } from '@wheelhouse/shared/resources/fleet-rollout';

/** A number, or a percentage of something. */
export type Amount = { count: number } | { percent: number };

/** How a rollout goes, whichever kind of object says so. A run keeps the plan that it began with. */
export interface Plan {
  /** FleetRollout: what is updated together is a cluster. RollingSync: an Application. */
  kind: 'FleetRollout' | 'RollingSync';
  steps: PlanStep[];
  onFailure: 'Return' | 'Pause';
  newRevision: 'Queue' | 'Supersede';
  offline: 'Skip' | 'Wait';
  /** What is in no step is left out (Argo CD) rather than held against the plan. */
  leavesOut: boolean;
}

export interface PlanStep {
  name: string;
  /** Who is in it by label; without this and `portion`, the rest. */
  labels?: LabelSelector;
  portion?: Amount;
  /** How many are updated at once; absent: all. Zero: none by itself, each by a person's sync. */
  maxUpdate?: Amount;
  soakMs: number;
  /** How many may fail; the smaller of both. Absent: failing is not judged (Argo CD waits for ever). */
  tolerance?: { count?: number; percent?: number };
  deadlineMs?: number;
  approval?: { people: string[]; roles: string[] };
  windows: ChangeWindow[];
}

const defaultDeadline = '10m';

export function planOfRollout({ spec }: FleetRollout): Plan {
  return {
    kind: 'FleetRollout',
    steps: spec.steps.map((step) => planStep(step, spec)),
    onFailure: spec.onFailure ?? 'Return',
    newRevision: spec.newRevision ?? 'Queue',
    offline: spec.offline ?? 'Skip',
    leavesOut: false,
  };
}

function planStep(step: FleetRolloutStep, spec: FleetRollout['spec']): PlanStep {
  const { name, clusters, approval, failureThreshold, windows } = step;
  return {
    name,
    ...(clusters ? { labels: clusters } : {}),
    ...amountOf('portion', step.portion),
    ...amountOf('maxUpdate', step.maxUpdate),
    soakMs: durationOf(step.soak ?? '0s'),
    tolerance: failureThreshold ?? { count: 0 },
    deadlineMs: durationOf(step.progressDeadline ?? spec.progressDeadline ?? defaultDeadline),
    ...(approval ? { approval: { people: [], roles: [], ...approval } } : {}),
    windows: windows ?? spec.windows ?? [],
  };
}

function amountOf<K extends string>(field: K, value: number | string | undefined): Partial<Record<K, Amount>> {
  const amount = value === undefined ? undefined : parseAmount(value);
  return (amount ? { [field]: amount } : {}) as Partial<Record<K, Amount>>;
}

function durationOf(text: string): number {
  return parseDuration(text) ?? 0;
}

/** Argo CD: RollingSync. Undefined for a set without it. */
export function planOfSet({ spec }: ApplicationSet): Plan | undefined {
  if (!isRollingSync(spec)) return undefined;
  return {
    kind: 'RollingSync',
    steps: (spec.strategy?.rollingSync?.steps ?? []).map(({ matchExpressions = [], maxUpdate }, index) => ({
      name: String(index + 1),
      labels: {
        matchExpressions: matchExpressions.map(({ key = '', operator = 'In', values = [] }) => ({
          key,
          operator,
          values,
        })),
      },
      ...amountOf('maxUpdate', maxUpdate),
      soakMs: 0,
      windows: [],
    })),
    onFailure: 'Pause',
    newRevision: 'Supersede',
    offline: 'Wait',
    leavesOut: true,
  };
}

export function isRollingSync({ strategy }: ApplicationSet['spec']): boolean {
  return strategy?.type === 'RollingSync';
}

/** Argo CD: In and NotIn are all that a step's expressions may use. `path` names the step. */
export function whyStepInvalid({ matchExpressions = [], maxUpdate }: RolloutStep, path: string): string | undefined {
  const bad = matchExpressions.find(({ operator = '' }) => operator !== 'In' && operator !== 'NotIn');
  if (bad) return `${path}: operator "${bad.operator}" of key ${bad.key} must be In or NotIn`;
  if (matchExpressions.some(({ key, values = [] }) => !key || values.length === 0))
    return `${path}: an expression needs a key and values`;
  if (maxUpdate === undefined || parseAmount(maxUpdate)) return undefined;
  return `${path}.maxUpdate "${maxUpdate}" must be a number or a percentage up to "100%"`;
}

/** `10`, `"10"` or `"10%"`; undefined when it is neither. */
export function parseAmount(value: number | string): Amount | undefined {
  const text = String(value).trim();
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) return Number(percent) <= 100 ? { percent: Number(percent) } : undefined;
  return /^\d+$/.test(text) ? { count: Number(text) } : undefined;
}

/** Argo CD: a percentage is rounded down, but above 0 % it is at least one. */
export function limitOf(amount: Amount | undefined, size: number): number {
  if (amount === undefined) return size;
  if ('count' in amount) return amount.count;
  return amount.percent > 0 ? Math.max(1, Math.floor((amount.percent / 100) * size)) : 0;
}

/** How many clusters a portion takes: a percentage is rounded up, so that a canary is never nobody. */
export function portionOf(amount: Amount, total: number): number {
  return 'count' in amount ? amount.count : Math.ceil((amount.percent / 100) * total);
}

export function toleranceOf({ tolerance }: PlanStep, size: number): number {
  if (!tolerance) return Number.POSITIVE_INFINITY;
  const { count, percent } = tolerance;
  const byPercent = percent === undefined ? Number.POSITIVE_INFINITY : Math.floor((percent / 100) * size);
  const byCount = count ?? (percent === undefined ? 0 : Number.POSITIVE_INFINITY);
  return Math.min(byCount, byPercent);
}
