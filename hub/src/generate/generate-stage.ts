/**
 * Evaluates an ApplicationSet and keeps the outcome. A job is an ApplicationSet. A generator that fails changes
 * nothing; removals are written as withdrawals before the evaluation that lacks them, and only within the budget.
 */
import { isDeepStrictEqual } from 'node:util';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import type { Trigger } from '../queue/queue.ts';
import type { Snapshot } from '../source/source.ts';
import type { Derived, StoredEvaluation } from '../store/derived.ts';
import type { SpecStore } from '../store/specs.ts';
import { type Evaluation, type GeneratorCluster, generate } from './generate.ts';
import { budgetOf, decideRemovals } from './hold.ts';

export interface GenerateDeps {
  logger: Logger;
  specs: Pick<SpecStore, 'find'>;
  derived: Pick<Derived, 'evaluation' | 'putEvaluation' | 'revision'>;
  clusters(): GeneratorCluster[];
  /** Opens the commit that a repository's revision was last resolved to. */
  snapshot(repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot>;
  /** Writes withdrawals for Applications that are about to leave. */
  withdraw(applications: readonly Application[], reason: string, by: string): Promise<void>;
  /** Forgets withdrawals of Applications that are desired again. */
  restore(applications: readonly Application[]): Promise<void>;
  /** Fingerprint of removals that a person released, if any. */
  released(namespace: string, name: string): string | undefined;
  /** Whether people or another set own an Application of this name already. */
  ownerOf(application: Application): string | undefined;
  now(): Date;
}

/** Key of an ApplicationSet's jobs. */
export function applicationSetKey(namespace: string, name: string): string {
  return `${namespace}.${name}`;
}

export async function runGenerate(trigger: Trigger, deps: GenerateDeps, signal: AbortSignal): Promise<void> {
  const dot = trigger.key.indexOf('.');
  const [namespace, name] = [trigger.key.slice(0, dot), trigger.key.slice(dot + 1)];
  const spec = deps.specs.find('ApplicationSet', namespace, name);
  if (!spec) return;
  await withSpan(
    spans.appsetGenerate,
    { traceparent: trigger.traceparent, attributes: { applicationset: `${namespace}/${name}` } },
    async (span) => {
      const applicationSet = spec.resource as ApplicationSet;
      const before = deps.derived.evaluation(namespace, name);
      const evaluation = await generate({
        applicationSet,
        clusters: deps.clusters(),
        git: { snapshot: deps.snapshot },
        signal,
      });
      span.setAttribute('applications', evaluation.applications.length);
      const next = evaluation.failed
        ? failed(before, { namespace, name, evaluation, now: deps.now() })
        : await succeeded({ applicationSet, before, evaluation }, deps);
      if (before && sameOutcome(before, next)) return;
      const traceparent = activeTraceparent();
      await deps.derived.putEvaluation({ ...next, ...(traceparent ? { traceparent } : {}) });
    },
  );
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
    errors: before?.errors ?? [],
    problem: { code: error.code, message: error.message },
    warnings: at.evaluation.warnings,
    reads: at.evaluation.reads,
    evaluatedAt: at.now.toISOString(),
  };
}

interface Evaluated {
  applicationSet: ApplicationSet;
  before: StoredEvaluation | undefined;
  evaluation: Evaluation;
}

async function succeeded(evaluated: Evaluated, deps: GenerateDeps): Promise<StoredEvaluation> {
  const { applicationSet, before, evaluation } = evaluated;
  const namespace = applicationSet.metadata.namespace ?? 'argocd';
  const name = applicationSet.metadata.name ?? '';
  const owned = evaluation.applications.map((application) => ({ application, owner: deps.ownerOf(application) }));
  const foreign = owned.flatMap(({ application, owner }) =>
    owner === undefined || owner === `${namespace}/${name}`
      ? []
      : [
          {
            application: application.metadata.name ?? '',
            code: 'DuplicateApplication',
            message: `application ${application.metadata.name} exists already, from ${owner}: change the template's metadata.name`,
          },
        ],
  );
  const mine = owned
    .filter(({ owner }) => owner === undefined || owner === `${namespace}/${name}`)
    .map(({ application }) => application);
  const fresh = withPolicy(applicationSet, before, [...mine, ...spared(before, mine, evaluation.errors)]);
  const decision = decideRemovals({
    before,
    fresh,
    budget: budgetOf(applicationSet),
    released: deps.released(namespace, name),
    now: deps.now(),
  });
  if (decision.removed.length > 0)
    await deps.withdraw(
      decision.removed,
      `not generated any more by ApplicationSet ${namespace}/${name}`,
      `applicationset ${namespace}/${name}`,
    );
  await deps.restore(added(before, decision.applications));
  if (decision.held)
    deps.logger.warn(
      { applicationset: `${namespace}/${name}`, count: decision.held.applications.length },
      'removals are held',
    );
  return {
    namespace,
    name,
    applications: decision.applications,
    ...(decision.held ? { held: decision.held } : {}),
    errors: [...evaluation.errors, ...foreign],
    warnings: evaluation.warnings,
    reads: evaluation.reads,
    evaluatedAt: deps.now().toISOString(),
  };
}

/** An Application that could not be generated stays as it was; an error without a name may be about any of them. */
function spared(
  before: StoredEvaluation | undefined,
  mine: readonly Application[],
  errors: Evaluation['errors'],
): Application[] {
  const names = new Set(mine.map((application) => application.metadata.name));
  const failed = new Set(errors.map((error) => error.application));
  const gone = (before?.applications ?? []).filter((application) => !names.has(application.metadata.name));
  return failed.has(undefined) ? gone : gone.filter((application) => failed.has(application.metadata.name));
}

/** Argo CD: `syncPolicy.applicationsSync` says whether Applications may be updated or deleted after they were created. */
function withPolicy(
  applicationSet: ApplicationSet,
  before: StoredEvaluation | undefined,
  fresh: Application[],
): Application[] {
  const policy = applicationSet.spec.syncPolicy?.applicationsSync ?? 'sync';
  const present = new Map((before?.applications ?? []).map((application) => [application.metadata.name, application]));
  const updates =
    policy === 'create-only' || policy === 'create-delete'
      ? fresh.map((application) => present.get(application.metadata.name) ?? application)
      : fresh;
  if (policy !== 'create-only' && policy !== 'create-update') return updates;
  const names = new Set(updates.map((application) => application.metadata.name));
  return [...updates, ...[...present.values()].filter((application) => !names.has(application.metadata.name))];
}

function added(before: StoredEvaluation | undefined, applications: readonly Application[]): Application[] {
  const names = new Set((before?.applications ?? []).map((application) => application.metadata.name));
  return applications.filter((application) => !names.has(application.metadata.name));
}

function sameOutcome(before: StoredEvaluation, next: StoredEvaluation): boolean {
  const comparable = ({ evaluatedAt: _at, traceparent: _trace, ...rest }: StoredEvaluation) => rest;
  return isDeepStrictEqual(comparable(before), comparable(next));
}
