import { isDeepStrictEqual } from 'node:util';
import type { HydratedApplication, HydrationRecord } from './hydration-store.ts';

export interface DueInput {
  last: HydrationRecord['last'];
  /** The dry commit is one that was written for the same branch: what differs by its id alone is not due. */
  isOwn: boolean;
  /** Somebody wants everything to be compared with the branch, or there is no such branch any more. */
  isForced: boolean;
}

/**
 * Whether an Application's folder must be compared with what its branch has: not where its manifests are those that were written
 * last, whatever the dry commit.
 */
export function isDue(
  { id, wanted, holdsRevision }: { id: string; wanted: HydratedApplication; holdsRevision: boolean },
  { last, isOwn, isForced }: DueInput,
): boolean {
  const written = last?.apps[id];
  if (written?.digest === undefined || isForced || isAskedAnew(wanted, written)) return true;
  return wanted.digest !== written.digest && !(isOwn && holdsRevision);
}

/** By other fields, or by the annotation. Argo CD: only `hard` asks for more than what is due anyway. */
function isAskedAnew({ asked, hydrator }: HydratedApplication, written: HydratedApplication): boolean {
  return (asked === 'hard' && written.asked !== 'hard') || !isDeepStrictEqual(hydrator, written.hydrator);
}
