import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { StoredEvaluation } from '../store/derived.ts';
import { nameOf, namespaceOf } from '../store/specs.ts';
import type { Evaluation } from './generate.ts';

export interface SettleInput {
  applicationSet: ApplicationSet;
  before: StoredEvaluation | undefined;
  evaluation: Evaluation;
  /** Whether people or another set own an Application of this name already. */
  ownerOf(application: Application): string | undefined;
}

/** What an evaluation means for the Applications that are the set's own, before removals are judged. Pure. */
export function settleEvaluation(input: SettleInput): { before: StoredEvaluation | undefined; fresh: Application[] } {
  const { applicationSet, evaluation } = input;
  const isMine = (application: Application) => foreignOwner(application, applicationSet, input) === undefined;
  // what turned out to be another's is let go of without a withdrawal: it goes on there
  const before = input.before && { ...input.before, applications: input.before.applications.filter(isMine) };
  const mine = evaluation.applications.filter(isMine);
  return { before, fresh: withPolicy(applicationSet, before, [...mine, ...spared(before, mine, evaluation.errors)]) };
}

/** Who else has this name: a manifest, or another set. */
export function foreignOwner(
  application: Application,
  applicationSet: ApplicationSet,
  deps: Pick<SettleInput, 'ownerOf'>,
): string | undefined {
  const owner = deps.ownerOf(application);
  return owner === `${namespaceOf(applicationSet)}/${nameOf(applicationSet)}` ? undefined : owner;
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
