/**
 * Folders for copies of branches, on a disk that several replicas may share. Each copy is of one write, by a name of its own, and
 * gone afterwards: what a killed process left is never looked at, and is removed when it is known to be nobody's.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { abortable, sleep } from '@wheelhouse/shared/async/abort';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isRunning } from '@wheelhouse/shared/process/temporary-folder';

export interface Copies {
  /** One at a time for each key; the folder is not there yet. The signal ends the wait for earlier ones. */
  use<T>(key: string, signal: AbortSignal, task: (directory: string) => Promise<T>): Promise<T>;
  /** Removes what is left of processes that ended on this host, and what is older than any write takes. */
  tidy(): Promise<void>;
}

export interface CopiesOptions {
  directory: string;
  /** Longer than any write takes: what is older is nobody's, whoever made it. */
  maxAgeMs: number;
  now(): number;
}

const tidyMs = 60 * 60_000;

export function createCopies(options: CopiesOptions): Copies {
  const { directory, now } = options;
  const inUse = new Map<string, Promise<unknown>>();
  const own = new Set<string>();
  let tidiedAt = -Infinity;
  const tidy = async () => {
    tidiedAt = now();
    for (const name of await readdir(directory).catch(noneThere))
      if (!own.has(name) && (await isLeft(name, options))) await remove(path.join(directory, name));
  };
  const within = async <T>(key: string, task: (copy: string) => Promise<T>): Promise<T> => {
    // what cannot be removed keeps nobody from writing; the start of a hub tells of it
    if (now() - tidiedAt > tidyMs) await tidy().catch(() => undefined);
    const name = nameOf(key);
    own.add(name);
    const copy = path.join(directory, name);
    try {
      return await task(copy);
    } finally {
      // whether a push was made is not to be hidden by what is left of it; once it is nobody's it is tidied
      await remove(copy).catch(() => undefined);
      own.delete(name);
    }
  };
  return {
    tidy,
    use: async (key, signal, task) => {
      const before = inUse.get(key) ?? Promise.resolve();
      const mine = (async () => {
        await abortable(before, signal);
        return await within(key, task);
      })();
      // who gives up waiting still leaves the next one to wait for those before; a failure is thrown to whoever asked for that write
      const turn = Promise.allSettled([before, mine]).finally(() => {
        if (inUse.get(key) === turn) inUse.delete(key);
      });
      inUse.set(key, turn);
      return await mine;
    },
  };
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** The process is in the name, so that a later one knows on sight what it left. */
function nameOf(key: string): string {
  return [key, hostOf(hostname()), process.pid, randomUUID()].join('.');
}

function hostOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}

async function isLeft(name: string, { directory, maxAgeMs, now }: CopiesOptions): Promise<boolean> {
  const [, host, pid] = /^[^.]+\.([0-9a-f]{8})\.(\d+)\.[^.]+$/u.exec(name) ?? [];
  // of this process's own number: it is not among its own, so an earlier one had it
  const mayRun = Number(pid) !== process.pid && isRunning(Number(pid));
  if (host === hostOf(hostname()) && !mayRun) return true;
  const changedAt = await stat(path.join(directory, name)).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity,
  );
  return now() - changedAt > maxAgeMs;
}

function noneThere(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** Keeps a bare copy below a size while it is fetched. */
export interface SizeWatch extends AsyncDisposable {
  /** Aborts when the copy is seen to be larger. */
  signal: AbortSignal;
  /** Ends the watch, so that nothing is stopped that may be half done; throws TooLarge when it is larger, or was seen to be. */
  check(): Promise<void>;
}

const watchMs = 200;

export function watchSize(copy: string, { maxBytes, what }: { maxBytes: number; what: string }): SizeWatch {
  const exceeded = new AbortController();
  const stop = new AbortController();
  const measure = async () => {
    if ((await packedBytes(copy)) > maxBytes) exceeded.abort();
  };
  const watching = (async () => {
    while (!exceeded.signal.aborted && (await sleep(watchMs, stop.signal)))
      // what keeps it from being measured is told by the check
      await measure().catch(() => undefined);
  })();
  return {
    signal: exceeded.signal,
    check: async () => {
      stop.abort();
      await watching;
      await measure();
      if (exceeded.signal.aborted)
        throw new FleetError(
          'TooLarge',
          `the newest commit of ${what} takes more than ${maxBytes >> 20} MiB: give rendered manifests a branch, or a repository, of their own`,
        );
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await watching;
    },
  };
}

/** What git fetched, and is fetching: one pack each. */
async function packedBytes(copy: string): Promise<number> {
  const folder = path.join(copy, 'objects', 'pack');
  const names = await readdir(folder).catch(noneThere);
  // a file that is renamed just now is counted next time
  const sizes = await Promise.all(
    names.map(
      async (name) =>
        await stat(path.join(folder, name)).then(
          ({ size }) => size,
          () => 0,
        ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
