import { outside, parsePath } from './repository-path.ts';
import type { Snapshot, TreeEntry } from './snapshot.ts';

/** Linux: the number of symlinks that one path may pass. */
const maxHops = 40;

/**
 * Finds what is at `path` as a file system would, following the symlinks in it and at its end. Undefined when nothing is there.
 * Throws PathOutsideRepository when a link is absolute, leaves the repository, or leads round in a circle.
 */
export async function resolveEntry(snapshot: Snapshot, path: string): Promise<TreeEntry | undefined> {
  let todo = parsePath(path);
  let at: string[] = [];
  let hops = 0;
  while (todo.length > 0) {
    const [name = '', ...rest] = todo;
    todo = rest;
    if (name === '..') {
      if (at.pop() === undefined) throw outside(path, 'is a symlink that leaves the repository');
      continue;
    }
    const entry = await snapshot.entry([...at, name].join('/'));
    if (entry?.type !== 'symlink') {
      at = [...at, name];
      if (entry === undefined) assertStays([...at, ...todo], path);
      continue;
    }
    hops += 1;
    if (hops > maxHops) throw outside(path, 'is a symlink that leads round in a circle');
    const target = (await snapshot.read(entry.oid)).toString('utf8');
    if (target.startsWith('/')) throw outside(path, 'is a symlink to an absolute path');
    todo = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...todo];
  }
  return await snapshot.entry(at.join('/'));
}

/** Below something that does not exist, names are all there is to go by. */
function assertStays(names: string[], path: string): void {
  let depth = 0;
  for (const name of names) {
    depth += name === '..' ? -1 : 1;
    if (depth < 0) throw outside(path, 'is a symlink that leaves the repository');
  }
}
