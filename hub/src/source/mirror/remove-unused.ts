import { renameSync } from 'node:fs';
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';

export interface UnusedOptions {
  /** Milliseconds since 1970: what was last used before then goes. */
  before: number;
  /** When this process last used the mirror in a folder, if it did. */
  usedAt(directory: string): number | undefined;
  /** The folder is about to go: who comes now begins anew. */
  forget(directory: string): void;
  signal: AbortSignal;
}

const mirrorName = /^[0-9a-f]{32}$/;
const leaving = 'unused-';

/**
 * Removes the mirrors below a slot that nothing used for long, one by one, and returns how many. A folder's own time says when an
 * earlier process used it last, and is set to when this one did. Between the last look at a mirror and the move out of the way of
 * whoever comes next nothing else runs.
 */
export async function removeUnused(slot: string, { before, usedAt, forget, signal }: UnusedOptions): Promise<number> {
  let removed = 0;
  // what a broken-off removal left comes first, as its name may be wanted again
  for (const name of (await readdir(slot)).sort().reverse()) {
    if (signal.aborted) break;
    const directory = path.join(slot, name);
    const away = path.join(slot, name.startsWith(leaving) ? name : leaving + name);
    if (mirrorName.test(name)) {
      const { mtimeMs } = await stat(directory);
      const used = usedAt(directory) ?? mtimeMs;
      if (used < before) {
        forget(directory);
        renameSync(directory, away);
        removed += 1;
      } else await utimes(directory, used / 1_000, used / 1_000);
    }
    await rm(away, { recursive: true, force: true, maxRetries: 3 });
  }
  return removed;
}
