import { setImmediate as turn } from 'node:timers/promises';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ObjectStore } from './objects/object-store.ts';
import type { EntryType, TreeLine } from './objects/tree.ts';
import { parsePath } from './repository-path.ts';

export interface TreeEntry {
  /** From the root of the repository, without leading or trailing slash; the root is `''`. */
  path: string;
  name: string;
  /** Git's object id: equal ids, equal content, whatever the path. */
  oid: string;
  type: EntryType;
  /** Six octal digits, as `100755`. */
  mode: string;
}

/**
 * The files of one commit, read straight from Git's objects. Paths are from the root; `''`, `.` and `/` are the root; `a/../b` is
 * `b`; one that leaves the root throws PathOutsideRepository. Symlinks are entries of their own and never followed here.
 */
export interface Snapshot {
  readonly sha: string;
  /** Undefined when there is nothing at this path. */
  entry(path: string): Promise<TreeEntry | undefined>;
  /** In Git's order. Throws PathNotFound when there is no directory at this path. */
  children(path: string): Promise<TreeEntry[]>;
  /** Everything below `path`, a directory before what is in it. Throws PathNotFound like children. */
  walk(path: string): AsyncIterable<TreeEntry>;
  /** Content of a file, or a symlink's target. Throws TooLarge above 64 MiB. */
  read(oid: string): Promise<Buffer>;
}

/** Trees read between two turns of the event loop: about 2 ms of work. */
const treesPerTurn = 128;

/** `lease` keeps `store` open for as long as the snapshot or one of its iterators is in use. */
export function createSnapshot(sha: string, lease: { store: ObjectStore }, display: string): Snapshot {
  const root: TreeEntry = { path: '', name: '', oid: lease.store.readCommit(sha).tree, type: 'tree', mode: '040000' };

  const find = (path: string): TreeEntry | undefined => {
    let at: TreeEntry | undefined = root;
    for (const name of parsePath(path)) {
      if (at?.type !== 'tree') return undefined;
      const line: TreeLine | undefined = lease.store.findInTree(at.oid, name);
      at = line && entryOf(at.path, line);
    }
    return at;
  };

  const list = (entry: TreeEntry): TreeEntry[] =>
    lease.store.readTree(entry.oid).map((line) => entryOf(entry.path, line));

  const findTree = (path: string): TreeEntry => {
    const entry = find(path);
    if (entry?.type === 'tree') return entry;
    const problem = entry ? `is a ${entry.type}, not a directory` : 'does not exist';
    throw new FleetError('PathNotFound', `path "${path}" ${problem} in repository ${display} at ${sha.slice(0, 7)}`, {
      details: { path, repository: display, revision: sha },
    });
  };

  return {
    sha,
    entry: async (path) => find(path),
    children: async (path) => list(findTree(path)),
    async *walk(path) {
      const stack = list(findTree(path)).reverse();
      let trees = 0;
      for (let entry = stack.pop(); entry; entry = stack.pop()) {
        yield entry;
        if (entry.type !== 'tree') continue;
        stack.push(...list(entry).reverse());
        trees += 1;
        if (trees % treesPerTurn === 0) await turn();
      }
    },
    read: async (oid) => {
      const { type, data } = lease.store.read(oid);
      if (type !== 'blob') throw new FleetError('Invalid', `git object ${oid} is a ${type}, not a file`);
      return Buffer.from(data); // a copy: the store's own buffer is shared
    },
  };
}

function entryOf(parent: string, line: TreeLine): TreeEntry {
  return { ...line, path: parent === '' ? line.name : `${parent}/${line.name}` };
}
