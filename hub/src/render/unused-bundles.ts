/**
 * Deletes bundles that nothing names any more, a while after they were stored. Whatever is assigned, rendered, pinned or
 * running keeps its bundle; one that is deleted a moment before it is wanted again is rendered again.
 */
import { mapLimit } from '@wheelhouse/shared/async/limit';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { blobName } from '@wheelhouse/shared/protocol/blob';
import type { WorkQueue } from '../queue/queue.ts';
import type { BlobStore } from '../store/blobs.ts';

export interface UnusedBundlesDeps {
  logger: Logger;
  queue: Pick<WorkQueue, 'once'>;
  blobs: Pick<BlobStore, 'storedBefore' | 'delete'>;
  /** Digests that something names. Throws rather than leave one out. */
  bundlesInUse(): Promise<Set<string>>;
  now(): Date;
}

/** Every document is read for it. */
const everyMs = 6 * 3_600_000;
const atOnce = 8;

/** Does nothing until six hours after any replica did it. Bundles stored within `lifeMs` stay. */
export async function deleteUnusedBundles(deps: UnusedBundlesDeps, lifeMs: number, signal: AbortSignal): Promise<void> {
  if (!(await deps.queue.once('unused-bundles', Math.min(everyMs, lifeMs)))) return;
  const unused = await deps.blobs.storedBefore(new Date(deps.now().getTime() - lifeMs), signal);
  // what is named after the bundles were listed is as good as what was named before
  for (const digest of await deps.bundlesInUse()) unused.delete(blobName(digest));
  await mapLimit([...unused], atOnce, async (name) => {
    signal.throwIfAborted();
    await deps.blobs.delete(name);
  });
  if (unused.size > 0) deps.logger.info({ count: unused.size }, 'deleted bundles that nothing names any more');
}
