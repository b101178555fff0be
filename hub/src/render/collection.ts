import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceLocation } from '../source/location.ts';
import { materialise, type Snapshot, type TreeEntry } from '../source/source.ts';
import type { RenderInput } from './inputs.ts';
import { folderOf, isWithin, resolvePath } from './repository-path.ts';

const limits = { maxBytes: 100 * 1024 * 1024, maxFiles: 20_000 };

/** The part of a repository that a tool gets to see, which is what its render depends upon. */
export interface Collection {
  readonly snapshot: Snapshot;
  /** Name of its folder in a workspace; also what stands for it in messages. */
  readonly folder: string;
  /** Where the snapshot is from, when it is not the source's own. */
  readonly from?: SourceLocation | undefined;
  readonly inputs: RenderInput[];
  /**
   * Adds a tree with all below it, or a file; symbolic links bring what they point at. False when nothing is there, which
   * is remembered as an input too. Throws PathOutsideRepository for a link out of the repository.
   */
  add(path: string): Promise<boolean>;
  /** Writes what was collected into its folder of the workspace at `workspace`; without `keepModes` nothing is executable. Throws TooLarge above 100 MB or 20,000 files. */
  write(workspace: string, signal: AbortSignal, options?: { keepModes: boolean }): Promise<void>;
}

/** The folder of the source's own repository in a workspace. */
export const ownFolder = 'repository';

/** `origin` says where the snapshot is from, when it is not the source's own. */
export function createCollection(
  snapshot: Snapshot,
  origin: { folder: string; from?: SourceLocation } = { folder: ownFolder },
): Collection {
  const { folder, from } = origin;
  const inputs: RenderInput[] = [];

  async function add(path: string): Promise<boolean> {
    const entry = await snapshot.entry(path);
    const known = inputs.some((input) => input.path === path || (input.oid !== null && isWithin(input.path, path)));
    if (known) return entry !== undefined;
    inputs.push({ path, oid: entry?.oid ?? null, ...(from ? { from } : {}) });
    if (!entry) return false;
    const below = entry.type === 'tree' ? snapshot.walk(path) : [entry];
    for await (const found of below) if (found.type === 'symlink') await add(await linkTarget(snapshot, found));
    return true;
  }

  return {
    snapshot,
    folder,
    from,
    inputs,
    add,
    write: async (workspace, signal, { keepModes } = { keepModes: true }) => {
      const directory = join(workspace, folder);
      await mkdir(directory, { recursive: true });
      const present = inputs.filter(({ oid }) => oid !== null).map(({ path }) => path);
      await materialise(snapshot, present, { directory, limits, signal, keepModes });
    },
  };
}

/** Where a symbolic link leads, from the repository's root. Throws PathOutsideRepository. */
export async function linkTarget(snapshot: Snapshot, link: TreeEntry): Promise<string> {
  const target = (await snapshot.read(link.oid)).toString();
  const what = `symbolic link ${link.path}`;
  // An absolute target is outside wherever the repository lies.
  return resolvePath(
    target.startsWith('/') ? '' : folderOf(link.path),
    target.startsWith('/') ? `..${target}` : target,
    what,
  );
}
