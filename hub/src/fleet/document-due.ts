import { newestDocument } from '@wheelhouse/shared/protocol/document';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';

/** Agents that say nothing of it read this version of a document. */
export const assumedDocument = 2;

/**
 * Whether a heartbeat says that its cluster's document has to be looked at: it acts upon a newer one than the hub has (of
 * generation `gen`), or was put back to a version that cannot read what it finds, and is given the same as it reads it.
 */
export function isDocumentDue(
  { appliedGen, documents = assumedDocument, rejected }: Pick<Heartbeat, 'appliedGen' | 'documents' | 'rejected'>,
  gen = 0,
): boolean {
  return appliedGen > gen || (documents < newestDocument && rejected?.code === 'Malformed');
}
