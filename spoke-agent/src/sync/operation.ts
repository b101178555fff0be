import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { OperationPhase, OperationState } from '@wheelhouse/shared/protocol/status';
import { spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import { actingAs, phaseOfFailure } from './acting-as.ts';
import type { AppState, SyncContext } from './app-state.ts';
import type { Applying } from './apply.ts';
import { isAutomated } from './automated.ts';
import { compareApp } from './compare.ts';
import { createManifestOf } from './manifest-of.ts';
import { ensureNamespace } from './namespace.ts';
import { planSync, type Wave } from './plan.ts';
import { mayRetry, retryOf, retryWaitMs } from './retry.ts';
import { dryRunWave, isCarriedOut, runWave } from './run-wave.ts';
import { isOn } from './sync-options.ts';
import { gateOf } from './wait.ts';
import { whyOperationWaits } from './windows.ts';

/** A sync on its way. It is carried forward pass by pass, so that waiting for health holds nothing up. */
export interface Operation {
  /** Absent: automated. */
  id?: string;
  by?: string;
  /** `attemptKey` of what it syncs to. */
  key: string;
  revision: string;
  prune: boolean;
  dryRun: boolean;
  force: boolean;
  /** Jobs are made anew although nothing changed, and it ends when they have. */
  runJobs?: true;
  /** When it is over, ended or not, by this cluster's clock: one that hangs would keep all others waiting. */
  endsAt?: number;
  /** Keys of the resources to sync; absent: all. */
  partial?: Set<string>;
  startedAt: number;
  retryCount: number;
  retryAt?: number | undefined;
  /** Who asked to end it. */
  terminatedBy?: string;
  plan?: Wave[] | undefined;
  /** Keys of tasks that were carried out. */
  done: Set<string>;
}

/** Outcome of a step: finished, or waiting for something to change. */
type Step = { phase: OperationPhase; message: string };

/** Carries the operation on. Returns when to come back, in milliseconds. Throws ClusterUnavailable and Aborted. */
export async function advance(context: SyncContext, state: AppState, signal: AbortSignal): Promise<number | undefined> {
  const operation = state.operation as Operation;
  const now = context.clock.now();
  if (operation.terminatedBy !== undefined)
    return finish(context, state, { phase: 'Failed', message: `operation terminated by ${operation.terminatedBy}` });
  if (operation.endsAt !== undefined && now >= operation.endsAt) return finish(context, state, late(state));
  restartIfSuperseded(state, operation);
  const waits = whyOperationWaits(context, state, operation);
  if (waits !== undefined) {
    publish(context, state, { phase: 'Running', message: `waits for a sync window: ${waits}` });
    return timeLeft(operation, now);
  }
  if (operation.retryAt !== undefined && operation.retryAt > now) return operation.retryAt - now;
  operation.retryAt = undefined;
  const step = await attempt(context, state, signal).catch((error: unknown): Step => {
    const failure = toFleetError(error);
    if (failure.code === 'ClusterUnavailable' || failure.code === 'Aborted') throw failure;
    return { phase: phaseOfFailure(state), message: failure.message };
  });
  if (step.phase === 'Running') {
    publish(context, state, step);
    return timeLeft(operation, now);
  }
  return step.phase === 'Succeeded' ? finish(context, state, step) : retryOrFail(context, state, step);
}

function timeLeft({ endsAt }: Operation, now: number): number | undefined {
  return endsAt === undefined ? undefined : endsAt - now;
}

/** What it made stays: a Job that is still at work is not cut off, and the next operation makes it anew. */
function late({ record }: AppState): Step {
  const last = record.operation?.message;
  return { phase: 'Failed', message: `did not end in time${last ? `: ${last}` : ''}` };
}

function restartIfSuperseded(state: AppState, operation: Operation): void {
  const { assigned, attemptKey } = state.policy;
  if (!assigned || operation.key === attemptKey) return;
  operation.key = attemptKey;
  operation.revision = assigned.revision;
  operation.plan = undefined;
  operation.done.clear();
  operation.retryCount = 0;
  operation.retryAt = undefined;
}

async function attempt(context: SyncContext, state: AppState, signal: AbortSignal): Promise<Step> {
  const operation = state.operation as Operation;
  const { target } = state;
  if (!target) throw new FleetError('NotFound', `${state.app} has no bundle to sync to yet`);
  actingAs(state);
  operation.plan ??= planSync(state, compareApp(context, state, target), operation);
  // an agent that dies in the middle must know afterwards that they were run
  if (operation.runJobs && operation.done.size === 0) await context.records.flush();
  if (operation.dryRun) return await dryRun(context, state, signal);
  return await carryOut(context, state, signal);
}

async function carryOut(context: SyncContext, state: AppState, signal: AbortSignal): Promise<Step> {
  const operation = state.operation as Operation;
  const plan = operation.plan ?? [];
  if (isOn('CreateNamespace', state.policy.options)) await ensureNamespace(context, state, signal);
  const applying = { context, state, manifestOf: createManifestOf(context, state), force: operation.force, signal };
  for (const wave of plan) {
    const failures = await traced(applying, operation, wave);
    if (failures.length > 0) return { phase: 'Failed', message: failures.join('; ').slice(0, 2_000) };
    // Argo CD: health is waited for only where there is more than one wave.
    const gate = plan.length > 1 || operation.runJobs ? gateOf(context, wave) : { open: true as const };
    if (!gate.open) return { phase: gate.failed ? 'Failed' : 'Running', message: gate.message };
  }
  return { phase: 'Succeeded', message: 'successfully synced' };
}

/** Runs a wave, within a span if it has anything to send. */
async function traced(applying: Applying, operation: Operation, wave: Wave): Promise<string[]> {
  const { context, state } = applying;
  const run = async () => await runWave(applying, operation, wave);
  if (isCarriedOut(context, state, { operation, wave })) return await run();
  const attributes = { app: state.app, revision: operation.revision, wave: wave.wave };
  return await withSpan(spans.appApply, { traceparent: state.trace?.traceparent, attributes }, run);
}

async function dryRun(context: SyncContext, state: AppState, signal: AbortSignal): Promise<Step> {
  const operation = state.operation as Operation;
  const applying = { context, state, manifestOf: createManifestOf(context, state), signal };
  let changes = 0;
  const failures: string[] = [];
  for (const wave of operation.plan ?? []) {
    const result = await dryRunWave(applying, wave);
    changes += result.changes;
    failures.push(...result.failures);
  }
  if (failures.length > 0) return { phase: 'Failed', message: `dry run: ${failures.join('; ')}`.slice(0, 2_000) };
  return { phase: 'Succeeded', message: `dry run: ${changes} resource(s) would change` };
}

function retryOrFail(context: SyncContext, state: AppState, { phase, message }: Step): number | undefined {
  const operation = state.operation as Operation;
  const automated = isAutomated(operation);
  const retry = retryOf(automated ? state.policy.assigned?.policy.retry : undefined, automated);
  if (!mayRetry(retry, operation.retryCount)) {
    const retried = operation.retryCount > 0 ? ` (retried ${operation.retryCount} times)` : '';
    return finish(context, state, { phase, message: `${message}${retried}` });
  }
  const wait = retryWaitMs(retry.backoff, operation.retryCount);
  operation.retryCount += 1;
  operation.retryAt = context.clock.now() + wait;
  operation.plan = undefined;
  operation.done.clear();
  const at = new Date(operation.retryAt).toISOString();
  const retrying = `retrying attempt #${operation.retryCount} at ${at}`;
  publish(context, state, { phase: 'Running', message: `${message}; ${retrying}` });
  return wait;
}

function finish(context: SyncContext, state: AppState, step: Step): undefined {
  const operation = state.operation as Operation;
  publish(context, state, { ...step, finishedAt: context.clock.now() });
  if (!operation.partial && !operation.dryRun)
    state.record.attempt = {
      key: operation.key,
      phase: step.phase === 'Succeeded' ? 'Succeeded' : 'Failed',
      message: step.message,
    };
  state.operation = undefined;
  context.records.save(state.record);
  context.logger.info(
    { app: state.app, revision: operation.revision, phase: step.phase, reason: step.message },
    'sync finished',
  );
  if (state.asked.length > 0) context.wake(state.app);
  return undefined;
}

/** The operation as status shows it, over restarts of the agent too. */
export function publish(context: SyncContext, state: AppState, step: Step & { finishedAt?: number }): void {
  const { finishedAt } = step;
  const operation = state.operation as Operation;
  const shown: OperationState = {
    ...(operation.id === undefined ? {} : { id: operation.id }),
    phase: step.phase,
    message: step.message,
    revision: operation.revision,
    startedAt: new Date(operation.startedAt).toISOString(),
    ...(finishedAt === undefined ? {} : { finishedAt: new Date(finishedAt).toISOString() }),
    retryCount: operation.retryCount,
  };
  state.record.operation = shown;
  context.records.save(state.record);
}
