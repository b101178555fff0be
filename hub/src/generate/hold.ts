import { createHash } from 'node:crypto';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { Application } from '@wheelhouse/shared/resources/application';
import { withStandby } from '@wheelhouse/shared/resources/standby';
import type { Retention } from '../failover/retention.ts';
import type { StoredEvaluation } from '../store/derived.ts';
import type { Rejection } from '../store/verdicts.ts';
import type { DeletionBudget } from './deletion-budget.ts';

type Held = NonNullable<StoredEvaluation['held']>;
type Rejected = NonNullable<StoredEvaluation['rejected']>;

export interface Decision {
  applications: Application[];
  /** To be withdrawn now. */
  removed: Application[];
  held?: Held;
  /** Kept because a person rejected that they go. */
  rejected?: Rejected;
}

export interface DecideInput {
  before: StoredEvaluation | undefined;
  /** What the newest evaluation gave. */
  fresh: Application[];
  budget: DeletionBudget;
  /** Fingerprint of the removals that a person released. */
  released?: string | undefined;
  /** Removals that a person rejected. */
  rejection?: Rejection | undefined;
  /** The cluster that an Application goes to, where that is known. */
  clusterOf(application: Application): string | undefined;
  /** What a plan says of an Application that leaves a cluster. */
  planned(app: string, cluster: string): Retention | undefined;
  now: Date;
}

/**
 * Lets an evaluation remove Applications only within its budget; one that goes to another cluster is removed from the
 * one before. What the evaluation adds and changes goes on; removals beyond the budget, and every result that leaves
 * nothing, are held whole until a person releases exactly these removals, or rejects them: those stay for good, and count
 * for nothing. Removals that belong to a plan are the plan's: they stay until it withdraws them, and no budget holds them.
 */
export function decideRemovals(input: DecideInput): Decision {
  const present = input.before?.applications ?? [];
  const fresh = input.fresh.flatMap((application) => admit(application, input));
  const { retained, gone } = sortLeaving(present, { ...input, fresh });
  const rejected = rejectedOf(gone, input);
  const isRejected = new Set(rejected?.applications);
  const open = gone.filter((application) => !isRejected.has(idOf(application)));
  const left = fresh.length + retained.length;
  const total = present.length - isRejected.size;
  const held = heldOf(open, { left, total }, input);
  const staying = new Set(
    [held, rejected].flatMap((one) => (one && one.fingerprint !== input.released ? one.applications : [])),
  );
  const stays = (application: Application) => staying.has(idOf(application));
  return {
    applications: [
      ...[...fresh, ...retained].filter((application) => !stays(application)),
      ...gone.filter((application) => stays(application)),
    ],
    removed: gone.filter((application) => !stays(application)),
    ...(held && held.fingerprint !== input.released ? { held } : {}),
    ...(rejected && rejected.fingerprint !== input.released ? { rejected } : {}),
  };
}

/** What of the removals a person has rejected. */
function rejectedOf(gone: readonly Application[], { rejection }: DecideInput): Rejected | undefined {
  if (!rejection) return undefined;
  const { by, at, reason } = rejection;
  const refused = new Set(rejection.applications);
  const applications = gone
    .map(idOf)
    .filter((id) => refused.has(id))
    .sort();
  if (applications.length === 0) return undefined;
  return { applications, by, at, reason, fingerprint: fingerprintOf([at, ...applications]) };
}

/** What plans let through: one that was a standby where it goes stays one until its plan says otherwise, or runs until then. */
function admit(application: Application, { planned, clusterOf }: DecideInput): Application[] {
  const { state, standby } = planned(idOf(application), clusterOf(application) ?? '') ?? {};
  if (!standby) return state === 'suppressed' ? [] : [application];
  if (state === 'released') return [application];
  return [withStandby(application, state === 'suppressed')];
}

function stateOf(
  application: Application,
  { planned, clusterOf }: Pick<DecideInput, 'planned' | 'clusterOf'>,
): Retention['state'] | undefined {
  return planned(idOf(application), clusterOf(application) ?? '')?.state;
}

/** What plans keep, and what is removed by this evaluation. */
function sortLeaving(
  present: readonly Application[],
  { fresh, clusterOf, planned }: DecideInput,
): { retained: Application[]; gone: Application[] } {
  const next = new Map(fresh.map((application) => [idOf(application), application]));
  const retained: Application[] = [];
  const gone: Application[] = [];
  for (const application of present) {
    if (!leaves(application, next.get(idOf(application)), clusterOf)) continue;
    const state = stateOf(application, { planned, clusterOf });
    if (state === undefined) gone.push(application);
    // one that goes elsewhere under the same name is kept by the document of the cluster that it leaves
    else if (state === 'retained' && !next.has(idOf(application))) retained.push(application);
  }
  return { retained, gone };
}

function heldOf(
  gone: readonly Application[],
  counts: { left: number; total: number },
  { before, budget, now }: DecideInput,
): Held | undefined {
  if (gone.length === 0) return undefined;
  const reason = whyHeld({ gone: gone.length, ...counts, budget });
  if (reason === undefined) return undefined;
  const ids = gone.map(idOf).sort();
  const isSame = before?.held?.applications.join('\n') === ids.join('\n');
  const since = isSame && before?.held ? before.held.since : now.toISOString();
  // the time is part of it: what was released once is not released for ever
  return { applications: ids, reason, since, fingerprint: fingerprintOf([since, ...ids]) };
}

function fingerprintOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

/** Not given any more, or given for another cluster. A destination that is not known now removes nothing. */
function leaves(application: Application, next: Application | undefined, clusterOf: DecideInput['clusterOf']): boolean {
  if (!next) return true;
  const [from, to] = [clusterOf(application), clusterOf(next)];
  return from !== undefined && to !== undefined && from !== to;
}

function whyHeld(counts: { gone: number; left: number; total: number; budget: DeletionBudget }): string | undefined {
  const { gone, left, total, budget } = counts;
  if (left === 0) return `the generators gave nothing, which would remove all ${total} Applications`;
  if (gone > budget.count) return `${gone} Applications would be removed, and the budget is ${budget.count}`;
  if (gone > budget.always && (gone / total) * 100 > budget.percent)
    return `${gone} of ${total} Applications would be removed, and the budget is ${budget.percent} %`;
  return undefined;
}

function idOf(application: Application): string {
  return applicationId(application.metadata.namespace ?? 'argocd', application.metadata.name ?? '');
}
