import { LRUCache } from 'lru-cache';
import type { Bucket } from '../../store/bucket.ts';
import { packJson, unpackJson } from '../../store/packed-json.ts';

/** An answer that may be used again while the host says that it holds. */
export interface KeptResponse {
  etag: string;
  /** The body's JSON. */
  body: string;
  link?: string;
}

/** Answers by request and credential, in memory and behind it in a bucket, so that a restart of the hub costs no rate. */
export interface Responses {
  find(key: string): Promise<KeptResponse | undefined>;
  keep(key: string, response: KeptResponse): Promise<void>;
}

/** Larger bodies are asked for anew; NATS takes 1 MiB. */
const maxKeptBytes = 512 * 1_024;
const maxMemoryBytes = 64 * 1_024 * 1_024;

export function createResponses(bucket: Pick<Bucket, 'get' | 'put'>): Responses {
  const memory = new LRUCache<string, KeptResponse>({
    maxSize: maxMemoryBytes,
    sizeCalculation: ({ body, etag }) => body.length + etag.length + 100,
  });
  return {
    find: async (key) => {
      const known = memory.get(key);
      if (known) return known;
      const entry = await bucket.get(`response.${key}`);
      if (!entry) return undefined;
      const kept = unpackJson(entry.value) as KeptResponse;
      memory.set(key, kept);
      return kept;
    },
    keep: async (key, response) => {
      memory.set(key, response);
      const packed = packJson(response);
      if (packed.length <= maxKeptBytes) await bucket.put(`response.${key}`, packed);
    },
  };
}
