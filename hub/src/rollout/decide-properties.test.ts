import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitOf } from './plan.ts';
import type { Run } from './record.ts';
import { createSimulatedFleet, isOver, planOf, type SimulatedFleet, step } from './simulated-fleet.ts';

const outcomes = fc.constantFrom(
  'healthy' as const,
  'healthy' as const,
  'healthy' as const,
  'degraded' as const,
  'stuck' as const,
);
const clusterArbitrary = fc.record({
  ring: fc.constantFrom('0', '1', '2'),
  delayMs: fc.integer({ min: 0, max: 20_000 }),
  b: outcomes,
  c: outcomes,
  offlineAt: fc.option(fc.integer({ min: 0, max: 30 })),
});
const amountArbitrary = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
);
const stepArbitrary = fc.record({
  maxUpdate: amountArbitrary,
  soakMs: fc.integer({ min: 0, max: 30_000 }),
  tolerance: fc.record({ count: fc.integer({ min: 0, max: 3 }) }),
});
const planArbitrary = fc.record({
  steps: fc.tuple(stepArbitrary, stepArbitrary, stepArbitrary),
  newRevision: fc.constantFrom('Queue' as const, 'Supersede' as const),
  offline: fc.constantFrom('Skip' as const, 'Wait' as const),
});

describe('whatever the fleet does', () => {
  it('at most maxUpdate are updated at once, nothing goes past a failed step, and every run ends', () => {
    fc.assert(
      fc.property(
        planArbitrary,
        fc.array(clusterArbitrary, { minLength: 1, maxLength: 14 }),
        fc.integer({ min: 0, max: 20 }),
        (drawn, clusters, pushAt) => {
          const steps = drawn.steps.map((one, index) =>
            step(`s${index}`, index === 2 ? one : { ...one, labels: { matchLabels: { ring: String(index) } } }),
          );
          const fleet = createSimulatedFleet(
            planOf(steps, { newRevision: drawn.newRevision, offline: drawn.offline }),
            clusters.map(({ ring, delayMs, b, c }, index) => ({
              id: `c${index}`,
              labels: { ring },
              delayMs,
              outcomes: { B: b, C: c },
            })),
          );
          fleet.push('A');
          fleet.settle();
          fleet.push('B');
          for (let turn = 0; turn < 600; turn += 1) {
            for (const [index, { offlineAt }] of clusters.entries())
              if (offlineAt === turn) fleet.change(`c${index}`, { online: false });
            if (turn === pushAt) fleet.push('C');
            expect(violations(fleet, fleet.decide())).toEqual([]);
            fleet.pass(5_000);
            if (turn > pushAt && isOver(fleet.record)) break;
          }
          expect(isOver(fleet.record)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** What a decision did against the rules, in words. */
function violations(fleet: SimulatedFleet, began: string[]): string[] {
  const { run } = fleet.record;
  if (!run) return [];
  const members = Object.values(run.members);
  const started = began.filter((id) => run.members[id.slice('app-'.length)]?.state === 'Updating');
  const updating = members.filter(({ state }) => state === 'Updating').length;
  const limit = limitOf(run.plan.steps[run.step]?.maxUpdate, run.steps[run.step]?.size ?? 0);
  const early = members.filter(({ step: at, state }) => at > run.step && (state === 'Updating' || state === 'Healthy'));
  return [
    started.length > 0 && updating > limit ? `${updating} are updated at once, and ${limit} may` : '',
    started.length > 0 && run.returning ? 'something begins during a return' : '',
    early.length > 0 ? `${early.length} of later steps were touched` : '',
    ...run.steps.map(({ startedAt }, index) =>
      unproved(run, index) && startedAt ? `step ${index} began too early` : '',
    ),
  ].filter(Boolean);
}

function unproved(run: Run, index: number): boolean {
  const before = run.steps[index - 1];
  return before !== undefined && before.proved !== run.digest;
}
