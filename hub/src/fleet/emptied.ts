import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';

/** The next document of a name that nobody has any more: it asks for nothing, and generations go on above it, were the name given again. */
export function emptied({ inline: _inline, ...document }: AssignmentDocument, now: Date): AssignmentDocument {
  return { ...document, gen: document.gen + 1, issuedAt: now.toISOString(), apps: [], ops: [], tombstones: [] };
}
