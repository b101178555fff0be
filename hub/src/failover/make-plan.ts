/**
 * Plans a change of labels: evaluates what it would do to every ApplicationSet, and finds what a person should know.
 * Inputs: the labels, the fleet as it is. It writes nothing and begins nothing.
 */
import { randomBytes } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { FailoverHook } from '@wheelhouse/shared/resources/failover-hook';
import type { FleetCluster } from '../fleet/clusters.ts';
import { type BundleNeeds, capacityOf, type ReadNeeds } from './capacity.ts';
import { type DryRunDeps, dryRun, type Relabelling, type SetOutcome } from './dry-run.ts';
import { findingsOf } from './findings.ts';
import { planHooks } from './hooks/plan-hooks.ts';
import { type Impact, impactOf, placeOf } from './impact.ts';
import { type Changes, changesOf } from './metadata-changes.ts';
import type { OnDeadline, Placement, Plan } from './plan-record.ts';
import { movePolicyOf } from './policy.ts';

export interface PlanRequest extends Relabelling {
  kind: Plan['kind'];
  owner: string;
  reason: string;
  /** Instead of what Applications say. */
  soakMs?: number;
  deadlineMs?: number;
  onDeadline?: OnDeadline;
  failsBack?: string;
}

export interface MakePlanDeps extends DryRunDeps {
  findCluster(name: string): FleetCluster | undefined;
  clusterOf(application: Application): string | undefined;
  projectOf(application: Application): AppProject | undefined;
  project(name: string): AppProject | undefined;
  /** Applications on a cluster that no ApplicationSet generates. */
  plainOn(cluster: string): string[];
  /** Digest of what an Application runs now. */
  bundleOf(app: string): string | undefined;
  needs: ReadNeeds;
  /** Every hook there is. */
  hooks(): FailoverHook[];
  now(): Date;
}

const defaultDeadlineMs = 30 * 60_000;
const expiresMs = 60 * 60_000;
/** Of what leaves and arrives together: more make a record that NATS does not take. */
const mostPlacements = 20_000;

export interface Weighed extends Changes {
  outcomes: SetOutcome[];
  impact: Impact;
}

/** What a change would do to every ApplicationSet. Throws as `makePlan`. */
export async function weigh(
  request: Relabelling & Pick<PlanRequest, 'soakMs'>,
  deps: MakePlanDeps,
  signal: AbortSignal,
): Promise<Weighed> {
  const changes = changesOf(request, deps);
  const outcomes = await dryRun(request, deps, signal);
  return { ...changes, outcomes, impact: mergeImpacts(outcomes.map((one) => impactOfSet(one, request, deps))) };
}

/** Throws NotFound for an unknown cluster, Invalid when no label would change, TooLarge. */
export async function makePlan(request: PlanRequest, deps: MakePlanDeps, signal: AbortSignal): Promise<Plan> {
  const { labels, annotations, outcomes, impact } = await weigh(request, deps, signal);
  if (impact.leaves.length + impact.arrives.length > mostPlacements)
    throw new FleetError(
      'TooLarge',
      `${impact.leaves.length} Applications leave and ${impact.arrives.length} arrive, and a plan takes ${mostPlacements} of both: change fewer clusters at a time`,
    );
  const needs = await readNeeds(impact, deps, signal);
  const withState = (placement: Placement): Placement =>
    needs(placement)?.stateful ? { ...placement, stateful: true } : placement;
  const leaves = impact.leaves.map(withState);
  const arrives = impact.arrives.map(withState);
  const moves = request.kind === 'automatic' ? withoutNever({ ...impact, leaves, arrives }) : { leaves, arrives };
  const capacity = capacityOf(moves.arrives, needs, deps.findCluster);
  const now = deps.now();
  const { apps } = request;
  const findings = findingsOf({ outcomes, impact: { ...impact, ...moves }, capacity, labels, apps, ...deps });
  return {
    v: 1,
    id: formatId(now),
    owner: request.owner,
    reason: request.reason,
    kind: request.kind,
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + expiresMs).toISOString(),
    phase: 'Planned',
    direction: 'forward',
    phaseAt: now.toISOString(),
    deadlineMs: request.deadlineMs ?? defaultDeadlineMs,
    ...(request.onDeadline ? { onDeadline: request.onDeadline } : {}),
    labels,
    ...(annotations.length > 0 ? { annotations } : {}),
    ...(request.apps === undefined ? {} : { apps: request.apps }),
    ...moves,
    changes: impact.changes,
    ...hooksOf({ kind: request.kind, labels, annotations }, deps),
    findings,
    capacity,
    history: [{ at: now.toISOString(), by: request.owner, message: `Planned: ${request.reason || request.kind}` }],
    ...(request.failsBack === undefined ? {} : { failsBack: request.failsBack }),
  };
}

function hooksOf(
  plan: Pick<Plan, 'kind' | 'labels' | 'annotations'>,
  { hooks, findCluster }: MakePlanDeps,
): Pick<Plan, 'hooks'> {
  const planned = planHooks(plan, hooks(), findCluster);
  return planned.length > 0 ? { hooks: planned } : {};
}

/**
 * Of policy Never nothing moves without a person, neither away nor to a second place. What would be replaced by something
 * that may not arrive (another project at the destination may say Never) stays as well.
 */
function withoutNever({
  leaves,
  arrives,
  workloads,
}: Pick<Impact, 'leaves' | 'arrives' | 'workloads'>): Pick<Plan, 'leaves' | 'arrives' | 'suppressed'> {
  const isNever = ({ policy }: Placement) => policy === 'Never';
  const suppressed = arrives.filter(isNever);
  const missing = new Set(suppressed.map((one) => workloads.get(placeOf(one))));
  const stay = (one: Placement): Placement =>
    missing.has(workloads.get(placeOf(one))) ? { ...one, policy: 'Never' } : one;
  return { leaves: leaves.map(stay), arrives: arrives.filter((one) => !isNever(one)), suppressed };
}

/** Reads the bundle of each Application that leaves, and of one like each that arrives. */
async function readNeeds(
  { leaves, arrives, likeness }: Impact,
  { bundleOf, needs }: MakePlanDeps,
  signal: AbortSignal,
): Promise<(placement: Placement) => BundleNeeds | undefined> {
  const digestOf = (placement: Placement) => bundleOf(likeness.get(placeOf(placement)) ?? placement.app);
  const known = new Map<string, BundleNeeds | undefined>();
  for (const digest of new Set([...leaves, ...arrives].flatMap((placement) => digestOf(placement) ?? []))) {
    signal.throwIfAborted();
    known.set(digest, await needs(digest));
  }
  return (placement) => known.get(digestOf(placement) ?? '');
}

/** Says the minute, and two of one moment differ. */
function formatId(now: Date): string {
  return `p${now.toISOString().slice(2, 16).replaceAll(/\D/g, '')}-${randomBytes(2).toString('hex')}`;
}

function impactOfSet(outcome: SetOutcome, request: Pick<PlanRequest, 'soakMs'>, deps: MakePlanDeps): Impact {
  const { set, before, after } = outcome;
  const policyOf = (application: Application) => movePolicyOf(application, deps.projectOf(application), request.soakMs);
  return impactOf({ set, before, after, clusterOf: deps.clusterOf, policyOf });
}

function mergeImpacts(impacts: readonly Impact[]): Impact {
  return {
    leaves: impacts.flatMap((one) => one.leaves),
    arrives: impacts.flatMap((one) => one.arrives),
    changes: impacts.flatMap((one) => one.changes),
    emptied: impacts.flatMap((one) => one.emptied),
    likeness: new Map(impacts.flatMap((one) => [...one.likeness])),
    workloads: new Map(impacts.flatMap((one) => [...one.workloads])),
    problems: [...new Set(impacts.flatMap((one) => one.problems))],
  };
}

/** Whether two plans of the same labels would do the same: what was shown is what is begun. */
export function sameEffect(a: Plan, b: Plan): boolean {
  const effect = ({ labels, annotations = [], leaves, arrives, hooks = [] }: Plan) =>
    JSON.stringify([
      labels,
      annotations,
      hooks,
      ...[leaves, arrives].map((list) =>
        list
          .map(({ app, cluster, policy, cascade, standby }) => `${cluster}/${app} ${policy} ${cascade} ${standby}`)
          .sort(),
      ),
    ]);
  return effect(a) === effect(b);
}

/** Whether any Application comes, goes or changes; otherwise the labels need no plan. */
export function changesPlacements({ leaves, arrives, changes }: Pick<Plan, 'leaves' | 'arrives' | 'changes'>): boolean {
  return leaves.length + arrives.length + changes.length > 0;
}
