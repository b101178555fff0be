import { createHash } from 'node:crypto';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
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

export interface Decision {
  applications: Application[];
  removed: Application[];
  held?: NonNullable<StoredEvaluation['held']>;
}

export interface DecideInput {
  before: StoredEvaluation | undefined;
  /** What the newest evaluation gave. */
  fresh: Application[];
  budget: DeletionBudget;
  /** Fingerprint of the removals that a person released. */
  released?: string | undefined;
  now: Date;
}

/**
 * Lets an evaluation remove Applications only within its budget. What it adds and changes goes on; removals beyond the
 * budget, and every result that leaves nothing, are held whole until a person releases exactly these removals.
 */
export function decideRemovals(input: DecideInput): Decision {
  const { before, fresh, budget, now } = input;
  const { applications: present = [] } = before ?? {};
  const names = new Set(fresh.map(idOf));
  const gone = present.filter((application) => !names.has(idOf(application)));
  if (gone.length === 0) return { applications: fresh, removed: [] };
  const ids = gone.map(idOf).sort();
  const fingerprint = createHash('sha256').update(ids.join('\n')).digest('hex').slice(0, 16);
  const reason = whyHeld({ gone: gone.length, left: fresh.length, total: present.length, budget });
  if (!reason || input.released === fingerprint) return { applications: fresh, removed: gone };
  const held = { applications: ids, reason, since: now.toISOString(), fingerprint };
  if (before?.held?.fingerprint === fingerprint) held.since = before.held.since;
  return { applications: [...fresh, ...gone], removed: [], held };
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
