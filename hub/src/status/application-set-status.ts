import type { RollingSyncStatus } from '../rollout/rolling-sync-status.ts';
import type { StoredEvaluation } from '../store/derived.ts';
import { type DeletionInput, deletionCondition, formatDeletion } from './deletion-status.ts';

/** Argo CD: at most 5,000 resources in an ApplicationSet's status; here the first 1,000, with `resourcesCount` beside. */
const maxResources = 1_000;

type Condition = { type: string; status: 'True' | 'False'; reason: string; message: string };

/** Argo CD's `status` of an ApplicationSet: conditions, the Applications it made, and what holds it up. */
export function formatApplicationSetStatus(
  evaluation: StoredEvaluation,
  { rollingSync, deletion }: { rollingSync?: RollingSyncStatus | undefined; deletion?: DeletionInput | undefined } = {},
): Record<string, unknown> {
  const { applications, held, rejected, evaluatedAt } = evaluation;
  const first = evaluation.problem ?? evaluation.errors[0];
  return {
    conditions: [
      ...formatConditions(evaluation).map((condition) => ({ ...condition, lastTransitionTime: evaluatedAt })),
      ...(rollingSync?.conditions ?? []),
      ...deletionConditions(deletion),
    ],
    ...(rollingSync ? { applicationStatus: rollingSync.applicationStatus } : {}),
    resources: applications.slice(0, maxResources).map(({ metadata }) => ({
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'Application',
      namespace: metadata.namespace,
      name: metadata.name,
    })),
    resourcesCount: applications.length,
    health: { status: first ? 'Degraded' : 'Healthy' },
    ...(held ? { held } : {}),
    ...(rejected ? { rejected } : {}),
    ...(deletion ? { deletion: formatDeletion(deletion) } : {}),
    evaluatedAt,
  };
}

function deletionConditions(deletion: DeletionInput | undefined): ReturnType<typeof deletionCondition>[] {
  return deletion ? [deletionCondition(deletion)] : [];
}

type Outcome = { reason: string; message: string };

function formatConditions(evaluation: StoredEvaluation): Condition[] {
  const { problem, held, errors, warnings, applications } = evaluation;
  const good = { reason: 'ApplicationSetUpToDate', message: 'all applications are as generated' };
  const generated = { reason: 'ParametersGenerated', message: `generated ${applications.length} applications` };
  const failed = problem && outcomeOf(problem);
  const bad = failed ?? summaryOf(errors);
  const holding = held && { reason: 'DeletionHeld', message: heldMessage(evaluation) };
  return [
    { type: 'ErrorOccurred', status: formatBoolean(bad), ...(bad ?? good) },
    { type: 'ParametersGenerated', status: formatBoolean(!failed), ...(failed ?? generated) },
    { type: 'ResourcesUpToDate', status: formatBoolean(!bad && !held), ...(holding ?? bad ?? good) },
    ...(holding ? [{ type: 'DeletionHeld', status: 'True' as const, ...holding }] : []),
    ...rejectedConditions(evaluation),
    ...warnings.map((message) => ({ type: 'Warning', status: 'True' as const, reason: 'Warning', message })),
  ];
}

function outcomeOf({ code, message }: { code: string; message: string }): Outcome {
  return { reason: code, message };
}

function summaryOf(errors: StoredEvaluation['errors']): Outcome | undefined {
  const [first] = errors;
  if (!first) return undefined;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return { reason: first.code, message: first.message + more };
}

function formatBoolean(value: unknown): Condition['status'] {
  return value ? 'True' : 'False';
}

function heldMessage(evaluation: StoredEvaluation): string {
  const name = nameFor(evaluation);
  return `${evaluation.held?.reason}: nothing was removed; 'wheelhouse appset release ${name}' lets it go ahead, 'wheelhouse appset reject ${name}' keeps them`;
}

function rejectedConditions(evaluation: StoredEvaluation): Condition[] {
  const { rejected } = evaluation;
  if (!rejected) return [];
  const { applications, by, reason } = rejected;
  const message = `${applications.length} Applications that are not generated any more stay, by ${by}: ${reason}; 'wheelhouse appset release ${nameFor(evaluation)} --rejected' removes them after all`;
  return [{ type: 'DeletionRejected', status: 'True', reason: 'DeletionRejected', message }];
}

/** As the command line takes it. */
function nameFor({ namespace, name }: StoredEvaluation): string {
  return namespace === 'argocd' ? name : `${namespace}/${name}`;
}
