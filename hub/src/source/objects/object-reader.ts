import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { LRUCache } from 'lru-cache';
import { applyDelta } from './delta.ts';
import { readLoose } from './loose.ts';
import type { ObjectType, Pack } from './pack.ts';

export interface GitObject {
  type: ObjectType;
  data: Buffer;
}

export interface ObjectReaderOptions {
  maxObjectBytes: number;
  cacheBytes: number;
}

export interface ObjectReader {
  isPacked(oid: string): boolean;
  /** Throws NotFound when absent, DigestMismatch when corrupt, TooLarge over the limit. */
  read(oid: string): GitObject;
  forget(): void;
}

const largestCached = 1 << 20;
const longestDeltaChain = 4096;

/** Finds objects in `packs` (which may grow), else loose, and resolves their deltas; keeps the last used inflated. */
export function createObjectReader(
  gitDirectory: string,
  packs: readonly Pack[],
  options: ObjectReaderOptions,
): ObjectReader {
  const { maxObjectBytes, cacheBytes } = options;
  const cache = new LRUCache<string, GitObject>({ maxSize: cacheBytes, sizeCalculation: (o) => o.data.length + 128 });

  const locate = (oid: string): { pack: Pack; offset: number } | undefined => {
    const bytes = Buffer.from(oid, 'hex');
    for (const pack of packs) {
      const offset = pack.find(bytes);
      if (offset !== undefined) return { pack, offset };
    }
    return undefined;
  };

  const readAt = (place: { pack: Pack; offset: number }, depth: number): GitObject => {
    const key = `${place.pack.name}:${place.offset}`;
    const cached = cache.get(key);
    if (cached) return cached;
    if (depth > longestDeltaChain) throw new FleetError('DigestMismatch', 'a git delta chain is a loop or is too long');
    const entry = place.pack.readEntry(place.offset);
    let object: GitObject;
    if (entry.type === 'delta') {
      const base =
        'offset' in entry.base
          ? readAt({ pack: place.pack, offset: entry.base.offset }, depth + 1)
          : readObject(entry.base.oid, depth + 1);
      object = { type: base.type, data: applyDelta(base.data, entry.data, maxObjectBytes) };
    } else object = entry;
    if (object.data.length <= largestCached) cache.set(key, object);
    return object;
  };

  const readObject = (oid: string, depth: number): GitObject => {
    const place = locate(oid);
    const object = place ? readAt(place, depth) : readLoose(gitDirectory, oid, maxObjectBytes);
    if (!object) throw new FleetError('NotFound', `git object ${oid} is not in the mirror`);
    return object;
  };

  return {
    isPacked: (oid) => locate(oid) !== undefined,
    read: (oid) => readObject(oid, 0),
    forget: () => cache.clear(),
  };
}
