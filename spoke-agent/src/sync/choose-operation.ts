import { formatRef } from '@wheelhouse/shared/kube/object';
import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import type { AppState, SyncContext } from './app-state.ts';
import type { Comparisons } from './compare.ts';
import { type Operation, publish } from './operation.ts';
import { whyNotPruned } from './prune.ts';
import { whyAutomationWaits } from './windows.ts';

/** Puts what people asked for, else what automation wants, on its way. */
export function chooseOperation(context: SyncContext, state: AppState, comparisons: Comparisons): void {
  takeTerminate(context, state);
  takeRefresh(context, state);
  const isAutomated = state.operation !== undefined && state.operation.id === undefined;
  // What was asked for with a new bundle means that bundle.
  const isLoading = state.loading !== undefined && !state.loading.error;
  const asked = isLoading ? undefined : state.asked.find(({ type }) => type === 'sync');
  if (asked && (!state.operation || isAutomated)) {
    acknowledge(context, state, asked);
    state.operation = operationOf(context, state, asked);
    publish(context, state, { phase: 'Running', message: 'begins' });
  }
  if (state.operation) return;
  automate(context, state, comparisons);
}

function automate(context: SyncContext, state: AppState, comparisons: Comparisons): void {
  const reason = whyNotAutomated(state, comparisons);
  if (reason === undefined && whyAutomationWaits(context, state) !== undefined) return;
  if (reason === undefined) state.operation = operationOf(context, state, undefined);
  else if (reason === 'synced') settle(context, state);
}

/** What is synced as it is counts as attempted: drift from it is a matter of self-heal. */
function settle(context: SyncContext, state: AppState): void {
  state.record.attempt = { key: state.policy.attemptKey, phase: 'Succeeded', message: 'nothing to do' };
  context.records.save(state.record);
}

function takeTerminate(context: SyncContext, state: AppState): void {
  for (const asked of state.asked.filter(({ type }) => type === 'terminate')) {
    acknowledge(context, state, asked);
    if (state.operation) state.operation.terminatedBy = asked.by;
  }
}

function takeRefresh(context: SyncContext, state: AppState): void {
  for (const asked of state.asked.filter(({ type }) => type === 'refresh')) {
    acknowledge(context, state, asked);
    state.refresh = true;
  }
}

const remembered = 100;

/** Each operation is acted upon once, over restarts too. */
function acknowledge(context: SyncContext, state: AppState, asked: AssignedOperation): void {
  state.asked = state.asked.filter(({ id }) => id !== asked.id);
  state.record.operations = [...state.record.operations, asked.id].slice(-remembered);
  context.records.save(state.record);
}

function operationOf(context: SyncContext, state: AppState, asked: AssignedOperation | undefined): Operation {
  const assigned = state.policy.assigned;
  return {
    key: state.policy.attemptKey,
    revision: assigned?.revision ?? '',
    prune: assigned?.policy.automated?.prune ?? false,
    dryRun: false,
    force: false,
    startedAt: context.clock.now(),
    retryCount: 0,
    done: new Set(),
    ...(asked ? wishOf(asked) : {}),
  };
}

function wishOf({ id, by, sync, expiresAt }: AssignedOperation): Partial<Operation> {
  if (!sync) return { id, by };
  const { prune, dryRun, force, runJobs, resources } = sync;
  return {
    id,
    by,
    prune,
    dryRun,
    force,
    ...(runJobs ? { runJobs, endsAt: Date.parse(expiresAt) } : {}),
    ...(resources ? { partial: new Set(resources.map(formatRef)) } : {}),
  };
}

/** Argo CD's auto-sync: why it does nothing now; undefined when it syncs. */
export function whyNotAutomated(state: AppState, comparisons: Comparisons): string | undefined {
  const assigned = state.policy.assigned;
  const automated = assigned?.policy.automated;
  if (!assigned || !automated) return 'not automated';
  if (state.record.attempt?.key === state.policy.attemptKey) return 'attempted';
  const prunes = automated.prune && comparisons.extraneous.some((entry) => whyNotPruned(state, entry) === undefined);
  if (!prunes && comparisons.resources.every(({ verdict }) => verdict === 'synced')) return 'synced';
  return whyEmptyRefused(state, comparisons);
}

/** Argo CD: `allowEmpty`: an automated sync does not prune everything unless told that it may. */
export function whyEmptyRefused(state: AppState, { resources, extraneous }: Comparisons): string | undefined {
  const automated = state.policy.assigned?.policy.automated;
  if (!automated?.prune || automated.allowEmpty || resources.length > 0 || extraneous.length === 0) return undefined;
  return 'the bundle is empty and an automated sync would delete all resources; set allowEmpty if that is meant, or sync by hand';
}
