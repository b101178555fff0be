import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { BlobStore } from '../store/blobs.ts';
import type { Derived, RenderOutcome } from '../store/derived.ts';

export interface LostBundlesDeps {
  logger: Logger;
  blobs: Pick<BlobStore, 'stored'>;
  derived: Pick<Derived, 'renders' | 'deleteRender'>;
}

/**
 * Forgets renders whose bundles are not stored any more, so that they are rendered again. Clusters keep what they were
 * assigned meanwhile.
 */
export async function forgetLostBundles(deps: LostBundlesDeps): Promise<void> {
  // what is rendered while they are listed is not among them
  const renders = deps.derived.renders();
  const isStored = await deps.blobs.stored();
  await forget(deps, renders, (digest) => !isStored(digest));
}

/** The same for a bundle that was just found to be missing. */
export async function forgetLostBundle(deps: Omit<LostBundlesDeps, 'blobs'>, digest: string): Promise<void> {
  await forget(deps, deps.derived.renders(), (one) => one === digest);
}

async function forget(
  deps: Omit<LostBundlesDeps, 'blobs'>,
  renders: readonly RenderOutcome[],
  isLost: (digest: string) => boolean,
): Promise<void> {
  const lost = renders.filter((outcome) => bundlesOf(outcome).some(isLost));
  if (lost.length > 0)
    deps.logger.warn({ count: lost.length }, 'bundles are not stored any more; rendering them again');
  for (const { requestKey } of lost) await deps.derived.deleteRender(requestKey);
}

/** What a render has stored. */
export function bundlesOf({ record, rest }: RenderOutcome): string[] {
  return [...(record ? [record.digest] : []), ...(rest && !rest.empty ? [rest.digest] : [])];
}
