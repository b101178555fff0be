/**
 * Evaluates an ApplicationSet and keeps the outcome. A job is an ApplicationSet. A generator that fails changes
 * nothing; removals are written as withdrawals before the evaluation that lacks them, and only within the budget.
 */
import { isDeepStrictEqual } from 'node:util';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import { idOf } from '../assign/applications.ts';
import type { Changes } from '../assign/change.ts';
import type { Retention } from '../failover/retention.ts';
import type { Trigger } from '../queue/queue.ts';
import type { Snapshot } from '../source/source.ts';
import { locationOfRead } from '../source/wanted.ts';
import type { Derived, StoredEvaluation } from '../store/derived.ts';
import { nameOf, namespaceOf, type SpecStore } from '../store/specs.ts';
import type { Rejection, Verdicts } from '../store/verdicts.ts';
import { type DeleteInOrderDeps, deleteInOrder } from './delete-in-order.ts';
import { budgetOf, projectsOf, whyBudgetInvalid } from './deletion-budget.ts';
import { type Evaluation, type GeneratorCluster, generate } from './generate.ts';
import { type Decision, decideRemovals } from './hold.ts';
import { compileKeepExisting, type KeepExisting } from './keep-existing.ts';
import type { Memo, Memos } from './memo.ts';
import { type OpenSignedDeps, openSigned } from './open-signed.ts';
import type { OpenOutside } from './outside.ts';
import { foreignOwner, settleEvaluation } from './settle-evaluation.ts';

export interface GenerateDeps extends Pick<OpenSignedDeps, 'verify'>, DeleteInOrderDeps {
  logger: Logger;
  specs: Pick<SpecStore, 'find' | 'markDeleting'>;
  changes: DeleteInOrderDeps['changes'] & Pick<Changes, 'forgetRemoved'>;
  derived: Pick<Derived, 'evaluation' | 'putEvaluation' | 'revision'>;
  clusters(): GeneratorCluster[];
  /** Code hosts, plugins and settings, for one set. */
  outside(applicationSet: ApplicationSet, signal: AbortSignal): OpenOutside | undefined;
  newGitFileGlobbing: boolean;
  memos: Memos;
  /** Opens the commit that a repository's revision was last resolved to. */
  snapshot(repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot>;
  /** Writes withdrawals for Applications that are about to leave. */
  withdraw(applications: readonly Application[], reason: string, by: string): Promise<void>;
  /** Forgets withdrawals of Applications that are desired again. */
  restore(applications: readonly Application[]): Promise<void>;
  /** What people said of held removals. */
  verdicts: Pick<Verdicts, 'released' | 'rejection' | 'use'>;
  project(name: string): AppProject | undefined;
  /** Whether people or another set own an Application of this name already. */
  ownerOf(application: Application): string | undefined;
  /** The cluster that it goes to, where that is known. */
  clusterOf(application: Application): string | undefined;
  /** What a plan says of an Application that is not generated any more, on the cluster that it was on. */
  planned(app: string, cluster: string): Retention | undefined;
  now(): Date;
}

/** Key of an ApplicationSet's jobs. */
export function applicationSetKey(namespace: string, name: string): string {
  return `${namespace}.${name}`;
}

/** Jobs of every set, and of those of which only an evaluation is left: their removal may have been broken off. */
export function everySet({
  specs,
  derived,
}: {
  specs: Pick<SpecStore, 'list'>;
  derived: Pick<Derived, 'evaluations'>;
}): { key: string }[] {
  const keys = [
    ...specs.list('ApplicationSet').map(({ resource }) => applicationSetKey(namespaceOf(resource), nameOf(resource))),
    ...derived.evaluations().map(({ namespace, name }) => applicationSetKey(namespace, name)),
  ];
  return [...new Set(keys)].map((key) => ({ key }));
}

export async function runGenerate(trigger: Trigger, deps: GenerateDeps, signal: AbortSignal): Promise<void> {
  const dot = trigger.key.indexOf('.');
  const [namespace, name] = [trigger.key.slice(0, dot), trigger.key.slice(dot + 1)];
  const spec = deps.specs.find('ApplicationSet', namespace, name);
  if (!spec) return await deps.changes.forgetRemoved({ kind: 'ApplicationSet', namespace, name });
  const applicationSet = spec.resource as ApplicationSet;
  const context = { traceparent: trigger.traceparent, attributes: { applicationset: `${namespace}/${name}` } };
  if (spec.deleting) {
    const evaluate = async () => await evaluateSet(applicationSet, deps, signal);
    return await withSpan(spans.appsetDelete, context, async () => await deleteInOrder(spec, evaluate, deps));
  }
  await withSpan(spans.appsetGenerate, context, async (span) => {
    const evaluation = await evaluateSet(applicationSet, deps, signal);
    span.setAttribute('applications', evaluation.applications.length);
    // it may have been deleted meanwhile: what it gave then must not come back
    const isKept = () => {
      const present = deps.specs.find('ApplicationSet', namespace, name);
      return present !== undefined && !present.deleting;
    };
    // once more when another set claimed one of the names at the same time
    for (let turn = 0; turn < 2 && isKept() && (await keep(applicationSet, evaluation, deps)); turn += 1);
  });
}

async function evaluateSet(
  applicationSet: ApplicationSet,
  deps: GenerateDeps,
  signal: AbortSignal,
): Promise<Evaluation> {
  return await generate({
    applicationSet,
    clusters: deps.clusters(),
    git: { snapshot: openSigned(applicationSet, deps) },
    outside: deps.outside(applicationSet, signal),
    newGitFileGlobbing: deps.newGitFileGlobbing,
    memo: deps.memos.of(applicationSet),
    signal,
  });
}

/** Stores the outcome; true when it holds Applications that turn out to be another's. */
async function keep(applicationSet: ApplicationSet, evaluation: Evaluation, deps: GenerateDeps): Promise<boolean> {
  const [namespace, name] = [namespaceOf(applicationSet), nameOf(applicationSet)];
  const before = deps.derived.evaluation(namespace, name);
  const said = {
    released: deps.verdicts.released(namespace, name),
    rejection: deps.verdicts.rejection(namespace, name),
  };
  const { next, arrived } = evaluation.failed
    ? { next: failed(before, { namespace, name, evaluation, now: deps.now() }), arrived: [] }
    : await succeeded(
        { applicationSet, before, evaluation: reuse(evaluation, { applicationSet, before }, deps) },
        deps,
      );
  const isNew = !before || !sameOutcome(before, next);
  const traceparent = activeTraceparent();
  if (isNew) await deps.derived.putEvaluation({ ...next, ...(traceparent ? { traceparent } : {}) });
  // not before: a hub that is killed in between would leave something running that is neither generated nor withdrawn
  await deps.restore(arrived);
  await takeBack(next, deps);
  if (!evaluation.failed) await useVerdicts(next, said, deps);
  return (
    isNew && next.applications.some((application) => foreignOwner(application, applicationSet, deps) !== undefined)
  );
}

/**
 * Withdrawals of what is still there: they were written, and the evaluation that lacks these Applications was not, for the
 * hub was killed between the two, and by now the generators give them again.
 */
async function takeBack({ namespace, name, applications }: StoredEvaluation, deps: GenerateDeps): Promise<void> {
  const ours = [...deps.withdrawals()].filter(({ by }) => by === withdrawerOf(namespace, name));
  if (ours.length === 0) return;
  const places = new Set(ours.map(({ app, cluster }) => `${cluster}/${app}`));
  await deps.restore(applications.filter((one) => places.has(`${deps.clusterOf(one) ?? ''}/${idOf(one)}`)));
}

function withdrawerOf(namespace: string, name: string): string {
  return `applicationset ${namespace}/${name}`;
}

/** A release is good for the removals that it was given for, a rejection until its Applications are generated again. */
async function useVerdicts(
  { namespace, name, held, rejected }: StoredEvaluation,
  { released, rejection }: { released: string | undefined; rejection: Rejection | undefined },
  { verdicts }: Pick<GenerateDeps, 'verdicts'>,
): Promise<void> {
  await verdicts.use(namespace, name, {
    released: released === held?.fingerprint ? undefined : released,
    rejected: rejection && { rejection, still: rejected?.applications ?? [] },
  });
}

/**
 * Each Application with what the one that exists keeps; one that did not change as the object that is stored, so that a
 * large set is compared by its objects.
 */
export function reuse(
  evaluation: Evaluation,
  { applicationSet, before }: Pick<Evaluated, 'applicationSet' | 'before'>,
  { memos }: Pick<GenerateDeps, 'memos'>,
): Evaluation {
  const { keep: keepExisting, warnings } = compileKeepExisting(applicationSet);
  const memo = memos.of(applicationSet);
  const stored = new Map(before?.applications.map((application) => [application.metadata.name, application]));
  const applications = evaluation.applications.map((application) => {
    const present = stored.get(application.metadata.name);
    return present ? reuseOne(application, present, { keepExisting, memo }) : application;
  });
  return { ...evaluation, applications, warnings: [...evaluation.warnings, ...warnings] };
}

function reuseOne(
  application: Application,
  present: Application,
  { keepExisting, memo }: { keepExisting: KeepExisting['keep']; memo: Memo },
): Application {
  if (memo.isSame(application, present)) return present;
  const kept = keepExisting(application, present);
  return memo.isSame(kept, present) ? present : kept;
}

/** Nothing may change: the last good Applications stay, and the condition says why. */
function failed(
  before: StoredEvaluation | undefined,
  at: { namespace: string; name: string; evaluation: Evaluation; now: Date },
): StoredEvaluation {
  const error = at.evaluation.failed ?? new FleetError('GeneratorFailed', 'a generator failed');
  return {
    namespace: at.namespace,
    name: at.name,
    applications: before?.applications ?? [],
    ...(before?.held ? { held: before.held } : {}),
    ...(before?.rejected ? { rejected: before.rejected } : {}),
    errors: before?.errors ?? [],
    problem: { code: error.code, message: error.message },
    warnings: at.evaluation.warnings,
    reads: at.evaluation.reads,
    evaluatedAt: at.now.toISOString(),
  };
}

export interface Evaluated {
  applicationSet: ApplicationSet;
  before: StoredEvaluation | undefined;
  evaluation: Evaluation;
}

export type JudgeDeps = Pick<GenerateDeps, 'ownerOf' | 'clusterOf' | 'planned' | 'project' | 'now'> & {
  verdicts: Pick<Verdicts, 'released' | 'rejection'>;
};

/** What of an evaluation goes ahead, what leaves, and what is held. Writes nothing. */
export function judge(
  evaluated: Evaluated,
  deps: JudgeDeps,
): { before: StoredEvaluation | undefined; decision: Decision } {
  const { applicationSet } = evaluated;
  const [namespace, name] = [namespaceOf(applicationSet), nameOf(applicationSet)];
  const { before, fresh } = settleEvaluation({ ...evaluated, ownerOf: deps.ownerOf });
  const decision = decideRemovals({
    before,
    fresh,
    budget: budgetOf(
      applicationSet,
      projectsOf(applicationSet, { has: before?.applications ?? [], find: deps.project }),
    ),
    released: deps.verdicts.released(namespace, name),
    rejection: deps.verdicts.rejection(namespace, name),
    clusterOf: deps.clusterOf,
    planned: deps.planned,
    now: deps.now(),
  });
  return { before, decision };
}

interface Succeeded {
  next: StoredEvaluation;
  /** What is new, or new where it is: nothing of it is on its way out any more. */
  arrived: Application[];
}

async function succeeded(evaluated: Evaluated, deps: GenerateDeps): Promise<Succeeded> {
  const { applicationSet, evaluation } = evaluated;
  const [namespace, name] = [namespaceOf(applicationSet), nameOf(applicationSet)];
  const { before, decision } = judge(evaluated, deps);
  if (decision.removed.length > 0)
    await deps.withdraw(
      decision.removed,
      `not generated any more by ApplicationSet ${namespace}/${name}`,
      withdrawerOf(namespace, name),
    );
  if (decision.held)
    deps.logger.warn(
      { applicationset: `${namespace}/${name}`, count: decision.held.applications.length },
      'removals are held',
    );
  const next = {
    namespace,
    name,
    applications: decision.applications,
    ...(decision.held ? { held: decision.held } : {}),
    ...(decision.rejected ? { rejected: decision.rejected } : {}),
    errors: [...evaluation.errors, ...whyForeign(evaluated, deps), ...whyUnread(evaluation, deps)],
    warnings: [...evaluation.warnings, ...[whyBudgetInvalid(applicationSet) ?? []].flat()],
    reads: evaluation.reads,
    evaluatedAt: deps.now().toISOString(),
  };
  return { next, arrived: added(before, decision.applications, deps) };
}

type Errors = StoredEvaluation['errors'];

function whyForeign({ applicationSet, evaluation }: Evaluated, deps: GenerateDeps): Errors {
  return evaluation.applications.flatMap((application) => {
    const owner = foreignOwner(application, applicationSet, deps);
    if (owner === undefined) return [];
    const { name } = application.metadata;
    const message = `application ${name} exists already, from ${owner}: change the template's metadata.name`;
    return { application: name, code: 'DuplicateApplication', message };
  });
}

/** A repository that cannot be read now: its last commit was evaluated. */
function whyUnread({ reads }: Evaluation, { derived }: Pick<GenerateDeps, 'derived'>): Errors {
  return reads.repositories.flatMap((read) => derived.revision(locationOfRead(read))?.problem ?? []);
}

/** New, or new on the cluster that it goes to. */
function added(
  before: StoredEvaluation | undefined,
  applications: readonly Application[],
  { clusterOf }: Pick<GenerateDeps, 'clusterOf'>,
): Application[] {
  const placeOf = (application: Application) => `${clusterOf(application) ?? ''}/${application.metadata.name}`;
  const places = new Set((before?.applications ?? []).map(placeOf));
  return applications.filter((application) => !places.has(placeOf(application)));
}

function sameOutcome(before: StoredEvaluation, next: StoredEvaluation): boolean {
  const rest = ({ evaluatedAt: _at, traceparent: _trace, applications: _apps, ...others }: StoredEvaluation) => others;
  return sameApplications(before.applications, next.applications) && isDeepStrictEqual(rest(before), rest(next));
}

/** In any order: they are stored by cluster and source. */
function sameApplications(before: readonly Application[], next: readonly Application[]): boolean {
  if (before.length !== next.length) return false;
  const present = new Set(before);
  return next.every((application) => present.has(application));
}
