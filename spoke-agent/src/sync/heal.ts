import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import { phaseOfFailure } from './acting-as.ts';
import { type AppState, resourceState, type SyncContext } from './app-state.ts';
import { applyResource } from './apply.ts';
import type { Comparison, Comparisons } from './compare.ts';
import { createManifestOf } from './manifest-of.ts';
import { orderTasks } from './order.ts';
import { applyTask, groupWaves } from './plan.ts';
import { healed, nextHealAt } from './self-heal.ts';
import { whyAutomationWaits } from './windows.ts';

/**
 * Self-heal: applies again what drifted from, or vanished since, our own apply of the very manifest that is desired;
 * neither hooks nor waves' health are waited for. Returns when the next one is due, in milliseconds.
 */
export async function healDrift(
  context: SyncContext,
  state: AppState,
  { comparisons, signal }: { comparisons: Comparisons; signal: AbortSignal },
): Promise<number | undefined> {
  if (!state.policy.assigned?.policy.automated?.selfHeal) return undefined;
  if (whyAutomationWaits(context, state) !== undefined) return undefined;
  const now = context.clock.now();
  const drifted = comparisons.resources.filter((comparison) => mayHeal(state, comparison));
  const dueAt = ({ resource }: Comparison) => nextHealAt(state.resources.get(resource.key)?.heal, now);
  const due = drifted.filter((comparison) => dueAt(comparison) <= now);
  const later = drifted.filter((comparison) => dueAt(comparison) > now).map((comparison) => dueAt(comparison) - now);
  if (due.length > 0) await healNow(context, state, { due, signal });
  return later.length > 0 ? Math.min(...later) : undefined;
}

function mayHeal(state: AppState, comparison: Comparison): boolean {
  const { resource, verdict, live, record } = comparison;
  if (verdict !== 'drifted' && verdict !== 'missing') return false;
  // Two Applications that want one object must not fight over it.
  if (live?.deleting || comparison.sharedWith !== undefined) return false;
  return record?.manifest === resource.digest && !isAwaited(state, resource.key);
}

/** Whether the sync that runs will apply it in its turn. */
function isAwaited({ operation }: AppState, key: string): boolean {
  return operation?.plan !== undefined && !operation.done.has(key) && (operation.partial?.has(key) ?? true);
}

async function healNow(
  context: SyncContext,
  state: AppState,
  { due, signal }: { due: Comparison[]; signal: AbortSignal },
): Promise<void> {
  const startedAt = context.clock.now();
  const applying = { context, state, manifestOf: createManifestOf(context, state), signal };
  const tasks = orderTasks(due.map(({ resource, live }) => applyTask(resource, live)));
  const failures: string[] = [];
  const heal = async ({ resource }: (typeof tasks)[number]) => {
    if (!resource) return;
    const known = resourceState(state, resource.key);
    known.heal = healed(known.heal, startedAt);
    try {
      await applyResource(applying, resource);
    } catch (error) {
      if (isFleetError(error, 'ClusterUnavailable') || isFleetError(error, 'Aborted')) throw error;
      known.error = toFleetError(error).message;
      failures.push(known.error);
    }
  };
  await withSpan(spans.appApply, { attributes: { app: state.app, healed: due.length } }, async () => {
    for (const group of groupWaves(tasks).flatMap(({ groups }) => groups)) await Promise.all(group.map(heal));
  });
  const names = due.map(({ resource }) => `${resource.ref.kind} ${resource.ref.name}`);
  report(context, state, { names, failures, startedAt });
}

function report(
  context: SyncContext,
  state: AppState,
  { names, failures, startedAt }: { names: string[]; failures: string[]; startedAt: number },
): void {
  context.logger.info({ app: state.app, resources: names.slice(0, 10), failures: failures.length }, 'drift healed');
  if (state.operation) return;
  state.record.operation = {
    phase: failures.length > 0 ? phaseOfFailure(state) : 'Succeeded',
    message: failures.length > 0 ? failures.join('; ').slice(0, 2_000) : `healed drift of ${listed(names)}`,
    revision: state.policy.assigned?.revision ?? '',
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(context.clock.now()).toISOString(),
    retryCount: 0,
  };
}

function listed(names: string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
