import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { findFile, replaceFile } from '@wheelhouse/shared/files/replace-file';
import { maxBlobBytes, shaOf, verified } from '@wheelhouse/shared/protocol/blob';

/** Bundles by digest, on disk; what a read returns was checked against the digest. */
export interface BundleFiles {
  /** Undefined when it is not there, or was damaged. */
  find(digest: string): Promise<Buffer | undefined>;
  save(digest: string, content: Uint8Array): Promise<void>;
  /** Removes all others. */
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
}

const suffix = '.gz';
const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Keeps them in `bundles/` of the state directory. */
export async function openBundleFiles(stateDir: string): Promise<BundleFiles> {
  const directory = join(stateDir, 'bundles');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pathOf = (digest: string) => join(directory, shaOf(digest) + suffix);
  return {
    find: async (digest) => {
      const packed = await findFile(pathOf(digest));
      if (!packed) return undefined;
      try {
        return verified(digest, await gunzipAsync(packed, { maxOutputLength: maxBlobBytes }));
      } catch {
        // a damaged file is as good as none: it is fetched again and replaced
        return undefined;
      }
    },
    save: async (digest, content) => await replaceFile(pathOf(digest), await gzipAsync(content, { level: 1 })),
    keepOnly: async (digests) => {
      const kept = new Set(Array.from(digests, (digest) => shaOf(digest) + suffix));
      const others = (await readdir(directory)).filter((name) => name.endsWith(suffix) && !kept.has(name));
      await Promise.all(others.map((name) => rm(join(directory, name), { force: true })));
    },
  };
}
