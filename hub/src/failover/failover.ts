/**
 * Failover: changes of labels that move Applications, planned before they are done. Inputs: what people and rules ask
 * for; the stage carries plans on. It never begins what was not shown, never lets two plans change the same clusters, and
 * keeps every plan with who made it and what became of it.
 */

import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { readAppSelector } from '../fleet/app-labels.ts';
import type { Verdict } from '../fleet/judge-labels.ts';
import type { Table } from '../fleet/records.ts';
import { refuseNewer, whyNotUnderstood } from '../store/record-format.ts';
import type { SpecStore } from '../store/specs.ts';
import { type Claims, claimClusters, clustersOf, raceWith } from './claims.ts';
import { decide } from './decide.ts';
import type { Relabelling } from './dry-run.ts';
import { retryHooks } from './hooks/decide-hooks.ts';
import type { FailoverRequest } from './label-changes.ts';
import { type MakePlanDeps, makePlan, type PlanRequest, sameEffect, weigh } from './make-plan.ts';
import { differences } from './metadata-changes.ts';
import { type ObserveDeps, observe } from './observe.ts';
import { isActive, isUnfinished, newestFirst, outgoingOf, type Plan } from './plan-record.ts';
import { formatPlan, type PlanView } from './plan-view.ts';
import {
  mustBePlanned,
  refuseWithoutEffect,
  relabellingOf,
  reversed,
  type SetAllDeps,
  setAll,
  whyPlanned,
  withAppsRead,
} from './relabel.ts';
import { mayRelease, releasable, release } from './release.ts';
import { indexRetentions, isDispensable } from './retention.ts';
import { labelsOf, onlyFor, refuseWithoutMoves } from './some-applications.ts';
import { enter, note, pause, turnBack } from './transitions.ts';

export interface FailoverDeps extends MakePlanDeps, ObserveDeps, SetAllDeps {
  specs: Pick<SpecStore, 'list'>;
  plans: Table<Plan>;
  claims: Table<Claims>;
  audit(entry: { by: string; action: string; object: string; details?: Record<string, unknown> }): void;
}

export type PlanOptions = Pick<PlanRequest, 'owner' | 'reason' | 'soakMs' | 'deadlineMs' | 'onDeadline'>;

export interface Failover {
  /** Newest first, counted but without what leaves, arrives and changes, and annotations: a list of many moves stays small. */
  list(): PlanView[];
  find(id: string): PlanView | undefined;
  /**
   * Labels and annotations that change no placement are set at once, and there is no plan; with `planOnly` they are not set
   * either. Labels for some Applications that move none of these are Invalid.
   */
  relabel(
    change: Relabelling,
    options: PlanOptions & { planOnly?: boolean },
    signal: AbortSignal,
  ): Promise<PlanView | undefined>;
  /** What a change would do that has to be planned; undefined when it may be made at once. Keeps nothing. */
  whyPlanned(change: Relabelling, signal: AbortSignal): Promise<Verdict | undefined>;
  /** Clusters that a plan is changing now. */
  changing(): ReadonlySet<string>;
  plan(request: FailoverRequest, options: PlanOptions & { kind?: 'automatic' }, signal: AbortSignal): Promise<PlanView>;
  /** Throws Conflict when the fleet has changed since, PlanBlocked for findings that were not accepted. */
  start(id: string, options: { by: string; accept: readonly string[] }, signal: AbortSignal): Promise<PlanView>;
  pause(id: string, options: { by: string; reason: string }): Promise<PlanView>;
  resume(id: string, options: { by: string }): Promise<PlanView>;
  /** Undoes what was done, at any moment before the end. */
  abort(id: string, options: { by: string; reason: string }): Promise<PlanView>;
  /** As abort for a plan that is under way; a new plan, to be started, for one that is Completed. */
  failBack(id: string, options: PlanOptions, signal: AbortSignal): Promise<PlanView>;
  /**
   * Lets go what policy Never keeps: these Applications, or all. Throws Conflict for what its generator gives there again,
   * and while another plan changes the same clusters.
   */
  withdraw(id: string, options: { by: string; apps: readonly string[] }, signal: AbortSignal): Promise<PlanView>;
}

/** Finished plans beyond these are forgotten, the oldest first. */
const mostFinished = 100;
/** Plans that people made and did not start: the oldest beyond these expire at once. A script may make one each second. */
const mostPlanned = 50;
const attempts = 10;

export function createFailover(deps: FailoverDeps): Failover {
  const view = (plan: Plan) => {
    const newer = whyNotUnderstood('plan', plan.id, plan);
    if (newer !== undefined) return formatPlan(plan, [newer]);
    const isOver = !isUnfinished(plan) && plan.phase !== 'Planned';
    return formatPlan(plan, isOver ? [] : decide(plan, observe(plan, deps), deps.now()).waits);
  };
  return {
    list: () =>
      deps.plans
        .list()
        .sort(newestFirst)
        .map((plan) => withoutLists(view(plan))),
    find: (id) => {
      const plan = deps.plans.find(id);
      return plan && view(plan);
    },
    ...making(deps, view),
    ...living(deps, view),
  };
}

type View = (plan: Plan) => PlanView;

function isThere(change: Relabelling, deps: MakePlanDeps): boolean {
  const { labels, annotations } = differences(change, deps);
  return labels.length + annotations.length === 0;
}

function withoutLists({ annotations: _annotations, ...plan }: PlanView): PlanView {
  return { ...plan, leaves: [], arrives: [], changes: [] };
}

function making(
  deps: FailoverDeps,
  view: View,
): Pick<Failover, 'relabel' | 'whyPlanned' | 'changing' | 'plan' | 'start' | 'failBack'> {
  const keep = async (plan: Plan) => {
    await forgetOld(deps);
    await deps.plans.put(plan.id, plan, 0);
    deps.audit({ by: plan.owner, action: 'make plan', object: plan.id, details: summary(plan) });
    return view(plan);
  };
  const make = async (request: PlanRequest, signal: AbortSignal) => {
    const plan = await makePlan(request, deps, signal);
    refuseRace(plan, deps);
    return plan;
  };
  return {
    relabel: async (change, { planOnly = false, ...options }, signal) => {
      const asked = withAppsRead(change);
      // as ever, to annotate twice is no error
      if (asked.annotations && isThere(asked, deps)) return undefined;
      const plan = await make({ ...options, ...asked, kind: 'relabel' }, signal);
      if (mustBePlanned(plan)) return await keep(plan);
      refuseWithoutEffect(asked, plan, deps);
      if (!planOnly) await setAll(asked, { by: options.owner, reason: options.reason }, { deps, signal });
      return undefined;
    },
    whyPlanned: async (change, signal) => whyPlanned(await weigh(change, deps, signal)),
    changing: () => new Set(deps.plans.list().filter(isActive).flatMap(clustersOf)),
    plan: async (request, { kind, ...options }, signal) => {
      const apps = request.apps === undefined ? undefined : readAppSelector(request.apps);
      const plan = await make(
        { ...options, ...onlyFor(apps), kind: kind ?? 'failover', labels: labelsOf(request, apps, deps) },
        signal,
      );
      if (apps !== undefined) refuseWithoutMoves(plan, apps);
      return await keep(plan);
    },
    start: async (id, options, signal) => view(await startPlan(getPlan(id, deps), options, { deps, signal })),
    failBack: async (id, options, signal) => {
      const plan = getPlan(id, deps);
      const { owner: by, reason } = options;
      if (isUnfinished(plan)) {
        await claimAgain(plan, deps);
        const change = abort({ by, reason, now: deps.now() });
        return view(await edit(id, { by, action: 'fail back', change }, deps));
      }
      refuseUnless(plan.phase === 'Completed', plan, 'fail back');
      const request = {
        ...options,
        ...reversed(plan),
        kind: 'fail-back' as const,
        failsBack: id,
      };
      return await keep(await make(request, signal));
    },
  };
}

function living(deps: FailoverDeps, view: View): Pick<Failover, 'pause' | 'resume' | 'abort' | 'withdraw'> {
  const now = () => deps.now();
  return {
    pause: async (id, { by, reason }) => {
      const change = (plan: Plan) => {
        refuseUnless(isUnfinished(plan) && !plan.paused, plan, 'be paused');
        return pause(plan, now(), { by, reason: reason || 'no reason given' });
      };
      return view(await edit(id, { by, action: 'pause', change }, deps));
    },
    resume: async (id, { by }) => {
      const change = (plan: Plan) => {
        refuseUnless(plan.paused !== undefined, plan, 'be resumed: it is not paused');
        const { paused: _paused, ...rest } = retryHooks(plan);
        return note({ ...rest, phaseAt: now().toISOString() }, now(), { by, message: 'resumed' });
      };
      return view(await edit(id, { by, action: 'resume', change }, deps));
    },
    abort: async (id, { by, reason }) => {
      await claimAgain(getPlan(id, deps), deps);
      return view(await edit(id, { by, action: 'abort', change: abort({ by, reason, now: now() }) }, deps));
    },
    withdraw: async (id, { by, apps }, signal) => {
      const plan = getPlan(id, deps);
      refuseUnless(mayRelease(plan), plan, 'withdraw what it keeps before its other steps are done');
      const due = await releasable(plan, apps, { deps, signal });
      await claimClusters(plan, deps);
      const change = (current: Plan) => {
        refuseUnless(mayRelease(current), current, 'withdraw what it keeps before its other steps are done');
        return release(current, { by, apps: due, all: apps.length === 0, now: now() });
      };
      return view(await edit(id, { by, action: 'withdraw from', change }, deps));
    },
  };
}

/** A fenced plan let go of its clusters; before it changes their labels again, no other may be at work on them. */
async function claimAgain(plan: Plan, deps: FailoverDeps): Promise<void> {
  if (plan.phase === 'Fenced') await claimClusters(plan, deps);
}

interface Starting {
  deps: FailoverDeps;
  signal: AbortSignal;
}

/** What was shown is what is begun: a fleet that has changed since needs another look. */
async function startPlan(
  plan: Plan,
  { by, accept }: { by: string; accept: readonly string[] },
  { deps, signal }: Starting,
): Promise<Plan> {
  const { id } = plan;
  refuseUnless(plan.phase === 'Planned', plan, 'be started');
  refuseFindings(plan, accept);
  const { annotations: _changed, ...asked } = plan;
  const again = await makePlan({ ...asked, ...relabellingOf(plan) }, deps, signal);
  if (!sameEffect(plan, again))
    throw new FleetError(
      'Conflict',
      `the fleet has changed since plan ${id} was made, and it would do something else now: plan again`,
    );
  refuseFindings(again, accept);
  await claimClusters(plan, deps);
  const change = (current: Plan) => {
    refuseUnless(current.phase === 'Planned', current, 'be started');
    const begun = { ...current, begunAt: deps.now().toISOString() };
    return enter(begun, deps.now(), { phase: 'Relabelling', message: 'started', by });
  };
  return await edit(id, { by, action: 'start', change }, deps);
}

function getPlan(id: string, { plans }: Pick<FailoverDeps, 'plans'>): Plan {
  const plan = plans.find(id);
  if (!plan) throw new FleetError('NotFound', `there is no plan ${id}: see 'wheelhouse plan list'`);
  refuseNewer('plan', id, plan);
  return plan;
}

interface Edit {
  by: string;
  action: string;
  change(plan: Plan): Plan;
}

/** Changes a plan's record by compare-and-set, again when the stage was faster. */
async function edit(id: string, { by, action, change }: Edit, deps: FailoverDeps): Promise<Plan> {
  const plan = await editRecord(id, change, deps);
  deps.audit({ by, action: `${action} plan`, object: id, details: { phase: plan.phase } });
  return plan;
}

async function editRecord(id: string, change: Edit['change'], { plans }: Pick<FailoverDeps, 'plans'>): Promise<Plan> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await plans.read(id);
    if (!stored) throw new FleetError('NotFound', `there is no plan ${id}: see 'wheelhouse plan list'`);
    refuseNewer('plan', id, stored.value);
    const next = change(stored.value);
    try {
      await plans.put(id, next, stored.revision);
      return next;
    } catch (error) {
      if (!isFleetError(error, 'Conflict') || attempt === attempts) throw error;
    }
  }
}

function refuseUnless(condition: boolean, plan: Plan, what: string): void {
  if (!condition)
    throw new FleetError(
      'Conflict',
      `plan ${plan.id} is ${plan.paused ? 'paused in ' : ''}${plan.phase} and cannot ${what}`,
    );
}

function refuseFindings(plan: Plan, accept: readonly string[]): void {
  const open = plan.findings.filter(({ severity, code }) => severity === 'blocks' && !accept.includes(code));
  if (open.length === 0) return;
  const codes = [...new Set(open.map(({ code }) => code))].join(',');
  throw new FleetError(
    'PlanBlocked',
    `plan ${plan.id} is not started: ${open[0]?.message}; if that is meant: --accept ${codes}`,
    {
      details: { findings: open },
    },
  );
}

/** Early word of what `claimClusters` makes sure of. */
function refuseRace(plan: Plan, { plans }: Pick<FailoverDeps, 'plans'>): void {
  const mine = new Set(clustersOf(plan));
  const rival = plans.list().find((other) => isActive(other) && clustersOf(other).some((name) => mine.has(name)));
  if (rival) throw raceWith(rival.id, rival.owner);
}

function abort({ by, reason, now }: { by: string; reason: string; now: Date }): Edit['change'] {
  return (plan) => {
    if (plan.phase === 'Planned') return enter(plan, now, { phase: 'Aborted', message: reason || 'never started', by });
    refuseUnless(isUnfinished(plan) && plan.direction === 'forward', plan, 'be aborted');
    return turnBack(plan, now, { by, reason });
  };
}

function summary({
  kind,
  reason,
  labels,
  annotations,
  apps,
  leaves,
  arrives,
  findings,
}: Plan): Record<string, unknown> {
  return {
    kind,
    reason,
    labels: labels.slice(0, 100),
    ...(annotations ? { annotations: annotations.slice(0, 100).map(({ cluster, key }) => `${cluster} ${key}`) } : {}),
    ...onlyFor(apps),
    leaves: leaves.length,
    arrives: arrives.length,
    findings: findings.map(({ code }) => code),
  };
}

/** One that is being started at this moment stays: it is written by compare-and-set, and deleted only when it has expired. */
async function expireSurplus({ plans, now }: Pick<FailoverDeps, 'plans' | 'now'>): Promise<void> {
  const planned = plans
    .list()
    .filter((plan) => plan.phase === 'Planned' && plan.kind !== 'automatic' && isKnown(plan))
    .sort(newestFirst);
  for (const { id } of planned.slice(mostPlanned - 1)) {
    const stored = await plans.read(id);
    if (stored?.value.phase !== 'Planned') continue;
    const expired = enter(stored.value, now(), { phase: 'Expired', message: 'made way for newer plans' });
    await plans.put(id, expired, stored.revision).catch((error: unknown) => {
      if (!isFleetError(error, 'Conflict')) throw error;
    });
  }
}

function isKnown(plan: Plan): boolean {
  return whyNotUnderstood('plan', plan.id, plan) === undefined;
}

/** The oldest first; what others say of Applications must be the same without it. */
async function forgetOld(deps: Pick<FailoverDeps, 'plans' | 'now'>): Promise<void> {
  const { plans } = deps;
  await expireSurplus(deps);
  const { find } = indexRetentions(plans.list());
  const keepsNothing = (plan: Plan) =>
    ![...(plan.suppressed ?? []), ...outgoingOf(plan)].some((one) => find(one.app, one.cluster)?.plan === plan.id);
  const finished = plans
    .list()
    .filter(
      (plan) => plan.phase === 'Expired' || (!isUnfinished(plan) && plan.phase !== 'Planned' && keepsNothing(plan)),
    )
    .filter(isKnown)
    .sort(newestFirst);
  for (const plan of finished.slice(mostFinished).reverse())
    if (isDispensable(plan, plans.list())) await plans.delete(plan.id);
}
