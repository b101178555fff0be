/**
 * What hooks say to a step of a plan: pure. A plan goes neither into a step nor out of it before the hooks of that moment
 * have ended, each after the other. A hook that failed pauses the plan, turns it back, or is passed over.
 */
import type { Act, Decision } from '../decide.ts';
import type { Plan } from '../plan-record.ts';
import { note, pause, turnBack } from '../transitions.ts';
import { formatHook, isSameCall, type PlannedHook } from './planned-hook.ts';

/** What has to be done about hooks at this moment of the plan's step; undefined when nothing has. */
export function decideHooks(plan: Plan, when: PlannedHook['when'], now: Date): Decision | undefined {
  const due = plan.hooks?.find(
    (one) => one.when === when && one.step === plan.phase && one.direction === plan.direction && !isOver(one),
  );
  if (!due) return undefined;
  if (due.state === 'failed') return giveUp(plan, due, now);
  if (due.retryAt !== undefined && now.getTime() < Date.parse(due.retryAt))
    return { plan, acts: [], waits: [`${formatHook(due)} to be tried again: ${due.message ?? ''}`] };
  const running = begin(due, now);
  const act: Act = { type: 'hook', hook: running };
  return { plan: withHook(plan, running), acts: [act], waits: [`${formatHook(due)} to end`] };
}

function isOver({ state, onFailure }: PlannedHook): boolean {
  return state === 'succeeded' || (state === 'failed' && onFailure === 'Continue');
}

/** One that was running when its hub died goes on as the same attempt: whom it calls may see it twice. */
function begin({ retryAt: _at, ...hook }: PlannedHook, now: Date): PlannedHook {
  if (hook.state === 'running') return hook;
  return { ...hook, state: 'running', attempt: hook.attempt + 1, startedAt: now.toISOString() };
}

function giveUp(plan: Plan, hook: PlannedHook, now: Date): Decision {
  const reason = `${formatHook(hook)} failed: ${hook.message ?? ''}`;
  const by = `hook ${hook.hook}`;
  const isTurned = hook.onFailure === 'Abort' && plan.direction === 'forward';
  const next = isTurned ? turnBack(plan, now, { by, reason }) : pause(plan, now, { by, reason });
  return { plan: next, acts: [], waits: [reason] };
}

/** How an attempt ended. */
export type HookOutcome =
  | { state: 'succeeded'; message: string }
  | { state: 'failed'; message: string }
  /** Not known yet, or cut short: it is looked at again. */
  | { state: 'running' };

const retryMs = { base: 1_000, most: 30_000 };

/** The plan with what came of an attempt; unchanged when it was decided otherwise meanwhile. */
export function settleHook(
  plan: Plan,
  attempt: PlannedHook,
  { outcome, now }: { outcome: HookOutcome; now: Date },
): Plan {
  const present = plan.hooks?.find((one) => isSameCall(one, attempt));
  if (outcome.state === 'running' || present?.state !== 'running' || present.attempt !== attempt.attempt) return plan;
  const { message } = outcome;
  const isLast = outcome.state === 'succeeded' || present.attempt > present.retries;
  const { state: _running, ...rest } = present;
  const retryAt = new Date(now.getTime() + Math.min(retryMs.most, retryMs.base * 2 ** present.attempt)).toISOString();
  const settled: PlannedHook = isLast ? { ...rest, state: outcome.state, message } : { ...rest, retryAt, message };
  const counted = present.attempt > 1 || !isLast ? ` (attempt ${present.attempt} of ${present.retries + 1})` : '';
  const said = `${formatHook(present)} ${outcome.state}${counted}: ${message}`;
  return note(withHook(plan, settled), now, { by: 'hub', message: said });
}

/** Hooks that failed get all of their attempts again, when a person says that the plan goes on. */
export function retryHooks(plan: Plan): Plan {
  if (!plan.hooks) return plan;
  const again = ({ state, retryAt: _at, ...one }: PlannedHook): PlannedHook =>
    state === 'failed' ? { ...one, attempt: 0 } : { ...one, ...(state ? { state } : {}) };
  const isMeant = (one: PlannedHook) => one.direction === plan.direction && one.onFailure !== 'Continue';
  return { ...plan, hooks: plan.hooks.map((one) => (isMeant(one) ? again(one) : one)) };
}

function withHook(plan: Plan, hook: PlannedHook): Plan {
  return { ...plan, hooks: (plan.hooks ?? []).map((one) => (isSameCall(one, hook) ? hook : one)) };
}
