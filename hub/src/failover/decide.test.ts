import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Act, decide, type Observation, type Seen, whatIsNotReady } from './decide.ts';
import { incomingOf, isUnfinished, outgoingOf, type Placement, type Plan } from './plan-record.ts';
import { formatPlan } from './plan-view.ts';
import { placementOf, planOf } from './testing/plan.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const at = (ms: number) => new Date(start + ms);

function placement(app: string, cluster: string, more: Partial<Placement> = {}): Placement {
  return placementOf(app, cluster, { soakMs: 1_000, ...more });
}

function plan(more: Partial<Plan> = {}): Plan {
  return planOf({
    expiresAt: at(60_000).toISOString(),
    phase: 'Arriving',
    phaseAt: at(0).toISOString(),
    deadlineMs: 600_000,
    labels: [{ cluster: 'eu', key: 'role', before: 'active', after: 'standby' }],
    leaves: [placement('shop-eu', 'eu')],
    arrives: [placement('shop-us', 'us')],
    ...more,
  });
}

const good: Seen = { desired: true, healthy: true, why: 'Healthy', leaving: false, connected: true };

function seeing(places: Record<string, Partial<Seen>> = {}, unlabelled: string[] = []): Observation {
  return {
    unlabelled,
    of: ({ app, cluster }) => ({ ...good, ...places[`${app}@${cluster}`] }),
    broughtBackBy: () => undefined,
  };
}

/** A later plan has brought the shop back to Europe. */
const broughtBack: Observation = {
  ...seeing(),
  broughtBackBy: ({ app }) => (app === 'shop-eu' ? 'p2' : undefined),
};

const bad = { healthy: false, why: 'Progressing' };
const soaked = placement('shop-us', 'us', { healthySince: at(0).toISOString() });
const requested = placement('shop-eu', 'eu', { withdrawal: 'requested' });
const gone = { desired: false };

describe('a plan', () => {
  it.each<[string, Partial<Plan>, Observation, number, { phase: string; acts: string[]; waits?: string }]>([
    ['waits to be started', { phase: 'Planned' }, seeing(), 0, { phase: 'Planned', acts: [], waits: 'not started' }],
    ['expires when nobody starts it', { phase: 'Planned' }, seeing(), 60_000, { phase: 'Expired', acts: [] }],
    [
      'labels',
      { phase: 'Relabelling' },
      seeing({}, ['eu']),
      0,
      { phase: 'Relabelling', acts: ['label'], waits: 'labels of eu' },
    ],
    [
      'has the sets evaluated until they give what arrives',
      { phase: 'Relabelling' },
      seeing({ 'shop-us@us': gone }),
      0,
      { phase: 'Relabelling', acts: ['generate'], waits: 'shop-us on us' },
    ],
    [
      'forgets withdrawals of an earlier plan',
      { phase: 'Relabelling' },
      seeing({ 'shop-us@us': { leaving: true } }),
      0,
      { phase: 'Relabelling', acts: ['restore'] },
    ],
    ['goes on to arrive', { phase: 'Relabelling' }, seeing(), 0, { phase: 'Arriving', acts: [] }],
    ['waits for health', {}, seeing({ 'shop-us@us': bad }), 0, { phase: 'Arriving', acts: [], waits: 'Progressing' }],
    [
      'waits for the soak',
      { arrives: [soaked] },
      seeing(),
      400,
      { phase: 'Arriving', acts: [], waits: 'soaks for 1 s' },
    ],
    ['does not soak when nothing leaves', { leaves: [] }, seeing(), 0, { phase: 'Withdrawing', acts: [] }],
    ['goes on after the soak', { arrives: [soaked] }, seeing(), 1_000, { phase: 'Withdrawing', acts: [] }],
    [
      'withdraws Immediate before anything is Healthy',
      { leaves: [placement('shop-eu', 'eu', { policy: 'Immediate' })] },
      seeing({ 'shop-us@us': bad }),
      0,
      { phase: 'Arriving', acts: ['withdraw'] },
    ],
    [
      'withdraws',
      { phase: 'Withdrawing', arrives: [soaked] },
      seeing(),
      1_000,
      { phase: 'Withdrawing', acts: ['withdraw'] },
    ],
    [
      'goes back when what arrived is not Healthy any more',
      { phase: 'Withdrawing', arrives: [soaked] },
      seeing({ 'shop-us@us': bad }),
      1_000,
      { phase: 'Arriving', acts: [] },
    ],
    [
      'never withdraws Never',
      { phase: 'Withdrawing', arrives: [soaked], leaves: [placement('shop-eu', 'eu', { policy: 'Never' })] },
      seeing(),
      1_000,
      { phase: 'Completed', acts: [] },
    ],
    [
      'has what was released dropped',
      { phase: 'Withdrawing', leaves: [requested] },
      seeing({ 'shop-eu@eu': { leaving: true } }),
      0,
      { phase: 'Withdrawing', acts: ['generate'], waits: 'shop-eu on eu' },
    ],
    [
      'is done when the source confirms',
      { phase: 'Withdrawing', leaves: [requested] },
      seeing({ 'shop-eu@eu': gone }),
      0,
      { phase: 'Completed', acts: [] },
    ],
    [
      'fences a silent source',
      { phase: 'Withdrawing', leaves: [requested] },
      seeing({ 'shop-eu@eu': { ...gone, leaving: true, connected: false } }),
      0,
      { phase: 'Fenced', acts: [], waits: 'when its cluster is heard of again' },
    ],
    [
      'is done when a fenced source confirms',
      { phase: 'Fenced', leaves: [requested] },
      seeing({ 'shop-eu@eu': gone }),
      0,
      { phase: 'Completed', acts: [] },
    ],
    [
      'is done when a later plan has brought back what a fenced source was to withdraw',
      { phase: 'Fenced', leaves: [requested] },
      broughtBack,
      0,
      { phase: 'Completed', acts: [] },
    ],
    [
      'does not withdraw what a later plan has brought, though the hub had lost sight of it before',
      {
        phase: 'Fenced',
        leaves: [{ ...requested, withdrawal: 'absent' }, placement('cart-eu', 'eu', { withdrawal: 'requested' })],
      },
      { ...broughtBack, of: () => ({ ...good, connected: false }) },
      0,
      { phase: 'Fenced', acts: ['generate'], waits: 'cart-eu on eu' },
    ],
    [
      'pauses itself at the deadline',
      {},
      seeing({ 'shop-us@us': bad }),
      600_000,
      { phase: 'Arriving', acts: [], waits: 'took longer than 600 s' },
    ],
    [
      'turns back at the deadline if that was asked for',
      { onDeadline: 'Abort', arrives: [soaked] },
      seeing({ 'shop-us@us': bad }),
      600_000,
      { phase: 'Relabelling', acts: [], waits: 'took longer than 600 s' },
    ],
    [
      'pauses at the deadline on its way back',
      { onDeadline: 'Abort', direction: 'back' },
      seeing({ 'shop-eu@eu': bad }),
      600_000,
      { phase: 'Arriving', acts: [], waits: 'took longer than 600 s' },
    ],
    [
      'does nothing while paused',
      { phase: 'Withdrawing', arrives: [soaked], paused: { at: '', by: 'anna', reason: 'lunch' } },
      seeing(),
      1_000,
      { phase: 'Withdrawing', acts: [], waits: 'paused by anna: lunch' },
    ],
    [
      'undone, waits for the source to be Healthy again before the destination goes',
      { direction: 'back', leaves: [requested] },
      seeing({ 'shop-eu@eu': bad }),
      0,
      { phase: 'Arriving', acts: [], waits: 'shop-eu on eu' },
    ],
    [
      'undone, needs no soak of what was never withdrawn',
      { direction: 'back' },
      seeing(),
      0,
      { phase: 'Withdrawing', acts: [] },
    ],
    [
      'undone, withdraws what arrived',
      {
        direction: 'back',
        phase: 'Withdrawing',
        leaves: [placement('shop-eu', 'eu', { healthySince: at(0).toISOString() })],
      },
      seeing(),
      0,
      { phase: 'Withdrawing', acts: ['withdraw'] },
    ],
    [
      'without anything that arrives keeps what is Healthy nowhere else',
      { arrives: [], leaves: [placement('shop-eu', 'eu', { stays: [{ app: 'shop-us', cluster: 'us' }] })] },
      seeing({ 'shop-us@us': bad }),
      0,
      { phase: 'Arriving', acts: [], waits: 'Healthy nowhere else' },
    ],
  ])('%s', (...[_what, more, seen, ms, expected]) => {
    const { plan: next, acts, waits } = decide(plan(more), seen, at(ms));
    expect([next.phase, acts.map(({ type }) => type)]).toEqual([expected.phase, expected.acts]);
    expect(waits.join('; ')).toContain(expected.waits ?? '');
  });
});

it('that leaves something to a later plan says to which, and counts it no more', () => {
  const { plan: next } = decide(plan({ phase: 'Fenced', leaves: [requested] }), broughtBack, at(0));
  expect(next.history.at(-1)?.message).toBe(
    'Completed: done; not withdrawn, because a later plan brings it there again: shop-eu on eu (plan p2)',
  );
  expect(next.leaves).toEqual([{ ...requested, broughtBackBy: 'p2' }]);
  expect(formatPlan(next, []).counts).toMatchObject({ outgoing: 0, pending: 0 });
});

it('turned back by its deadline is as one that a person aborted', () => {
  const late = plan({ onDeadline: 'Abort', arrives: [soaked], phase: 'Withdrawing', leaves: [requested] });
  const seen = seeing({ 'shop-eu@eu': { leaving: true } });
  const { plan: next } = decide(late, seen, at(600_000));
  expect(next).toMatchObject({ direction: 'back', phaseAt: at(600_000).toISOString(), leaves: [requested] });
  expect(next.arrives[0]).not.toHaveProperty('healthySince');
  expect(next).not.toHaveProperty('paused');
  expect(next.history.at(-1)).toMatchObject({
    by: 'deadline',
    message: 'Relabelling: aborted: Withdrawing took longer than 600 s; it waits for shop-eu on eu to be withdrawn',
  });
  // whoever died before it was written decides the same again, and whoever died after it goes on from there
  expect(decide(late, seen, at(600_000)).plan).toEqual(next);
  expect(decide(next, seeing({}, ['eu']), at(600_001)).acts).toEqual([{ type: 'label' }]);
});

/** A fleet that obeys: labels are set, generators follow, withdrawals are carried out where a cluster is connected. */
interface World {
  plan: Plan;
  labelled: boolean;
  desired: Set<string>;
  leaving: Set<string>;
  unhealthy: Set<string>;
  silent: Set<string>;
}

const keyOf = ({ app, cluster }: { app: string; cluster: string }) => `${app}@${cluster}`;

function see(world: World): Observation {
  return {
    unlabelled: world.labelled ? [] : ['eu'],
    broughtBackBy: () => undefined,
    of: (place) => {
      const key = keyOf(place);
      const connected = !world.silent.has(place.cluster);
      const healthy = world.desired.has(key) && connected && !world.unhealthy.has(key);
      return { desired: world.desired.has(key), healthy, why: 'not yet', leaving: world.leaving.has(key), connected };
    },
  };
}

type Crash = 'none' | 'before acts' | 'after acts';

/** The other direction asks for other labels. */
function write(world: World, next: Plan): void {
  if (next.direction !== world.plan.direction) world.labelled = false;
  world.plan = next;
}

/** Decides, writes and acts; a crash loses the acts, or the mark after them, but never the record. */
function run(world: World, ms: number, crash: Crash): void {
  const seen = { ...world, unhealthy: new Set(world.unhealthy) };
  const { plan: next, acts } = decide(world.plan, see(world), at(ms));
  write(world, next);
  for (const act of acts) {
    if (act.type === 'withdraw') expectMayWithdraw(act.placements, seen, ms);
    if (crash === 'before acts' || !carryOut(world, act, crash)) return;
  }
  if (world.labelled) generate(world);
  for (const key of world.leaving)
    if (!world.desired.has(key) && !world.silent.has(key.split('@')[1] ?? '')) world.leaving.delete(key);
}

/** Returns whether the hub still lives. */
function carryOut(world: World, act: Act, crash: Crash): boolean {
  if (act.type === 'label') world.labelled = true;
  if (act.type === 'restore') for (const one of act.placements) world.leaving.delete(keyOf(one));
  if (act.type !== 'withdraw') return true;
  for (const one of act.placements) world.leaving.add(keyOf(one));
  if (crash === 'after acts') return false;
  mark(world, act.placements);
  return true;
}

function mark(world: World, placements: readonly Placement[]): void {
  const due = new Set(placements.map(keyOf));
  const marked = (one: Placement): Placement =>
    due.has(keyOf(one)) && outgoingOf(world.plan).includes(one) ? { ...one, withdrawal: 'requested' } : one;
  world.plan = { ...world.plan, leaves: world.plan.leaves.map(marked), arrives: world.plan.arrives.map(marked) };
}

function generate(world: World): void {
  for (const one of incomingOf(world.plan)) {
    if (!world.desired.has(keyOf(one))) world.leaving.delete(keyOf(one));
    world.desired.add(keyOf(one));
  }
  for (const one of outgoingOf(world.plan)) if (one.withdrawal !== undefined) world.desired.delete(keyOf(one));
}

function expectMayWithdraw(placements: readonly Placement[], world: World, ms: number): void {
  expect(placements.filter(({ policy }) => policy === 'Never')).toEqual([]);
  if (placements.every(({ policy }) => policy === 'Immediate')) return;
  expect(whatIsNotReady(world.plan, see(world), at(ms))).toEqual([]);
  for (const one of incomingOf(world.plan)) expect(see(world).of(one).healthy).toBe(true);
}

const policy = fc.constantFrom('Surge' as const, 'Immediate' as const, 'Never' as const);
const moves = fc.array(fc.record({ leaving: policy, arriving: policy, soakMs: fc.constantFrom(0, 1_000, 5_000) }), {
  minLength: 1,
  maxLength: 4,
});
const event = fc.record({
  kind: fc.constantFrom(
    'tick',
    'tick',
    'tick',
    'crash before',
    'crash after',
    'sicken',
    'heal',
    'silence',
    'return',
    'abort',
  ),
  which: fc.nat(3),
  ms: fc.constantFrom(0, 500, 1_000, 3_000),
});

function worldOf(
  given: { leaving: Placement['policy']; arriving: Placement['policy']; soakMs: number }[],
  deadline: Pick<Plan, 'deadlineMs' | 'onDeadline'>,
): World {
  const leaves = given.map(({ leaving, soakMs }, index) => placement(`a${index}`, 'eu', { policy: leaving, soakMs }));
  const arrives = given.map(({ arriving, soakMs }, index) =>
    placement(`a${index}`, 'us', { policy: arriving, soakMs }),
  );
  return {
    plan: plan({ phase: 'Relabelling', ...deadline, leaves, arrives }),
    labelled: false,
    desired: new Set(leaves.map(keyOf)),
    leaving: new Set(),
    unhealthy: new Set(),
    silent: new Set(),
  };
}

const deadlines = fc.constantFrom(
  { deadlineMs: 1e9 },
  { deadlineMs: 7_000, onDeadline: 'Pause' as const },
  { deadlineMs: 7_000, onDeadline: 'Abort' as const },
);

function resume(world: World, ms: number): void {
  const { paused, ...rest } = world.plan;
  if (paused) world.plan = { ...rest, phaseAt: at(ms).toISOString() };
}

function happen(world: World, { kind, which }: { kind: string; which: number }): void {
  const key = `a${which}@us`;
  if (kind === 'sicken') world.unhealthy.add(key);
  if (kind === 'heal') world.unhealthy.delete(key);
  if (kind === 'silence') world.silent.add('eu');
  if (kind === 'return') world.silent.delete('eu');
  if (kind === 'abort' && isUnfinished(world.plan) && world.plan.direction === 'forward') {
    world.plan = { ...world.plan, direction: 'back', phase: 'Relabelling' };
    world.labelled = false;
  }
}

it('never withdraws too early, whatever fails, and ends when all is well again', () => {
  fc.assert(
    fc.property(moves, fc.array(event, { maxLength: 40 }), deadlines, (given, events, deadline) => {
      const world = worldOf(given, deadline);
      let now = 0;
      for (const one of events) {
        now += one.ms;
        happen(world, one);
        run(
          world,
          now,
          one.kind === 'crash before' ? 'before acts' : one.kind === 'crash after' ? 'after acts' : 'none',
        );
        const next = decide(world.plan, see(world), at(now));
        expect(isUnfinished(next.plan) && next.waits.length === 0).toBe(false);
      }
      world.silent.clear();
      world.unhealthy.clear();
      for (let ticks = 0; ticks < 80 && isUnfinished(world.plan); ticks += 1) {
        resume(world, now);
        run(world, (now += 1_000), 'none');
      }
      expect(world.plan.phase).toBe(world.plan.direction === 'forward' ? 'Completed' : 'Aborted');
      for (const one of incomingOf(world.plan)) expect(world.desired).toContain(keyOf(one));
      const left = outgoingOf(world.plan).filter((one) => world.desired.has(keyOf(one)));
      expect(left.filter((one) => one.policy !== 'Never')).toEqual([]);
      const kept = world.plan.direction === 'forward' ? world.plan.leaves : left;
      expect(left).toEqual(kept.filter((one) => one.policy === 'Never'));
      expect(world.leaving.size).toBe(0);
    }),
    { numRuns: 300 },
  );
});
