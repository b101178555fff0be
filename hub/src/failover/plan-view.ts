import { type PlannedHook, targetOf } from './hooks/planned-hook.ts';
import { incomingOf, isActive, outgoingOf, type Plan, wasBegun } from './plan-record.ts';

/** A plan as people see it. */
export interface PlanView extends Omit<Plan, 'hooks'> {
  hooks: HookView[];
  /** 0 to 100, of the way that its direction goes. */
  progress: number;
  counts: PlanCounts;
  /** What it waits for now, first things first. */
  waits: string[];
}

/** A hook without what is not for everybody who may see plans. */
export interface HookView extends Omit<PlannedHook, 'call' | 'startedAt' | 'retryAt'> {
  type: PlannedHook['call']['type'];
  target: string;
}

export interface PlanCounts {
  /** Have to be Healthy before anything is withdrawn, and are. */
  incoming: number;
  healthy: number;
  /** Are withdrawn, and were; without what a later plan brings there again. */
  outgoing: number;
  withdrawn: number;
  /** Of policy Never: stay until a person withdraws them. */
  kept: number;
  /** Withdrawn in writing, not confirmed by their cluster yet. */
  pending: number;
  /** Not known to the hub any more when they were due: nothing was withdrawn. */
  absent: number;
}

export function formatPlan(plan: Plan, waits: string[]): PlanView {
  const counts = countsOf(plan);
  const hooks = (plan.hooks ?? []).map(viewOfHook);
  return { ...plan, hooks, progress: progressOf(plan, counts), counts, waits };
}

function viewOfHook({ call, startedAt: _startedAt, retryAt: _retryAt, ...hook }: PlannedHook): HookView {
  return { ...hook, type: call.type, target: targetOf(call) };
}

function countsOf(plan: Plan): PlanCounts {
  const outgoing = outgoingOf(plan).filter(({ broughtBackBy }) => broughtBackBy === undefined);
  const incoming = incomingOf(plan);
  const isKept = ({ policy, withdrawal }: (typeof outgoing)[number]) => policy === 'Never' && withdrawal === undefined;
  return {
    incoming: incoming.length,
    healthy: incoming.filter(({ healthySince }) => healthySince !== undefined).length,
    outgoing: outgoing.filter((one) => !isKept(one)).length,
    withdrawn: outgoing.filter(({ withdrawal }) => withdrawal === 'confirmed').length,
    kept: outgoing.filter(isKept).length,
    pending: outgoing.filter(({ withdrawal }) => withdrawal === 'requested').length,
    absent: outgoing.filter(({ withdrawal }) => withdrawal === 'absent').length,
  };
}

/** Labels are a tenth of the way, arriving a half, withdrawing the rest. */
function progressOf(plan: Plan, { incoming, healthy, outgoing, withdrawn, absent }: PlanCounts): number {
  if (!wasBegun(plan)) return 0;
  if (!isActive(plan) && plan.phase !== 'Fenced') return 100;
  if (plan.phase === 'Relabelling') return 0;
  const share = (part: number, whole: number) => (whole === 0 ? 1 : part / whole);
  return Math.min(99, Math.floor(10 + 50 * share(healthy, incoming) + 40 * share(withdrawn + absent, outgoing)));
}
