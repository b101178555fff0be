import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Bucket, BucketChange, BucketEntry } from '../bucket.ts';
import { createFuse } from './fuse.ts';

export interface MemoryBuckets {
  /** A replica's view of the bucket of this name; views of one name share their entries. */
  open(name: string): Bucket;
}

interface Shared {
  revision: number;
  entries: Map<string, BucketEntry>;
  watchers: Set<(change: BucketChange) => void>;
}

/** Buckets in memory, for tests. A change is delivered to every watcher before `put` or `delete` resolves. */
export function createMemoryBuckets(): MemoryBuckets {
  const buckets = new Map<string, Shared>();
  return {
    open: (name) => {
      const shared = buckets.get(name) ?? { revision: 0, entries: new Map(), watchers: new Set() };
      buckets.set(name, shared);
      return createBucket(name, shared);
    },
  };
}

/** The same buckets as a replica sees them that is killed: so many of its writes take place, and no more. */
export function killedAfter(writes: number, { open }: MemoryBuckets): MemoryBuckets {
  const fuse = createFuse();
  fuse.killAfter(writes);
  return {
    open: (name) => {
      const bucket = open(name);
      return {
        ...bucket,
        put: async (...args) => {
          fuse.write();
          return await bucket.put(...args);
        },
        delete: async (...args) => {
          fuse.write();
          await bucket.delete(...args);
        },
      };
    },
  };
}

function createBucket(name: string, shared: Shared): Bucket {
  const emit = (change: BucketChange) => {
    for (const watcher of shared.watchers) watcher(change);
  };
  const check = (key: string, expectedRevision: number | undefined) => {
    const present = shared.entries.get(key)?.revision ?? 0;
    if (expectedRevision !== undefined && expectedRevision !== present)
      throw new FleetError('Conflict', `${name} ${key} was changed by somebody else meanwhile; read it again`, {
        retryable: true,
      });
  };
  return {
    get: async (key) => shared.entries.get(key),
    put: async (key, value, expectedRevision) => {
      check(key, expectedRevision);
      const entry = { key, value, revision: (shared.revision += 1) };
      shared.entries.set(key, entry);
      emit(entry);
      return entry.revision;
    },
    delete: async (key, expectedRevision) => {
      check(key, expectedRevision);
      const revision = (shared.revision += 1);
      if (shared.entries.delete(key)) emit({ key, value: undefined, revision });
    },
    watchAll: async (onEntry) => {
      for (const entry of shared.entries.values()) onEntry(entry);
      shared.watchers.add(onEntry);
    },
    caughtUp: async () => undefined,
  };
}
