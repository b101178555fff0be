import type { Snapshot } from '../source/source.ts';
import { type FileSelection, listFiles } from './file-selection.ts';

/** Something of the repository that a render depends upon. */
export interface RenderInput {
  /** From the repository's root; '' is the root. */
  path: string;
  /** Git object id of the tree or file there; null: the render depends upon there being nothing. */
  oid: string | null;
  /** Only these files of the tree matter: another tree with the same listing gives the same render. */
  files?: FileSelection & { digest: string };
}

/** Whether everything that a render read is the same in this snapshot. An unrelated commit holds. */
export async function inputsHold(inputs: readonly RenderInput[], snapshot: Snapshot): Promise<boolean> {
  for (const input of inputs) if (!(await inputHolds(input, snapshot))) return false;
  return true;
}

async function inputHolds({ path, oid, files }: RenderInput, snapshot: Snapshot): Promise<boolean> {
  const entry = await snapshot.entry(path);
  if ((entry?.oid ?? null) === oid) return true;
  if (!files || entry?.type !== 'tree') return false;
  const { digest, ...selection } = files;
  return (await listFiles(snapshot, path, selection)).digest === digest;
}
