import { createHash } from 'node:crypto';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { LRUCache } from 'lru-cache';
import type { Bucket } from '../store/bucket.ts';
import { packJson, unpackJson } from '../store/packed-json.ts';

/**
 * What hosts listed, kept between evaluations and shared by replicas: an evaluation for another reason (a sweep, a label)
 * uses the list that is there, and only the generator's interval, a webhook or a change of the set asks the host again.
 */
export interface Listings {
  /** Views of one ApplicationSet, as of now. `query` must tell credentials apart. */
  of(applicationSet: string): Promise<ListingsOf>;
  /** The next evaluation of this set asks again. */
  expire(applicationSet: string): Promise<void>;
}

export interface ListingsOf {
  get<T>(query: object, intervalMs: number, list: () => Promise<T>): Promise<T>;
}

interface StoredListing {
  listedAt: number;
  value: unknown;
}

/** NATS takes 1 MiB; a longer list is kept in memory only. */
const maxStoredBytes = 900 * 1_024;
/** An evaluation that comes a little before its time counts as on time. */
const early = 0.9;

export function createListings(deps: { bucket: Pick<Bucket, 'get' | 'put'>; now(): number }): Listings {
  const { bucket, now } = deps;
  const memory = new LRUCache<string, StoredListing>({ max: 500 });
  const find = async (key: string): Promise<StoredListing | undefined> => {
    const entry = await bucket.get(`listing.${key}`);
    if (!entry) return memory.get(key);
    const stored = unpackJson(entry.value) as StoredListing;
    const own = memory.get(key);
    return own && own.listedAt > stored.listedAt ? own : stored;
  };
  return {
    of: async (applicationSet) => {
      const mark = await bucket.get(`expired.${applicationSet}`);
      const expiredAt = mark ? Number(Buffer.from(mark.value).toString()) : 0;
      return {
        get: async <T>(query: object, intervalMs: number, list: () => Promise<T>) => {
          const key = createHash('sha256').update(canonicalJson(query)).digest('hex').slice(0, 40);
          const known = await find(key);
          if (known && known.listedAt > expiredAt && now() - known.listedAt < intervalMs * early)
            return known.value as T;
          const listedAt = now();
          const value = await list();
          memory.set(key, { listedAt, value });
          const packed = packJson({ listedAt, value });
          if (packed.length <= maxStoredBytes) await bucket.put(`listing.${key}`, packed);
          return value;
        },
      };
    },
    expire: async (applicationSet) => {
      await bucket.put(`expired.${applicationSet}`, Buffer.from(String(now())));
    },
  };
}
