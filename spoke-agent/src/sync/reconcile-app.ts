import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { recordSpan, spans } from '@wheelhouse/shared/telemetry/tracing';
import type { AppState, SyncContext } from './app-state.ts';
import { chooseOperation } from './choose-operation.ts';
import { compareApp } from './compare.ts';
import { healDrift } from './heal.ts';
import { ensureTarget, followTarget, kindsOf } from './load-target.ts';
import { advance } from './operation.ts';
import { forgetGone } from './prune.ts';
import { removeApp } from './remove-app.ts';
import { type ReportedStatus, removalStatus, statusOf } from './status.ts';
import type { Target } from './target.ts';
import { verifyApp } from './verify.ts';
import { windowsChangeAfter } from './windows.ts';

const retry = { baseMs: 500, maxMs: 30_000 };

/** What one look at an Application came to. */
export interface Pass {
  status?: ReportedStatus;
  /** When to look again, in milliseconds; absent: when something changes. */
  afterMs?: number | undefined;
  /** Of a tombstone: its first deletions were sent, or there is nothing to delete. */
  withdraws?: boolean;
}

/** One level-based look: whatever happened before, brings the Application nearer to what is assigned. Never throws. */
export async function reconcileApp(context: SyncContext, state: AppState, signal: AbortSignal): Promise<Pass> {
  try {
    const pass = state.tombstone
      ? await carryOutTombstone(context, state, signal)
      : await converge(context, state, signal);
    if (state.failure && pass.status) {
      state.failure = undefined;
      return { ...pass, status: currentStatus(context, state) };
    }
    return pass;
  } catch (error) {
    if (isFleetError(error, 'Aborted') || signal.aborted) return {};
    const count = (state.failure?.count ?? 0) + 1;
    state.failure = { error: toFleetError(error), count };
    if (state.failure.error.code !== 'ClusterUnavailable')
      context.logger.error({ err: error, app: state.app }, 'cannot reconcile an Application');
    const afterMs = backoffMs(count - 1, { ...retry, least: 0.5, random: context.random });
    return { status: currentStatus(context, state), afterMs };
  }
}

function currentStatus(context: SyncContext, state: AppState): ReportedStatus {
  return state.tombstone ? removalStatus(context, state, []) : statusOf(context, state);
}

async function carryOutTombstone(context: SyncContext, state: AppState, signal: AbortSignal): Promise<Pass> {
  const removal = await removeApp(context, state, signal);
  const withdraws = removal.done || removal.left.length > 0;
  return { status: removalStatus(context, state, removal.done ? undefined : removal.left), withdraws };
}

async function converge(context: SyncContext, state: AppState, signal: AbortSignal): Promise<Pass> {
  const loadAfter = ensureTarget(context, state);
  const { target } = state;
  if (!target)
    return state.loading?.error ? { status: statusOf(context, state), afterMs: loadAfter } : { afterMs: loadAfter };
  const kinds = kindsOf([
    ...target.resources.map(({ ref }) => ref),
    ...Object.values(state.record.resources).map(({ ref }) => ref),
  ]);
  if (!context.watches.areListed(kinds)) {
    const failure = context.watches.failure(kinds);
    if (failure) throw failure;
    return { afterMs: loadAfter };
  }
  const actAfter = await act(context, state, { target, signal });
  if (forgetGone(context, state)) followTarget(context, state);
  const status = statusOf(context, state);
  traceHealthy(state, status);
  return { status, afterMs: sooner(loadAfter, actAfter) };
}

async function act(
  context: SyncContext,
  state: AppState,
  { target, signal }: { target: Target; signal: AbortSignal },
): Promise<number | undefined> {
  chooseOperation(context, state, compareApp(context, state, target));
  const operationAfter = state.operation ? await advance(context, state, signal) : undefined;
  const comparisons = compareApp(context, state, target);
  const healAfter = await healDrift(context, state, { comparisons, signal });
  if (!state.operation) await verifyApp(context, state, { comparisons, signal });
  return sooner(sooner(operationAfter, healAfter), windowsChangeAfter(context, state));
}

function sooner(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** The trace of a commit ends here; the status that says Healthy still carries it. */
function traceHealthy(state: AppState, status: ReportedStatus): void {
  const { trace } = state;
  // as long as the new bundle is being read, the status is about the old one
  if (state.policy.assigned !== state.assigned) return;
  if (!trace || status.sync !== 'Synced' || status.health.status !== 'Healthy' || state.operation) return;
  const attributes = { app: state.app, revision: status.revision };
  recordSpan(spans.appHealthy, { traceparent: trace.traceparent, attributes, startedAt: new Date(trace.since) });
  state.trace = undefined;
}
