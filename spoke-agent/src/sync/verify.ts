import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { fieldManager } from '../cluster/cluster.ts';
import { wouldChangeNothing } from '../diff/drift.ts';
import { comparingAs } from './acting-as.ts';
import { type AppState, resourceState, type SyncContext } from './app-state.ts';
import { remember } from './apply.ts';
import { type Comparison, type Comparisons, compareResource, isKnownToDiffer } from './compare.ts';
import { createManifestOf, type ManifestOf } from './manifest-of.ts';
import { validationOf } from './sync-options.ts';

/**
 * Asks the API server about resources whose record does not tell (lost records, Applications that are not automated,
 * refresh), by server-side dry runs: once per version of manifest and live object.
 */
export async function verifyApp(
  context: SyncContext,
  state: AppState,
  { comparisons, signal }: { comparisons: Comparisons; signal: AbortSignal },
): Promise<void> {
  const verifying = { context, state, manifestOf: createManifestOf(context, state), signal };
  const unsought = comparisons.resources.filter((comparison) => isUnsought(state, comparison));
  await Promise.all(unsought.map(async (comparison) => await seek(verifying, comparison)));
  const sought = unsought.map(({ resource }) => compareResource(context, state, resource));
  const doubtful = [...comparisons.resources, ...sought].filter((comparison) => isUnverified(state, comparison));
  await Promise.all(doubtful.map(async (comparison) => await verify(verifying, comparison)));
  state.refresh = false;
}

interface Verifying {
  context: SyncContext;
  state: AppState;
  manifestOf: ManifestOf;
  signal: AbortSignal;
}

/** An object without tracking id is not in the index if it was there before it was desired. */
function isUnsought(state: AppState, { resource, verdict }: Comparison): boolean {
  if (verdict !== 'missing' || state.policy.assigned?.policy.automated) return false;
  return state.refresh || state.resources.get(resource.key)?.soughtFor !== resource.digest;
}

async function seek({ context, state, signal }: Verifying, { resource }: Comparison): Promise<void> {
  const live = await context.cluster.find(resource.ref, signal);
  resourceState(state, resource.key).soughtFor = resource.digest;
  if (live) context.index.put(live);
}

async function verify(verifying: Verifying, comparison: Comparison): Promise<void> {
  const { context, state, manifestOf, signal } = verifying;
  const { resource, verdict } = comparison;
  const live = comparison.live?.object ?? (await context.cluster.find(resource.ref, signal));
  if (!live) return;
  const manifest = await manifestOf(resource);
  const rule = state.policy.ignore(resource.ref);
  const dry = await tryApply(verifying, comparison, manifest);
  if (dry && wouldChangeNothing(dry, live, rule)) {
    remember(verifying, resource, { live, manifest, ignore: rule?.digest });
    context.index.put(live);
    return;
  }
  resourceState(state, resource.key).differs = {
    manifest: resource.digest,
    resourceVersion: live.metadata.resourceVersion ?? '',
  };
  if (verdict !== 'synced' || !comparison.live) return;
  // The records did not tell, only the API server could: it drifted, and may be healed.
  comparison.live.drifted = true;
  context.wake(state.app);
}

/** What an apply would make of it; undefined when it would be refused, with the reason kept for the status. */
async function tryApply(
  { context, state, signal }: Verifying,
  { resource }: Comparison,
  manifest: KubeObject,
): Promise<KubeObject | undefined> {
  const known = resourceState(state, resource.key);
  try {
    const fieldValidation = validationOf(state.policy.options, resource.options);
    const options = { fieldManager, fieldValidation, dryRun: true, ...comparingAs(state), signal };
    const dry = await context.cluster.apply(manifest, options);
    known.error = undefined;
    return dry;
  } catch (error) {
    if (isFleetError(error, 'ClusterUnavailable') || isFleetError(error, 'Aborted')) throw error;
    known.error = toFleetError(error).message;
    return undefined;
  }
}

/** Whether only the API server can tell its sync status. */
function isUnverified(state: AppState, comparison: Comparison): boolean {
  const { verdict, live } = comparison;
  if (!live || live.deleting) return false;
  if (state.refresh) return true;
  return (verdict === 'unknown' || verdict === 'changed') && !isKnownToDiffer(state, comparison);
}
