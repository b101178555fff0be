import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Table } from '../fleet/records.ts';
import { changedClusters, isActive, type Plan } from './plan-record.ts';

/** Which plan is at work on which clusters: one record, so that compare-and-set lets only one of two begin. */
export interface Claims {
  plans: { id: string; clusters: string[]; at: string }[];
}

export interface ClaimDeps {
  claims: Table<Claims>;
  plans: Pick<Table<Plan>, 'read'>;
  now(): Date;
}

const key = 'plans';
/** A claim whose plan was not begun by then was left by a hub that died in between. */
const graceMs = 60_000;
const attempts = 10;

/** Claims a plan's clusters before it begins. Throws Conflict, naming the plan that has one of them. */
export async function claimClusters(plan: Plan, deps: ClaimDeps): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await deps.claims.read(key);
    const standing = await standingClaims(stored?.value, deps);
    const mine = new Set(clustersOf(plan));
    const rival = standing.find(({ id, clusters }) => id !== plan.id && clusters.some((name) => mine.has(name)));
    if (rival) throw raceWith(rival.id);
    const own = { id: plan.id, clusters: [...mine], at: deps.now().toISOString() };
    const plans = [...standing.filter(({ id }) => id !== plan.id), own];
    try {
      return await deps.claims.put(key, { plans }, stored?.revision ?? 0);
    } catch (error) {
      if (!isFleetError(error, 'Conflict') || attempt === attempts) throw error;
    }
  }
}

/** Conflict, with the plan that is at work on the same clusters. */
export function raceWith(id: string, owner = ''): FleetError {
  return new FleetError(
    'Conflict',
    `plan ${id}${owner && ` of ${owner}`} is changing the same clusters: wait for it, or abort it with 'wheelhouse plan abort ${id}'`,
    { details: { plan: id } },
  );
}

/** Which plan that was; undefined for any other error. */
export function rivalIn(error: unknown): string | undefined {
  if (!isFleetError(error, 'Conflict')) return undefined;
  const { plan } = error.details;
  return typeof plan === 'string' ? plan : undefined;
}

/** An end needs no write: a claim stands for as long as its plan is active. */
async function standingClaims(claims: Claims | undefined, deps: ClaimDeps): Promise<Claims['plans']> {
  const standing: Claims['plans'] = [];
  for (const claim of claims?.plans ?? []) {
    const plan = (await deps.plans.read(claim.id))?.value;
    const ageMs = deps.now().getTime() - Date.parse(claim.at);
    if (plan && (isActive(plan) || (ageMs < graceMs && mayBegin(plan, claim)))) standing.push(claim);
  }
  return standing;
}

/**
 * One that is fenced changes no labels until it is turned back, and then it claims them anew; one that is over does so
 * before a person has it withdraw what it kept.
 */
function mayBegin({ phase, phaseAt }: Plan, { at }: Claims['plans'][number]): boolean {
  return phase === 'Planned' || phaseAt < at;
}

export function clustersOf(plan: Plan): string[] {
  const moves = [...plan.leaves, ...plan.arrives].map(({ cluster }) => cluster);
  return [...new Set([...changedClusters(plan), ...moves])];
}
