/**
 * Lets go what policy Never keeps, when a person says so. It never withdraws what its generator means to be there by now,
 * because labels or Git have changed since the plan was done.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isStandby } from '@wheelhouse/shared/resources/standby';
import { idOf } from '../assign/applications.ts';
import { evaluateSets } from './dry-run.ts';
import type { MakePlanDeps } from './make-plan.ts';
import { isActive, outgoingOf, type Placement, type Plan, wasBegun } from './plan-record.ts';
import { indexRetentions } from './retention.ts';
import { enter } from './transitions.ts';

export interface ReleaseDeps extends MakePlanDeps {
  plans: { list(): Plan[] };
}

/** Of these Applications, or of all that the plan keeps, what may go. Throws Invalid, Conflict. */
export async function releasable(
  plan: Plan,
  apps: readonly string[],
  { deps, signal }: { deps: ReleaseDeps; signal: AbortSignal },
): Promise<string[]> {
  const kept = keptOf(plan);
  const names = new Set(kept.map(({ app }) => app));
  const unknown = apps.find((app) => !names.has(app));
  if (unknown !== undefined || kept.length === 0)
    throw new FleetError(
      'Invalid',
      `plan ${plan.id} keeps no Application ${unknown === undefined ? '' : `${unknown} `}by policy Never`,
    );
  const named = new Set(apps);
  const asked = kept.filter(({ app }) => apps.length === 0 || named.has(app));
  const due = keptByIt(plan, asked, { apps, deps });
  const meant = await meantToStay(due, { deps, signal });
  const [first] = meant;
  if (first && (apps.length > 0 || meant.size === due.length))
    throw new FleetError(
      'Conflict',
      `ApplicationSet ${first.set} gives ${first.app} for ${first.cluster} again: it is no rest of plan ${plan.id}, and nothing is withdrawn; to move it, change the labels ('wheelhouse failover')`,
    );
  return due.filter((one) => !meant.has(one)).map(({ app }) => app);
}

/** What a later plan keeps by now goes with that one: two plans would wait for each other. */
function keptByIt(
  plan: Plan,
  asked: readonly Placement[],
  { apps, deps }: { apps: readonly string[]; deps: ReleaseDeps },
): Placement[] {
  const { find } = indexRetentions(deps.plans.list());
  const keeperOf = ({ app, cluster }: Placement) => {
    const retention = find(app, cluster);
    return retention && !retention.comes ? retention.plan : plan.id;
  };
  const own = asked.filter((one) => keeperOf(one) === plan.id);
  const other = asked.find((one) => keeperOf(one) !== plan.id);
  if (other && (apps.length > 0 || own.length === 0))
    throw new FleetError(
      'Conflict',
      `plan ${keeperOf(other)} keeps ${other.app} on ${other.cluster} by now: 'wheelhouse plan withdraw ${keeperOf(other)} ${other.app}'`,
    );
  return own;
}

function keptOf(plan: Plan): Placement[] {
  if (!wasBegun(plan)) return [];
  return outgoingOf(plan).filter(({ policy, withdrawal }) => policy === 'Never' && withdrawal === undefined);
}

/** What the generators give where it is, by the labels of now. Throws Conflict when that is not known. */
async function meantToStay(
  kept: readonly Placement[],
  { deps, signal }: { deps: MakePlanDeps; signal: AbortSignal },
): Promise<Set<Placement>> {
  const outcomes = await evaluateSets(new Set(kept.map(({ set }) => set)), deps, signal);
  const failed = outcomes.find(({ problem }) => problem !== undefined);
  if (failed)
    throw new FleetError(
      'Conflict',
      `ApplicationSet ${failed.set} cannot be evaluated, so nobody knows what is meant to stay: ${failed.problem}`,
    );
  const given = outcomes.flatMap(({ applications }) => applications);
  const placesOf = (some: typeof given) => new Set(some.map((one) => `${deps.clusterOf(one)}/${idOf(one)}`));
  const [anyhow, running] = [placesOf(given), placesOf(given.filter((one) => !isStandby(one)))];
  return new Set(kept.filter(({ app, cluster, standby }) => (standby ? running : anyhow).has(`${cluster}/${app}`)));
}

/** The plan with these let go. */
export function release(
  plan: Plan,
  { by, apps, all, now }: { by: string; apps: readonly string[]; all: boolean; now: Date },
): Plan {
  const named = new Set(apps);
  const due = new Set(keptOf(plan).filter(({ app }) => named.has(app)));
  if (due.size === 0)
    throw new FleetError('Conflict', `what plan ${plan.id} kept was withdrawn by somebody else just now`);
  const letGo = (one: Placement): Placement => (due.has(one) ? { ...one, policy: 'Immediate' } : one);
  const { suppressed = [], ...rest } = plan;
  const still = all ? [] : suppressed;
  const next = {
    ...rest,
    begunAt: now.toISOString(),
    suppressed: still,
    leaves: plan.leaves.map(letGo),
    arrives: plan.arrives.map(letGo),
  };
  return enter(next, now, { phase: 'Withdrawing', message: `${due.size} of policy Never withdrawn`, by });
}

/** Its steps are done, or were undone: only then may what it keeps go. */
export function mayRelease(plan: Plan): boolean {
  return plan.phase !== 'Planned' && !isActive(plan);
}
