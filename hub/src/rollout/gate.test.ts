import { describe, expect, it } from 'vitest';
import type { Resolution } from '../assign/resolve.ts';
import { applicationOf, indexedOf } from '../testing/hub-state.ts';
import { createGate } from './gate.ts';
import { emptyRecord, type Pin, type RolloutRecord } from './record.ts';
import { createSimulatedFleet, pin, planOf, step } from './simulated-fleet.ts';

const key = 'rollout.argocd.shop';
const app = indexedOf(applicationOf('app-a', { cluster: 'a' }));

function resolutionOf({ bundle, revision }: Pin): Resolution {
  const policy = { automated: { prune: true, selfHeal: true, allowEmpty: false }, syncOptions: [] };
  const assigned = { app: app.id, ns: 'shop', project: 'default', revision, bundle, vars: {}, policy, wave: 0 };
  return { app: assigned, revision, traceparent: 'trace', problems: [], warnings: ['look'] };
}

function gateOf(record: RolloutRecord | undefined, governor: string | undefined = key) {
  return createGate({ rollouts: { governorOf: () => governor }, store: { find: () => record } });
}

const newest = resolutionOf(pin('B'));
const pinned = (now?: Pin): RolloutRecord => ({
  ...emptyRecord(key, new Date(0)),
  pins: { [app.id]: now ? { now } : {} },
});

describe('what passes', () => {
  it('is what Git gives where no rollout has a say, and what comes to nothing', () => {
    const open = createGate({ rollouts: { governorOf: () => undefined }, store: { find: () => undefined } });
    expect(open.pass(app, newest)).toBe(newest);
    const nothing: Resolution = { problems: [], warnings: [] };
    expect(gateOf(pinned(pin('A'))).pass(app, nothing)).toBe(nothing);
  });

  it.each([
    ['nothing before the rollout has looked at it', undefined, undefined],
    ['nothing as long as no bundle is pinned', pinned(), undefined],
    ['the pinned bundle, not the newest', pinned(pin('A')), { bundle: 'A', revision: 'A-commit' }],
    ['the newest once it is pinned', pinned(pin('B')), { bundle: 'B', revision: 'B-commit' }],
  ])('is %s', (_what, record, expected) => {
    const passed = gateOf(record).pass(app, newest);
    expect(passed.app && { bundle: passed.app.bundle, revision: passed.app.revision }).toEqual(expected);
    expect(passed.warnings).toEqual(['look']);
  });

  it('carries the trace of the newest commit only with the newest bundle', () => {
    expect(gateOf(pinned(pin('B'))).pass(app, newest).traceparent).toBe('trace');
    expect(gateOf(pinned(pin('A'))).pass(app, newest).traceparent).toBeUndefined();
  });

  it('has no automated sync under a RollingSync, and has it under a FleetRollout', () => {
    const record = pinned(pin('B'));
    expect(gateOf(record, 'rollingsync.argocd.shop').pass(app, newest).app?.policy).not.toHaveProperty('automated');
    expect(gateOf(record, 'rollingsync.argocd.shop').isRollingSync(app)).toBe(true);
    expect(gateOf(record).pass(app, newest).app?.policy).toHaveProperty('automated');
    expect(gateOf(record).isRollingSync(app)).toBe(false);
  });
});

describe('why it waits', () => {
  it('is nothing for what has the newest, or is under no rollout', () => {
    expect(gateOf(pinned(pin('B'))).whyWaiting(app, newest)).toBeUndefined();
    const open = createGate({ rollouts: { governorOf: () => undefined }, store: { find: () => undefined } });
    expect(open.whyWaiting(app, newest)).toBeUndefined();
  });

  it('names the rollout and its phase while none is under way', () => {
    const record = { ...pinned(pin('A')), phase: 'Invalid' as const, message: 'no step takes a' };
    expect(gateOf(record).whyWaiting(app, newest)).toBe('stays at A-commit: rollout shop is Invalid: no step takes a');
    expect(gateOf(undefined).whyWaiting(app, newest)).toBe('runs nothing yet: rollout shop has not looked at it yet');
  });

  it('names the step that it waits for', () => {
    const fleet = createSimulatedFleet(planOf([step('canary', { portion: { count: 1 } }), step('rest')]), [
      { id: 'a' },
      { id: 'b' },
    ]);
    fleet.push('A');
    fleet.settle();
    fleet.push('B');
    fleet.decide();
    const waiting = Object.keys(fleet.states()).find((id) => fleet.states()[id] === 'Waiting') ?? '';
    const late = { ...app, id: `app-${waiting}`, cluster: waiting };
    expect(gateOf(fleet.record).whyWaiting(late, newest)).toBe(
      'stays at A-commit: waiting for step 2 (rest) of rollout shop: step canary (1 of 2): 0 of 1 healthy',
    );
  });

  it('says of one that came late that the next run has it', () => {
    const fleet = createSimulatedFleet(planOf([step('all')]), [{ id: 'b' }]);
    fleet.push('A');
    fleet.decide();
    expect(gateOf(fleet.record).whyWaiting(app, newest)).toBe(
      'runs nothing yet: waiting for the next run of rollout shop',
    );
  });
});
