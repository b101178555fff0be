import { type BundlesInUseDeps, bundlesInUse } from './bundles-in-use.ts';
import type { Dispatch } from './queue/dispatch.ts';
import type { Forget } from './queue/forget.ts';
import { forgetLostBundles } from './render/lost-bundles.ts';
import { deleteUnusedBundles, type UnusedBundlesDeps } from './render/unused-bundles.ts';
import type { Stores } from './store/open-stores.ts';

export interface SweepDeps extends Omit<UnusedBundlesDeps, 'blobs' | 'bundlesInUse'>, BundlesInUseDeps {
  stores: Stores;
  dispatch: Pick<Dispatch, 'sweep'>;
  follower: { sweep(): Promise<void> };
  forget: Forget;
}

/** Compares everything with what is published, and forgets what nothing needs. */
export function createSweep(
  deps: SweepDeps,
  { bundleLife }: { bundleLife: number },
  signal: AbortSignal,
): () => Promise<void> {
  const { stores, logger } = deps;
  return async () => {
    await deps.dispatch.sweep();
    await deps.follower.sweep();
    await deps.forget.sweep();
    try {
      await deleteUnusedBundles({ ...deps, ...stores, bundlesInUse: () => bundlesInUse(deps) }, bundleLife, signal);
    } finally {
      await forgetLostBundles({ ...stores, logger });
    }
  };
}
