import { formatRef } from '@wheelhouse/shared/kube/object';
import type { LiveEntry } from '../watch/live-entry.ts';
import type { AppState, SyncContext } from './app-state.ts';
import { optionOf, propagationOf, resourceOptions } from './sync-options.ts';

/** Why an object that is desired no longer stays; undefined when it may go. */
export function whyNotPruned({ policy }: Pick<AppState, 'policy'>, entry: LiveEntry): string | undefined {
  const prune = optionOf('Prune', policy.options, resourceOptions(entry.annotations));
  if (prune === undefined || prune === 'true') return undefined;
  return prune === 'confirm' ? 'kept: Prune=confirm (confirming is not built yet)' : 'kept: Prune=false';
}

/** Deletes one object of ours, by its uid: never one that took its place. */
export async function pruneResource(
  { context, state, signal }: { context: SyncContext; state: AppState; signal: AbortSignal },
  entry: LiveEntry,
): Promise<void> {
  const propagation = propagationOf(state.policy.options);
  await context.cluster.remove(entry.ref, { propagation, uid: entry.uid, signal });
}

/** Forgets what was applied once it is neither desired nor there. */
export function forgetGone(context: SyncContext, state: AppState): boolean {
  const desired = new Set(state.target?.resources.map(({ key }) => key));
  const live = new Set(context.index.ownedBy(state.app).map(({ ref }) => formatRef(ref)));
  let forgot = false;
  for (const [key, record] of Object.entries(state.record.resources)) {
    if (desired.has(key) || live.has(key)) continue;
    delete state.record.resources[key];
    context.expectations.remove(record);
    state.resources.delete(key);
    forgot = true;
  }
  if (forgot) context.records.save(state.record);
  return forgot;
}
