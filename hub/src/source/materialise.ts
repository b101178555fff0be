import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isUnsafeName } from './objects/tree.ts';
import { outside } from './repository-path.ts';
import type { Snapshot, TreeEntry } from './snapshot.ts';
import { resolveEntry } from './symlink.ts';

export interface MaterialiseLimits {
  maxBytes: number;
  maxFiles: number;
}

/**
 * Writes the files and directories at `paths` of a snapshot below `directory`, each at its path from the repository's root, for
 * tools that read a disk. `directory` must be an empty folder of the caller's own. Symlinks that stay inside the repository are
 * written as symlinks, after all files, so that nothing is ever written through one. Throws PathNotFound, PathOutsideRepository
 * for a symlink out of the tree, TooLarge over a limit, Unsupported for a submodule. On an error the directory is left half-filled.
 */
export async function materialise(
  snapshot: Snapshot,
  paths: readonly string[],
  options: { directory: string; limits: MaterialiseLimits; signal: AbortSignal; keepModes?: boolean },
): Promise<{ files: number; bytes: number }> {
  const { directory, limits, signal, keepModes = true } = options;
  const written = { files: 0, bytes: 0 };
  const made = new Set<string>();
  let pause = { entries: entriesAtOnce, bytes: bytesAtOnce };
  for (const [index, entry] of (await collect(snapshot, paths, limits)).entries()) {
    if (index >= pause.entries || written.bytes >= pause.bytes) {
      pause = { entries: index + entriesAtOnce, bytes: written.bytes + bytesAtOnce };
      await setImmediate();
    }
    signal.throwIfAborted();
    const file = placeOf(directory, entry.path);
    makeFolder(entry.type === 'tree' ? file : path.dirname(file), made);
    if (entry.type === 'tree') continue;
    written.bytes += await writeEntry(snapshot, entry, { file, keepModes });
    written.files += 1;
    if (written.bytes > limits.maxBytes) throw tooLarge(`${limits.maxBytes} bytes`);
  }
  return written;
}

/** Written at once, which is ten times cheaper than through the pool of threads, until everything else has its turn. */
const entriesAtOnce = 100;
const bytesAtOnce = 1024 * 1024;

function makeFolder(folder: string, made: Set<string>): void {
  if (made.has(folder)) return;
  mkdirSync(folder, { recursive: true });
  made.add(folder);
}

/** Each entry once: directories, then files, then symlinks. */
async function collect(snapshot: Snapshot, paths: readonly string[], limits: MaterialiseLimits): Promise<TreeEntry[]> {
  const found = new Map<string, TreeEntry>();
  const add = (entry: TreeEntry) => {
    if (found.has(entry.path) && found.get(entry.path)?.oid !== entry.oid)
      throw outside(entry.path, 'stands twice in one git tree');
    found.set(entry.path, entry);
    if (found.size > limits.maxFiles) throw tooLarge(`${limits.maxFiles} files and directories`);
  };
  for (const wanted of paths) {
    const entry = await snapshot.entry(wanted);
    if (!entry)
      throw new FleetError('PathNotFound', `path "${wanted}" does not exist at revision ${snapshot.sha.slice(0, 7)}`, {
        details: { path: wanted, revision: snapshot.sha },
      });
    if (entry.path !== '') add(entry);
    if (entry.type === 'tree') for await (const below of snapshot.walk(entry.path)) add(below);
  }
  const order = { tree: 0, submodule: 1, file: 1, symlink: 2 };
  return [...found.values()].sort((a, b) => order[a.type] - order[b.type]);
}

async function writeEntry(
  snapshot: Snapshot,
  entry: TreeEntry,
  { file, keepModes }: { file: string; keepModes: boolean },
): Promise<number> {
  if (entry.type === 'submodule')
    throw new FleetError(
      'Unsupported',
      `path "${entry.path}" is a git submodule, which is not fetched; commit its files instead`,
    );
  const content = await snapshot.read(entry.oid);
  if (entry.type === 'symlink') {
    await resolveEntry(snapshot, entry.path);
    symlinkSync(content.toString('utf8'), file);
  } else {
    writeFileSync(file, content, { flag: 'wx', mode: keepModes && entry.mode === '100755' ? 0o755 : 0o644 });
  }
  return content.length;
}

/** The last fence, whatever a snapshot says: every name is an ordinary one. */
function placeOf(directory: string, entryPath: string): string {
  if (entryPath.split('/').some(isUnsafeName)) throw outside(entryPath, 'holds a name that is refused');
  return path.join(directory, entryPath);
}

function tooLarge(limit: string): FleetError {
  return new FleetError(
    'TooLarge',
    `the files to render are over the limit of ${limit}; narrow spec.source.path or raise the limit`,
  );
}
