import { describe, expect, it } from 'vitest';
import { decide, type Observation } from '../decide.ts';
import type { Plan } from '../plan-record.ts';
import { hookOf, planOf } from '../testing/plan.ts';
import { type HookOutcome, retryHooks, settleHook } from './decide-hooks.ts';
import type { PlannedHook } from './planned-hook.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const at = (ms: number) => new Date(start + ms);
const good = { desired: true, healthy: true, why: 'Healthy', leaving: false, connected: true };
const seen: Observation = { unlabelled: [], of: () => good, broughtBackBy: () => undefined };

const hook = (more: Partial<PlannedHook> = {}) => hookOf({ retries: 1, ...more });

function plan(hooks: PlannedHook[], more: Partial<Plan> = {}): Plan {
  const made = planOf({ phase: 'Withdrawing', phaseAt: at(0).toISOString() });
  const healthySince = at(-600_000).toISOString();
  return { ...made, arrives: made.arrives.map((one) => ({ ...one, healthySince })), hooks, ...more };
}

const failed = { state: 'failed', message: 'answers 500' } as const;
const after = hook({ when: 'after', step: 'Arriving' });

describe('hooks', () => {
  it.each<[string, PlannedHook[], Partial<Plan>, { phase: string; acts: string[]; waits?: string; paused?: boolean }]>([
    [
      'come before what a step does',
      [hook()],
      {},
      { phase: 'Withdrawing', acts: ['hook'], waits: 'hook argocd/dns before Withdrawing' },
    ],
    [
      'let it go on once they succeeded',
      [hook({ state: 'succeeded' })],
      {},
      { phase: 'Withdrawing', acts: ['withdraw'] },
    ],
    [
      'hold back the end of a step',
      [after],
      { phase: 'Arriving' },
      { phase: 'Arriving', acts: ['hook'], waits: 'after Arriving' },
    ],
    [
      'let a step end once they succeeded',
      [{ ...after, state: 'succeeded' }],
      { phase: 'Arriving' },
      { phase: 'Withdrawing', acts: [] },
    ],
    [
      'of another direction are not called',
      [hook({ direction: 'back' })],
      {},
      { phase: 'Withdrawing', acts: ['withdraw'] },
    ],
    ['of another step are not called', [hook({ step: 'Arriving' })], {}, { phase: 'Withdrawing', acts: ['withdraw'] }],
    [
      'are called one after the other',
      [hook({ state: 'succeeded' }), hook({ hook: 'argocd/lb' })],
      {},
      { phase: 'Withdrawing', acts: ['hook'], waits: 'argocd/lb' },
    ],
    [
      'that failed pause the plan',
      [hook(failed)],
      {},
      { phase: 'Withdrawing', acts: [], waits: 'failed: answers 500', paused: true },
    ],
    [
      'that failed turn it back where they say so',
      [hook({ ...failed, onFailure: 'Abort' })],
      {},
      { phase: 'Relabelling', acts: [], waits: 'answers 500' },
    ],
    [
      'that fail on the way back pause it',
      [hook({ ...failed, onFailure: 'Abort', direction: 'back' })],
      { direction: 'back' },
      { phase: 'Withdrawing', acts: [], paused: true },
    ],
    [
      'that failed are passed over where they say so',
      [hook({ ...failed, onFailure: 'Continue' })],
      {},
      { phase: 'Withdrawing', acts: ['withdraw'] },
    ],
    [
      'wait before they are tried again',
      [hook({ attempt: 1, message: 'answers 500', retryAt: at(1_000).toISOString() })],
      {},
      { phase: 'Withdrawing', acts: [], waits: 'to be tried again: answers 500' },
    ],
    [
      'do not run while the plan is paused',
      [hook()],
      { paused: { at: '', by: 'anna', reason: 'lunch' } },
      { phase: 'Withdrawing', acts: [], paused: true },
    ],
    [
      'are held to the deadline of their step',
      [hook({ state: 'running', attempt: 1 })],
      { deadlineMs: 10 },
      { phase: 'Withdrawing', acts: [], waits: 'took longer', paused: true },
    ],
  ])('%s', (...[_what, hooks, more, expected]) => {
    const { plan: next, acts, waits } = decide(plan(hooks, more), seen, at(500));
    expect([next.phase, acts.map(({ type }) => type)]).toEqual([expected.phase, expected.acts]);
    expect(waits.join('; ')).toContain(expected.waits ?? '');
    expect(next.paused !== undefined).toBe(expected.paused === true);
  });

  it('withdraw what is Immediate although the end of the step is held back', () => {
    const made = plan([after], { phase: 'Arriving' });
    const leaves = made.leaves.map((one) => ({ ...one, policy: 'Immediate' as const }));
    expect(decide({ ...made, leaves }, seen, at(0)).acts.map(({ type }) => type)).toEqual(['withdraw', 'hook']);
  });

  it('are the same attempt when looked at again, and another after a failure', () => {
    const first = decide(plan([hook()]), seen, at(0)).plan;
    expect(first.hooks).toMatchObject([{ state: 'running', attempt: 1, startedAt: at(0).toISOString() }]);
    expect(decide(first, seen, at(300)).plan.hooks).toEqual(first.hooks);
    const settled = settle(first, failed, 400);
    expect(settled.hooks).toMatchObject([{ attempt: 1, retryAt: at(2_400).toISOString() }]);
    expect(settled.hooks?.[0]).not.toHaveProperty('state');
    const second = decide(settled, seen, at(2_400)).plan;
    expect(second.hooks).toMatchObject([{ state: 'running', attempt: 2, startedAt: at(2_400).toISOString() }]);
    const over = settle(second, failed, 2_500);
    expect(over.hooks).toMatchObject([{ state: 'failed', attempt: 2, message: 'answers 500' }]);
    expect(over.history.at(-1)?.message).toBe(
      'hook argocd/dns before Withdrawing failed (attempt 2 of 2): answers 500',
    );
  });

  it('change nothing by the outcome of an attempt that is not the present one', () => {
    const first = decide(plan([hook()]), seen, at(0)).plan;
    expect(settleHook(first, hook({ attempt: 7 }), { outcome: failed, now: at(0) })).toBe(first);
    expect(settle(first, { state: 'running' }, 0)).toBe(first);
    const settled = settle(first, { state: 'succeeded', message: 'done' }, 0);
    expect(settle(settled, failed, 0)).toBe(settled);
  });

  it('get all of their attempts again when the plan is resumed', () => {
    const over = plan([hook({ ...failed, attempt: 2 }), hook({ ...failed, hook: 'argocd/lb', onFailure: 'Continue' })]);
    expect(retryHooks(over).hooks).toMatchObject([{ attempt: 0 }, { state: 'failed' }]);
    expect(decide(retryHooks(over), seen, at(0)).acts.map(({ type }) => type)).toEqual(['hook']);
  });
});

function settle(given: Plan, outcome: HookOutcome, ms: number): Plan {
  const [attempt] = given.hooks ?? [];
  return attempt ? settleHook(given, attempt, { outcome, now: at(ms) }) : given;
}
