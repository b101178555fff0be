import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import { formatKind, type KubeKind } from '../cluster/cluster.ts';
import { liveKey } from '../watch/live-entry.ts';
import { type AppState, readPolicy, type SyncContext } from './app-state.ts';
import { bindTarget, type Target } from './target.ts';

const baseMs = 2_000;
const maxMs = 60_000;
const clusterMaxMs = 10_000;

/**
 * Makes the newest assignment's bundle the target, at the beginning of a pass; reading it may take long and goes on
 * beside the passes, which meanwhile heal the last target. Returns when to look again after a failure, in milliseconds.
 */
export function ensureTarget(context: SyncContext, state: AppState): number | undefined {
  const wanted = state.assigned;
  if (!wanted) return undefined;
  takeLoaded(context, state, wanted);
  if (isFor(state.target, wanted)) {
    state.loading = undefined;
    if (state.policy.assigned !== wanted) adopt(context, state, { assigned: wanted, target: state.target });
    return undefined;
  }
  const { loading } = state;
  if (loading && isFor(loading, wanted)) {
    if (loading.retryAt === undefined) return undefined;
    if (loading.retryAt > context.clock.now()) return loading.retryAt - context.clock.now();
  }
  void load(context, state, wanted);
  return undefined;
}

/** What was read since the last pass: what is wanted, or at least what was in force before a restart. */
function takeLoaded(context: SyncContext, state: AppState, wanted: AssignedApp): void {
  const { loaded } = state;
  state.loaded = undefined;
  const last = state.record.assigned;
  if (isFor(loaded, wanted)) adopt(context, state, { assigned: wanted, target: loaded });
  else if (!state.target && last && isFor(loaded, last)) adopt(context, state, { assigned: last, target: loaded });
}

async function load(context: SyncContext, state: AppState, wanted: AssignedApp): Promise<void> {
  const failures = state.loading && isFor(state.loading, wanted) ? state.loading.failures : 0;
  const loading = { bundle: wanted.bundle, namespace: wanted.ns, standby: wanted.policy.standby === true, failures };
  state.loading = loading;
  try {
    state.loaded = await context.limit(async () => await readTarget(context, wanted));
  } catch (error) {
    if (state.loading !== loading) return;
    const failure = toFleetError(error);
    const cap = failure.code === 'ClusterUnavailable' ? clusterMaxMs : maxMs;
    const wait = backoffMs(failures, { baseMs, maxMs: cap, random: () => 0.5 + context.random() / 2 });
    state.loading = { ...loading, error: failure, failures: failures + 1, retryAt: context.clock.now() + wait };
    context.logger.warn({ err: error, app: state.app, bundle: wanted.bundle }, 'cannot read a bundle');
    if (!state.target) await loadLast(context, state, wanted);
  } finally {
    context.wake(state.app);
  }
}

/** After a restart: the bundle that was in force before, so that drift from it is healed. */
async function loadLast(context: SyncContext, state: AppState, wanted: AssignedApp): Promise<void> {
  const last = state.record.assigned;
  if (!last || isSame(last, wanted)) return;
  try {
    state.loaded = await context.limit(async () => await readTarget(context, last));
  } catch (error) {
    context.logger.warn({ err: error, app: state.app, bundle: last.bundle }, 'cannot read the last bundle either');
  }
}

async function readTarget(context: SyncContext, assigned: AssignedApp): Promise<Target> {
  const manifests = await context.manifests(assigned.bundle);
  const signal = AbortSignal.timeout(60_000);
  return await bindTarget(manifests, {
    app: assigned.app,
    bundle: assigned.bundle,
    namespace: assigned.ns,
    standby: assigned.policy.standby === true,
    isNamespaced: async (kind) => (await context.cluster.findResource(kind, signal))?.namespaced,
  });
}

function adopt(
  context: SyncContext,
  state: AppState,
  { assigned, target }: { assigned: AssignedApp; target: Target | undefined },
): void {
  state.policy = readPolicy(assigned);
  state.target = target;
  state.record.assigned = assigned;
  context.records.save(state.record);
  followTarget(context, state);
}

/** Keeps watching what the target names and what was applied before, until that is pruned. */
export function followTarget({ index, watches }: SyncContext, state: AppState): void {
  const refs = [...(state.target?.resources ?? []), ...Object.values(state.record.resources)].map(({ ref }) => ref);
  index.want(state.app, [...new Set(refs.map(liveKey))]);
  watches.require(state.app, kindsOf(refs));
}

export function kindsOf(refs: readonly KubeKind[]): KubeKind[] {
  return [...new Map(refs.map((ref) => [formatKind(ref), ref])).values()];
}

function isFor(it: Pick<Target, 'bundle' | 'namespace' | 'standby'> | undefined, assigned: AssignedApp): boolean {
  if (it?.bundle !== assigned.bundle || it.namespace !== assigned.ns) return false;
  return it.standby === (assigned.policy.standby === true);
}

function isSame({ bundle, ns, policy }: AssignedApp, assigned: AssignedApp): boolean {
  return isFor({ bundle, namespace: ns, standby: policy.standby === true }, assigned);
}
