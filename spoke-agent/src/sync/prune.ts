import { formatRef } from '@wheelhouse/shared/kube/object';
import type { LiveEntry } from '../watch/live-entry.ts';
import { actingAs } from './acting-as.ts';
import { type AppState, resourceState, type SyncContext } from './app-state.ts';
import type { ResourceRecord } from './records.ts';
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
  await context.cluster.remove(entry.ref, { propagation, uid: entry.uid, ...actingAs(state), signal });
  resourceState(state, formatRef(entry.ref)).error = undefined;
}

/**
 * Forgets what was applied once it is neither desired nor there. Returns whether there was any. It deletes nothing of the cluster, and
 * is called only while every kind of the record is listed, so that what is not live is gone and not merely unseen.
 */
export function forgetGone(context: SyncContext, state: AppState): boolean {
  const undesired = Object.keys(state.record.resources).filter((key) => !state.target?.keys.has(key));
  if (undesired.length === 0) return false;
  const live = new Set(context.index.ownedBy(state.app).map(({ ref }) => formatRef(ref)));
  const gone = undesired.filter((key) => !live.has(key));
  for (const key of gone) {
    context.expectations.remove(state.record.resources[key] as ResourceRecord);
    delete state.record.resources[key];
    state.resources.delete(key);
  }
  if (gone.length > 0) context.records.save(state.record);
  return gone.length > 0;
}
