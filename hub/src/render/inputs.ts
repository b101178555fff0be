import type { SourceLocation } from '../source/location.ts';
import type { Snapshot } from '../source/source.ts';
import { type FileSelection, listFiles } from './file-selection.ts';

/** Something of a repository that a render depends upon. */
export interface RenderInput {
  /** From the repository's root; '' is the root. */
  path: string;
  /** Git object id of the tree or file there; null: the render depends upon there being nothing. */
  oid: string | null;
  /** Only these files of the tree matter: another tree with the same listing gives the same render. */
  files?: FileSelection & { digest: string };
  /** Where it was read, unless in the source itself: a referenced source, a remote base, a chart that another needs. */
  from?: SourceLocation;
}

/** Whether everything that a render read is the same in this snapshot. An unrelated commit holds. */
export async function inputHolds({ path, oid, files }: RenderInput, snapshot: Snapshot): Promise<boolean> {
  const entry = await snapshot.entry(path);
  if ((entry?.oid ?? null) === oid) return true;
  if (!files || entry?.type !== 'tree') return false;
  const { digest, ...selection } = files;
  return (await listFiles(snapshot, path, selection)).digest === digest;
}
