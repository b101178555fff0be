import { kindPosition } from '@wheelhouse/shared/kube/kinds';
import { formatRef, formatTrackingId, type ObjectRef, refOf, trackingAnnotation } from '@wheelhouse/shared/kube/object';
import type { LiveEntry } from '../watch/live-entry.ts';
import { actingAs } from './acting-as.ts';
import { type AppState, type SyncContext } from './app-state.ts';
import { waveOf } from './hooks.ts';
import { kindsOf } from './load-target.ts';
import { optionOf, propagationOf, resourceOptions } from './sync-options.ts';

/** What is left of an Application whose tombstone is being carried out. */
export type Removal = { done: true } | { done: false; left: LiveEntry[] };

/**
 * Carries out a tombstone: with cascade, deletes what carries the Application's tracking id, highest wave first and
 * kinds in reverse, each wave only when the one before is gone; without, leaves all of it. Then forgets the Application.
 */
export async function removeApp(context: SyncContext, state: AppState, signal: AbortSignal): Promise<Removal> {
  state.operation = undefined;
  if (state.record.removed) return { done: true };
  if (!state.tombstone?.cascade) return forget(context, state);
  const { kinds } = (state.removal ??= { kinds: await kindsToSearch(context, state, signal) });
  context.index.want(state.app, []);
  context.watches.require(state.app, kinds);
  if (!context.watches.areListed(kinds)) return { done: false, left: [] };
  const left = context.index.ownedBy(state.app).filter((entry) => !isKept(state, entry));
  if (left.length === 0) return forget(context, state);
  await removeNextWave(context, state, { left, signal });
  return { done: false, left };
}

async function removeNextWave(
  { cluster }: SyncContext,
  state: AppState,
  { left, signal }: { left: LiveEntry[]; signal: AbortSignal },
): Promise<void> {
  const wave = Math.max(...left.map(({ annotations }) => waveOf(annotations)));
  const now = left
    .filter((entry) => waveOf(entry.annotations) === wave && !entry.deleting)
    .sort((a, b) => kindPosition(b.ref.kind) - kindPosition(a.ref.kind));
  const options = { propagation: propagationOf(state.policy.options), ...actingAs(state), signal };
  for (const kind of new Set(now.map(({ ref }) => ref.kind)))
    await Promise.all(
      now
        .filter(({ ref }) => ref.kind === kind)
        .map(async ({ ref, uid }) => await cluster.remove(ref, { ...options, uid })),
    );
}

/** Argo CD: Delete=false, and Helm's resource-policy keep. Delete=confirm is kept too, as it cannot be confirmed yet. */
function isKept({ policy }: AppState, { annotations }: LiveEntry): boolean {
  const option = optionOf('Delete', policy.options, resourceOptions(annotations));
  return option !== undefined && option !== 'true';
}

/** The kinds that were applied; when that is not known any more, every kind in which something of ours is found. */
async function kindsToSearch(context: SyncContext, state: AppState, signal: AbortSignal): Promise<ObjectRef[]> {
  const recorded = Object.values(state.record.resources).map(({ ref }) => ref);
  if (recorded.length > 0) return kindsOf(recorded) as ObjectRef[];
  const found: ObjectRef[] = [];
  for (const resource of await context.cluster.resources(signal)) {
    if (!['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb))) continue;
    for await (const object of context.cluster.list(resource, signal)) {
      const ref = refOf(object);
      const id = object.metadata.annotations?.[trackingAnnotation];
      if (id === formatTrackingId(state.app, ref)) found.push(ref);
    }
  }
  context.logger.info({ app: state.app, resources: found.map(formatRef).slice(0, 20) }, 'searched for what to remove');
  return kindsOf(found) as ObjectRef[];
}

function forget(context: SyncContext, state: AppState): Removal {
  for (const record of Object.values(state.record.resources)) context.expectations.remove(record);
  state.record = { v: 1, app: state.app, resources: {}, operations: state.record.operations, removed: true };
  context.records.save(state.record);
  context.index.want(state.app, []);
  context.watches.require(state.app, []);
  state.target = undefined;
  state.removal = undefined;
  state.resources.clear();
  return { done: true };
}
