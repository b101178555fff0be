import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compress, decompress } from '@wheelhouse/shared/compression/compression';
import { findFile, removeDrafts, removeFile, replaceCheckedFile } from '@wheelhouse/shared/files/replace-file';
import { maxBlobBytes, shaOf, verified } from '@wheelhouse/shared/protocol/blob';
import { LRUCache } from 'lru-cache';

/** Bundles by digest, on disk; what a read returns was checked against the digest. */
export interface BundleFiles {
  /** Undefined when it is not there, or was damaged. */
  find(digest: string): Promise<Buffer | undefined>;
  /** `packed`: its gzip, when it arrived as one, which saves packing it again. */
  save(digest: string, content: Uint8Array, packed?: Uint8Array): Promise<void>;
  /** Removes all others. */
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
}

const suffix = '.gz';
const recentBytes = 1024 * 1024;

/** Keeps them in `bundles/` of the state directory. */
export async function openBundleFiles(stateDir: string): Promise<BundleFiles> {
  const directory = join(stateDir, 'bundles');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await removeDrafts(directory);
  const present = new Set(await readdir(directory));
  const nameOf = (digest: string) => shaOf(digest) + suffix;
  // what was just saved is read next
  const recent = new LRUCache<string, Buffer>({
    maxSize: recentBytes,
    sizeCalculation: (content) => content.length + 1,
  });
  return {
    find: async (digest) => {
      const known = recent.get(digest);
      if (known) return known;
      const name = nameOf(digest);
      const packed = present.has(name) ? await findFile(join(directory, name)) : undefined;
      if (!packed) return undefined;
      try {
        return verified(digest, await decompress(packed, maxBlobBytes));
      } catch {
        // a damaged file is as good as none: it is fetched again and replaced
        return undefined;
      }
    },
    save: async (digest, content, packed) => {
      const name = nameOf(digest);
      const bytes = packed ?? (await compress(content, 1));
      recent.set(digest, Buffer.from(content));
      replaceCheckedFile(join(directory, name), bytes);
      present.add(name);
    },
    keepOnly: async (digests) => {
      const kept = new Set(Array.from(digests, nameOf));
      const others = [...present].filter((name) => name.endsWith(suffix) && !kept.has(name));
      for (const name of others) present.delete(name);
      for (const name of others) removeFile(join(directory, name));
    },
  };
}
