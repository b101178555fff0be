import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Archives on the disk by their sha256 (hex): what is named by its digest never changes, so any number of processes share it. */
export interface ArchiveCache {
  find(digest: string): Promise<Buffer | undefined>;
  /** Returns the digest. */
  put(archive: Buffer): Promise<string>;
}

export interface ArchiveCacheOptions {
  directory: string;
  /** The longest unused go first. Default 2 GiB. */
  maxBytes?: number;
}

const temporaryPrefix = '.';
/** No download is written for so long: what is older was left by a process that died. */
const abandonedMs = 3_600_000;

export function createArchiveCache({ directory, maxBytes = 2 * 1024 ** 3 }: ArchiveCacheOptions): ArchiveCache {
  const fileOf = (digest: string) => path.join(directory, `${digest}.tgz`);
  return {
    find: async (digest) => {
      const file = fileOf(digest);
      const archive = await readFile(file).catch(ignoreMissing);
      // cut off by a crash, or touched by somebody: fetched again
      if (!archive || sha256(archive) !== digest) return undefined;
      const now = new Date();
      await utimes(file, now, now).catch(ignoreMissing);
      return archive;
    },
    put: async (archive) => {
      const digest = sha256(archive);
      await mkdir(directory, { recursive: true });
      const temporary = path.join(directory, `${temporaryPrefix}${digest}.${randomUUID()}`);
      try {
        await writeFile(temporary, archive, { mode: 0o600 });
        await rename(temporary, fileOf(digest));
      } finally {
        await rm(temporary, { force: true });
      }
      await sweep(directory);
      await shrink(directory, maxBytes);
      return digest;
    },
  };
}

async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    const file = path.join(directory, name);
    const known = await stat(file).catch(ignoreMissing);
    if (known && known.mtimeMs < Date.now() - abandonedMs) await rm(file, { force: true });
  }
}

async function shrink(directory: string, maxBytes: number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.tgz'));
  const found = await Promise.all(
    names.map(async (name) => {
      const file = path.join(directory, name);
      const known = await stat(file).catch(ignoreMissing);
      return known ? [{ file, bytes: known.size, usedAt: known.mtimeMs }] : [];
    }),
  );
  const files = found.flat().sort((a, b) => b.usedAt - a.usedAt);
  let total = 0;
  for (const { file, bytes } of files) {
    total += bytes;
    if (total > maxBytes) await rm(file, { force: true });
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
