/**
 * The next step of a plan: a pure function of its record, of what is seen of the fleet, and of time. Inputs: an
 * observation that answers for each placement. It never withdraws what leaves by Surge before everything that arrives is
 * Healthy and has soaked, never withdraws `Never`, and says what it waits for whenever it does not go on.
 */
import { decideHooks } from './hooks/decide-hooks.ts';
import type { PlannedHook } from './hooks/planned-hook.ts';
import { hasLeft, incomingOf, isActive, outgoingOf, type Placement, type Plan } from './plan-record.ts';
import { enter, pause, turnBack } from './transitions.ts';

/** What the hub sees of one Application on one cluster. */
export interface Seen {
  /** It is desired there now; of one that is a standby otherwise: to run. */
  desired: boolean;
  /** Its cluster reported it as Synced and Healthy with what is assigned, and that is not stale. */
  healthy: boolean;
  /** Why it is not healthy, in words. */
  why: string;
  /** A withdrawal is written that its cluster has not confirmed. */
  leaving: boolean;
  /** Its cluster is heard of. */
  connected: boolean;
}

export interface Observation {
  /** Clusters of the plan whose labels are not as wanted yet. */
  unlabelled: string[];
  of(placement: { app: string; cluster: string; standby?: true }): Seen;
  /** Id of a later plan that brings it there. */
  broughtBackBy(placement: { app: string; cluster: string }): string | undefined;
}

export type Act =
  | { type: 'label' }
  | { type: 'generate' }
  /** Withdrawals that an interrupted run wrote, and that are not meant any more, are forgotten. */
  | { type: 'restore'; placements: Placement[] }
  | { type: 'withdraw'; placements: Placement[] }
  | { type: 'hook'; hook: PlannedHook };

export interface Decision {
  /** The record as it must be written before the acts are carried out. */
  plan: Plan;
  acts: Act[];
  /** What it waits for, first things first; empty when it is over. */
  waits: string[];
}

export function decide(plan: Plan, seen: Observation, now: Date): Decision {
  if (plan.phase === 'Planned') return planned(plan, now);
  const marked = mark(plan, seen, now);
  if (plan.paused) return { plan: marked, acts: [], waits: [`paused by ${plan.paused.by}: ${plan.paused.reason}`] };
  const decision = step(marked, seen, now);
  return isActive(decision.plan) ? watchDeadline(decision, now) : decision;
}

function planned(plan: Plan, now: Date): Decision {
  if (now.getTime() < Date.parse(plan.expiresAt)) return { plan, acts: [], waits: ['not started yet'] };
  return { plan: enter(plan, now, { phase: 'Expired', message: 'nobody started it in time' }), acts: [], waits: [] };
}

/** Takes down what is seen: since when what arrives is Healthy, and what has been withdrawn. */
function mark(plan: Plan, seen: Observation, now: Date): Plan {
  const incoming = new Set(incomingOf(plan));
  const markOne = (placement: Placement): Placement => {
    const { desired, healthy, leaving } = seen.of(placement);
    if (incoming.has(placement)) return markIncoming(placement, healthy, now);
    const laterPlan = mayBeBroughtBack(placement) ? seen.broughtBackBy(placement) : undefined;
    if (laterPlan !== undefined) return { ...placement, broughtBackBy: laterPlan };
    if (placement.withdrawal === 'absent' && desired) return reappeared(placement);
    if (placement.withdrawal !== 'requested' || desired || leaving) return placement;
    return { ...placement, withdrawal: 'confirmed' };
  };
  return { ...plan, leaves: plan.leaves.map(markOne), arrives: plan.arrives.map(markOne) };
}

/** What policy Never keeps stays anyway. */
function mayBeBroughtBack(placement: Placement): boolean {
  return placement.policy !== 'Never' && placement.withdrawal !== 'confirmed' && placement.broughtBackBy === undefined;
}

function reappeared({ withdrawal: _absent, ...placement }: Placement): Placement {
  return placement;
}

function markIncoming(placement: Placement, healthy: boolean, now: Date): Placement {
  const { healthySince, ...rest } = placement;
  if (!healthy) return healthySince === undefined ? placement : rest;
  return healthySince === undefined ? { ...placement, healthySince: now.toISOString() } : placement;
}

/** A step between the hooks that come before and after it. */
function step(plan: Plan, seen: Observation, now: Date): Decision {
  const before = decideHooks(plan, 'before', now);
  if (before) return before;
  const decision = stepItself(plan, seen, now);
  const after = goesOn(plan, decision.plan) ? decideHooks(plan, 'after', now) : undefined;
  return after ? { ...after, acts: [...decision.acts, ...after.acts] } : decision;
}

/** Whether a step is over: what waits for health again is not. */
function goesOn({ phase }: Plan, next: Plan): boolean {
  return next.phase !== phase && !(phase === 'Withdrawing' && next.phase === 'Arriving');
}

function stepItself(plan: Plan, seen: Observation, now: Date): Decision {
  switch (plan.phase) {
    case 'Relabelling':
      return relabel(plan, seen, now);
    case 'Arriving':
      return arrive(plan, seen, now);
    case 'Withdrawing':
    case 'Fenced':
      return withdraw(plan, seen, now);
    default:
      return { plan, acts: [], waits: [] };
  }
}

function relabel(plan: Plan, seen: Observation, now: Date): Decision {
  if (seen.unlabelled.length > 0)
    return { plan, acts: [{ type: 'label' }], waits: [`labels of ${listed(seen.unlabelled)}`] };
  const missing = incomingOf(plan).filter((placement) => !seen.of(placement).desired);
  if (missing.length > 0)
    return { plan, acts: [{ type: 'generate' }], waits: [`the generators to give ${listed(missing.map(nameOf))}`] };
  const leftovers = incomingOf(plan).filter((placement) => seen.of(placement).leaving);
  if (leftovers.length > 0)
    return { plan, acts: [{ type: 'restore', placements: leftovers }], waits: ['old withdrawals to be forgotten'] };
  return {
    plan: enter(plan, now, { phase: 'Arriving', message: 'labels are changed' }),
    acts: [],
    waits: ['what arrives'],
  };
}

function arrive(plan: Plan, seen: Observation, now: Date): Decision {
  const acts = withdrawals(outgoingOf(plan).filter(({ policy }) => policy === 'Immediate'));
  const waits = whatIsNotReady(plan, seen, now);
  if (waits.length > 0) return { plan, acts, waits };
  const message =
    incomingOf(plan).length > 0 ? 'everything that arrives is Healthy and has soaked' : 'nothing has to arrive';
  return { plan: enter(plan, now, { phase: 'Withdrawing', message: message }), acts, waits: ['the withdrawals'] };
}

function withdraw(plan: Plan, seen: Observation, now: Date): Decision {
  const open = outgoingOf(plan).filter((placement) => placement.policy !== 'Never' && !hasLeft(placement));
  const fresh = open.filter(({ withdrawal }) => withdrawal === undefined);
  const surge = fresh.some(({ policy }) => policy === 'Surge');
  const unready = surge ? whatIsNotReady(plan, seen, now) : [];
  if (unready.length > 0)
    return {
      plan: enter(plan, now, { phase: 'Arriving', message: `not ready any more: ${unready[0]}` }),
      acts: withdrawals(fresh.filter(({ policy }) => policy === 'Immediate')),
      waits: unready,
    };
  if (open.length === 0) return { plan: finish(plan, now), acts: [], waits: [] };
  // a generator that has not dropped yet what was released is asked again
  const undropped = open.some((placement) => placement.withdrawal === 'requested' && seen.of(placement).desired);
  const acts = [...withdrawals(fresh), ...(undropped ? [{ type: 'generate' as const }] : [])];
  const reachable = open.filter((placement) => seen.of(placement).connected);
  const waits = (reachable.length > 0 ? reachable : open).map(
    (placement) =>
      `${nameOf(placement)} to be withdrawn${seen.of(placement).connected ? '' : ' when its cluster is heard of again'}`,
  );
  if (fresh.length > 0 || reachable.length > 0)
    return {
      plan:
        plan.phase === 'Fenced'
          ? enter(plan, now, { phase: 'Withdrawing', message: 'a fenced cluster is back' })
          : plan,
      acts,
      waits,
    };
  const silent = [...new Set(open.map(({ cluster }) => cluster))];
  const fenced =
    plan.phase === 'Fenced'
      ? plan
      : enter(plan, now, { phase: 'Fenced', message: `${listed(silent)} withdraw when heard of again` });
  return { plan: fenced, acts, waits };
}

function withdrawals(placements: Placement[]): Act[] {
  const due = placements.filter((one) => one.withdrawal === undefined && !hasLeft(one));
  return due.length > 0 ? [{ type: 'withdraw', placements: due }] : [];
}

function finish(plan: Plan, now: Date): Plan {
  const outgoing = outgoingOf(plan);
  const kept = outgoing.filter((placement) => placement.policy === 'Never' && !hasLeft(placement)).length;
  const absent = outgoing.filter(({ withdrawal, broughtBackBy }) => withdrawal === 'absent' && !broughtBackBy);
  const brought = outgoing.filter(({ broughtBackBy }) => broughtBackBy !== undefined);
  const rest = [
    kept > 0
      ? `; ${kept} with policy Never ${kept === 1 ? 'stays until a person withdraws it' : 'stay until a person withdraws them'}`
      : '',
    absent.length > 0
      ? `; nothing was withdrawn of what the hub did not know any more: ${listed(absent.map(nameOf))}`
      : '',
    brought.length > 0
      ? `; not withdrawn, because a later plan brings it there again: ${listed(brought.map((one) => `${nameOf(one)} (plan ${one.broughtBackBy})`))}`
      : '',
  ].join('');
  return plan.direction === 'forward'
    ? enter(plan, now, { phase: 'Completed', message: `done${rest}` })
    : enter(plan, now, { phase: 'Aborted', message: `everything is as it was before${rest}` });
}

/** Why Surge may not withdraw yet; empty when it may. */
export function whatIsNotReady(plan: Plan, seen: Observation, now: Date): string[] {
  const arriving = incomingOf(plan).flatMap((placement) => whyNotReady(plan, placement, { seen, now }) ?? []);
  const staying = outgoingOf(plan).flatMap((placement) => whyNotKept(placement, seen) ?? []);
  return [...arriving, ...staying];
}

function whyNotReady(plan: Plan, placement: Placement, at: { seen: Observation; now: Date }): string | undefined {
  const { desired, healthy, why } = at.seen.of(placement);
  if (!desired) return `${nameOf(placement)} is not generated`;
  if (!healthy || placement.healthySince === undefined) return `${nameOf(placement)}: ${why}`;
  // without anything to be withdrawn there is nothing to be careful of
  if (outgoingOf(plan).length === 0) return undefined;
  // what an abort finds never withdrawn needs no proof
  if (plan.direction === 'back' && placement.withdrawal === undefined) return undefined;
  const left = Date.parse(placement.healthySince) + placement.soakMs - at.now.getTime();
  return left > 0 ? `${nameOf(placement)} soaks for ${Math.ceil(left / 1000)} s more` : undefined;
}

/** One that leaves with nothing in its stead goes only while it runs well somewhere else. */
function whyNotKept(placement: Placement, seen: Observation): string | undefined {
  const { app, policy, stays, withdrawal } = placement;
  if (policy !== 'Surge' || !stays?.length || withdrawal !== undefined || hasLeft(placement)) return undefined;
  return stays.some((place) => seen.of(place).healthy) ? undefined : `${app} is Healthy nowhere else`;
}

function watchDeadline(decision: Decision, now: Date): Decision {
  const { plan, waits } = decision;
  if (plan.paused || now.getTime() < Date.parse(plan.phaseAt) + plan.deadlineMs) return decision;
  const reason = `${plan.phase} took longer than ${Math.round(plan.deadlineMs / 1000)} s; it waits for ${listed(waits)}`;
  // what is on its way back already can only wait for a person
  if (plan.onDeadline === 'Abort' && plan.direction === 'forward')
    return { plan: turnBack(plan, now, { by: 'deadline', reason }), acts: [], waits: [reason] };
  return { plan: pause(plan, now, { by: 'deadline', reason }), acts: [], waits: [reason] };
}

function nameOf({ app, cluster }: { app: string; cluster: string }): string {
  return `${app} on ${cluster}`;
}

function listed(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return names.slice(0, 3).join(', ') + more;
}
