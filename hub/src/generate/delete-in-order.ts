/**
 * Deletes a set that is marked for it, the last step first. Inputs: the mark, what the set still has, and the withdrawals
 * that clusters have not confirmed. Each step is recorded before it is withdrawn, and the next begins only when every cluster
 * has said that it removed the one before: a hub that is killed anywhere goes on from what is written.
 * Must never: evaluate a generator for anything but an evaluation that was lost, or take silence for a removal.
 */
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { type Applications, idOf } from '../assign/applications.ts';
import type { Changes, RemoveOptions, Target } from '../assign/change.ts';
import type { Withdrawal } from '../store/additions.ts';
import type { Derived, StoredEvaluation } from '../store/derived.ts';
import { type Deletion, nameOf, namespaceOf, type SpecStore, type StoredSpec } from '../store/specs.ts';
import { compileSteps, nextDeparture, type Standing } from './deletion-order.ts';
import type { Evaluation } from './generate.ts';

export interface StandingDeps {
  derived: Pick<Derived, 'evaluation'>;
  applications: Pick<Applications, 'find'>;
  /** Every withdrawal in progress. */
  withdrawals(): Iterable<Withdrawal>;
}

export interface DeleteInOrderDeps extends StandingDeps {
  logger: Logger;
  specs: Pick<SpecStore, 'markDeleting'>;
  derived: Pick<Derived, 'evaluation' | 'putEvaluation'>;
  changes: Pick<Changes, 'withdrawStep' | 'complete'>;
  now(): Date;
}

/** `evaluate` says what the set generates, for when the evaluation that knew it was lost. */
export async function deleteInOrder(
  spec: StoredSpec,
  evaluate: () => Promise<Evaluation>,
  deps: DeleteInOrderDeps,
): Promise<void> {
  await bringBackEvaluation(spec, evaluate, deps);
  try {
    // what goes to no known cluster needs nobody's word, and the next step follows at once
    for (let next: StoredSpec | undefined = spec; next; ) next = await takeStep(next, deps);
  } catch (error) {
    // somebody marked it differently meanwhile, which makes it due again
    if (!isFleetError(error, 'Conflict')) throw error;
  }
}

/** The spec as it is marked then; undefined when there is nothing more to do now. */
async function takeStep(spec: StoredSpec, deps: DeleteInOrderDeps): Promise<StoredSpec | undefined> {
  const set = spec.resource as ApplicationSet;
  const { deleting } = spec;
  if (!deleting) return undefined;
  const standing = standingOf(set, deps);
  const departure = deleting.allAtOnce ? undefined : nextDeparture(set, standing);
  if (!departure) {
    await finish(set, { deleting, rest: standing.present }, deps);
    return undefined;
  }
  if (departure.due.length === 0) return undefined;
  const { step, due } = departure;
  const marked = deleting.step === step ? spec : await deps.specs.markDeleting(spec, { ...deleting, step });
  await deps.changes.withdrawStep(targetOf(set), { index: step, applications: due }, optionsOf(deleting));
  await leaveOut(set, new Set(due.map(idOf)), deps);
  deps.logger.info(
    { applicationset: idOfSet(set), step: step + 1, count: due.length },
    'a step of an applicationset that is deleted is withdrawn',
  );
  return marked;
}

/** The rest goes with the set. The evaluation is empty before the spec is gone: nobody would take the steps of a set without one. */
async function finish(
  set: ApplicationSet,
  { deleting, rest }: { deleting: Deletion; rest: readonly Application[] },
  deps: DeleteInOrderDeps,
): Promise<void> {
  const options = optionsOf(deleting);
  if (rest.length > 0) await deps.changes.withdrawStep(targetOf(set), { applications: rest }, options);
  const asked = deps.derived.evaluation(namespaceOf(set), nameOf(set))?.applications ?? [];
  if (asked.length > 0) await leaveOut(set, new Set(asked.map(idOf)), deps);
  await deps.changes.complete(targetOf(set), options);
  deps.logger.info({ applicationset: idOfSet(set) }, 'applicationset is deleted');
}

/** The evaluation without what was just withdrawn; held or rejected, everything goes. */
async function leaveOut(
  set: ApplicationSet,
  gone: ReadonlySet<string>,
  { derived, now }: DeleteInOrderDeps,
): Promise<void> {
  const before = derived.evaluation(namespaceOf(set), nameOf(set));
  if (!before) return;
  const { held: _held, rejected: _rejected, problem: _problem, traceparent: _traceparent, ...rest } = before;
  await derived.putEvaluation({
    ...rest,
    applications: before.applications.filter((application) => !gone.has(idOf(application))),
    errors: [],
    evaluatedAt: now().toISOString(),
  });
}

/**
 * Derived state may be lost. Without it nobody knows what the set asked for, and taking that for nothing would leave it all
 * behind. Steps before the one under way do not come back.
 */
async function bringBackEvaluation(
  { resource, deleting }: StoredSpec,
  evaluate: () => Promise<Evaluation>,
  { derived, now }: DeleteInOrderDeps,
): Promise<void> {
  const set = resource as ApplicationSet;
  const [namespace, name] = [namespaceOf(set), nameOf(set)];
  if (deleting?.allAtOnce || derived.evaluation(namespace, name)) return;
  const { applications, failed, reads, warnings } = await evaluate();
  if (failed) throw failed;
  const stepOf = compileSteps(set);
  const reached = deleting?.step ?? Number.POSITIVE_INFINITY;
  const evaluation: StoredEvaluation = {
    namespace,
    name,
    applications: applications.filter((application) => (stepOf(application) ?? -1) <= reached),
    errors: [],
    warnings,
    reads,
    evaluatedAt: now().toISOString(),
  };
  await derived.putEvaluation(evaluation);
}

/** What a set still has: what it owns of what it asks for, and what of it is on its way out. */
export function standingOf(set: ApplicationSet, { derived, applications, withdrawals }: StandingDeps): Standing {
  const id = idOfSet(set);
  const isOwned = (app: string) => {
    const origin = applications.find(app)?.origin;
    return origin?.type === 'generated' && origin.applicationSet === id;
  };
  const asked: readonly Application[] = derived.evaluation(namespaceOf(set), nameOf(set))?.applications ?? [];
  return {
    present: asked.filter((application) => isOwned(idOf(application))),
    // one whose name somebody else has taken over on the same cluster does not go at all
    leaving: [...withdrawals()].filter(
      ({ applicationSet, app, cluster }) =>
        applicationSet === id && (isOwned(app) || applications.find(app)?.cluster !== cluster),
    ),
  };
}

function targetOf(set: ApplicationSet): Target {
  return { kind: 'ApplicationSet', namespace: namespaceOf(set), name: nameOf(set) };
}

function optionsOf({ by, reason, cascade }: Deletion): RemoveOptions {
  return { by, reason, ...(cascade === undefined ? {} : { cascade }) };
}

function idOfSet(set: ApplicationSet): string {
  return `${namespaceOf(set)}/${nameOf(set)}`;
}
