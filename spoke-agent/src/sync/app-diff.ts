import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { fieldManager } from '../cluster/cluster.ts';
import { diffResource, type ResourceDiff } from '../diff/resource-diff.ts';
import { comparingAs } from './acting-as.ts';
import type { AppState, SyncContext } from './app-state.ts';
import { type Comparison, compareApp } from './compare.ts';
import { createManifestOf } from './manifest-of.ts';

/** How the live resources differ from what a sync would make of them, by dry runs; empty: in sync. */
export async function diffApp(context: SyncContext, state: AppState, signal: AbortSignal): Promise<ResourceDiff[]> {
  const { target } = state;
  if (!target)
    throw new FleetError('NotFound', `the bundle of Application ${state.app} has not been read yet; try again`, {
      retryable: true,
    });
  const comparisons = compareApp(context, state, target);
  const manifestOf = createManifestOf(context, state);
  const diffOf = async ({ resource: { ref }, resource }: Comparison) => {
    const live = await context.cluster.find(ref, signal);
    const manifest = await manifestOf(resource);
    const options = { fieldManager, dryRun: true, ...comparingAs(state), signal };
    const desired = live ? await context.cluster.apply(manifest, options) : manifest;
    return diffResource({ ref, live, desired, ignore: state.policy.ignore(ref) });
  };
  const changed = await Promise.all(comparisons.resources.map(diffOf));
  const removed = await Promise.all(
    comparisons.extraneous.map(async ({ ref }) =>
      diffResource({ ref, live: await context.cluster.find(ref, signal), desired: undefined }),
    ),
  );
  return [...changed, ...removed].filter((diff) => diff !== undefined);
}
