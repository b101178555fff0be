import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import { type KubeKind, formatKind } from '../cluster/cluster.ts';
import { liveKey } from '../watch/live-entry.ts';
import { type AppState, readPolicy, type SyncContext } from './app-state.ts';
import { bindTarget, type Target } from './target.ts';

const baseMs = 2_000;
const maxMs = 60_000;
const clusterMaxMs = 10_000;

/**
 * Makes the newest assignment's bundle the target, beside the pass: fetching may take long, and meanwhile the last
 * target goes on being healed. Returns when to look again after a failure, in milliseconds.
 */
export function ensureTarget(context: SyncContext, state: AppState): number | undefined {
  const wanted = state.assigned;
  if (!wanted) return undefined;
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

async function load(context: SyncContext, state: AppState, wanted: AssignedApp): Promise<void> {
  const failures = state.loading && isFor(state.loading, wanted) ? state.loading.failures : 0;
  const loading = { bundle: wanted.bundle, namespace: wanted.ns, failures };
  state.loading = loading;
  try {
    const target = await context.limit(async () => await readTarget(context, wanted));
    // A newer assignment may have come meanwhile, with a policy of its own or another bundle altogether.
    const newest = state.assigned;
    if (newest && isFor(target, newest)) adopt(context, state, { assigned: newest, target });
  } catch (error) {
    if (state.loading !== loading) return;
    const failure = toFleetError(error);
    const cap = failure.code === 'ClusterUnavailable' ? clusterMaxMs : maxMs;
    const wait = backoffMs(failures, { baseMs, maxMs: cap, random: () => 0.5 + context.random() / 2 });
    state.loading = { ...loading, error: failure, failures: failures + 1, retryAt: context.clock.now() + wait };
    context.logger.warn({ err: error, app: state.app, bundle: wanted.bundle }, 'cannot read a bundle');
    if (!state.target) await fallBack(context, state, wanted);
  } finally {
    context.wake(state.app);
  }
}

/** After a restart: the bundle that was in force before, so that drift from it is healed. */
async function fallBack(context: SyncContext, state: AppState, wanted: AssignedApp): Promise<void> {
  const last = state.record.assigned;
  if (!last || isFor(last, wanted)) return;
  try {
    const target = await context.limit(async () => await readTarget(context, last));
    if (!state.target) adopt(context, state, { assigned: last, target });
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

function isFor(it: { bundle: string; namespace?: string; ns?: string } | undefined, assigned: AssignedApp): boolean {
  return it !== undefined && it.bundle === assigned.bundle && (it.namespace ?? it.ns) === assigned.ns;
}
