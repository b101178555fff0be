import { createHash } from 'node:crypto';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Retention } from '../failover/retention.ts';
import type { StoredEvaluation } from '../store/derived.ts';

/** How many Applications one evaluation may remove before a person is asked. */
export interface DeletionBudget {
  /** Default 10. */
  count: number;
  /** Percent of the Applications that the set had; default 20. Does not apply to removals of up to `always`. */
  percent: number;
  /** Removals of this many or fewer are within the percentage whatever the size of the set; default 3. */
  always: number;
}

const annotation = 'wheelhouse.dev/deletion-budget';
const defaultBudget: DeletionBudget = { count: 10, percent: 20, always: 3 };

/** `wheelhouse.dev/deletion-budget: "25,50%"` on an ApplicationSet; either part may be left out. */
export function budgetOf(applicationSet: ApplicationSet): DeletionBudget {
  const text = applicationSet.metadata.annotations?.[annotation] ?? '';
  const percent = /(\d+)\s*%/.exec(text)?.[1];
  const count = /(?:^|,)\s*(\d+)\s*(?:,|$)/.exec(text)?.[1];
  return {
    ...defaultBudget,
    ...(count === undefined ? {} : { count: Number(count) }),
    ...(percent === undefined ? {} : { percent: Number(percent), always: 0 }),
  };
}

type Held = NonNullable<StoredEvaluation['held']>;

export interface Decision {
  applications: Application[];
  /** To be withdrawn now. */
  removed: Application[];
  held?: Held;
}

export interface DecideInput {
  before: StoredEvaluation | undefined;
  /** What the newest evaluation gave. */
  fresh: Application[];
  budget: DeletionBudget;
  /** Fingerprint of the removals that a person released. */
  released?: string | undefined;
  /** The cluster that an Application goes to, where that is known. */
  clusterOf(application: Application): string | undefined;
  /** What a plan says of an Application that leaves a cluster. */
  planned(app: string, cluster: string): Retention | undefined;
  now: Date;
}

/**
 * Lets an evaluation remove Applications only within its budget; one that goes to another cluster is removed from the
 * one before. What the evaluation adds and changes goes on; removals beyond the budget, and every result that leaves
 * nothing, are held whole until a person releases exactly these removals. Removals that belong to a plan are the plan's:
 * they stay until it withdraws them, and no budget holds them then.
 */
export function decideRemovals(input: DecideInput): Decision {
  const present = input.before?.applications ?? [];
  const fresh = input.fresh.filter((application) => stateOf(application, input) !== 'suppressed');
  const { retained, gone } = sortLeaving(present, { ...input, fresh });
  const kept = [...fresh, ...retained];
  if (gone.length === 0) return { applications: kept, removed: [] };
  const reason = whyHeld({ gone: gone.length, left: kept.length, total: present.length, budget: input.budget });
  const held = reason === undefined ? undefined : holdOf(gone, reason, input);
  if (!held || input.released === held.fingerprint) return { applications: kept, removed: gone };
  const holding = new Set(held.applications);
  return {
    applications: [...kept.filter((application) => !holding.has(idOf(application))), ...gone],
    removed: [],
    held,
  };
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

function holdOf(gone: readonly Application[], reason: string, { before, now }: DecideInput): Held {
  const ids = gone.map(idOf).sort();
  const isSame = before?.held?.applications.join('\n') === ids.join('\n');
  const since = isSame && before?.held ? before.held.since : now.toISOString();
  // the time is part of it: what was released once is not released for ever
  const fingerprint = createHash('sha256')
    .update([since, ...ids].join('\n'))
    .digest('hex')
    .slice(0, 16);
  return { applications: ids, reason, since, fingerprint };
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
