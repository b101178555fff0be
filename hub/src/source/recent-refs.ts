import { createHash } from 'node:crypto';
import { createInFlight } from '@wheelhouse/shared/async/in-flight';
import { LRUCache } from 'lru-cache';
import type { RefList } from './refs.ts';
import type { Repository } from './remote.ts';
import { createSingleFlight } from './single-flight.ts';

/** What repositories offer, asked once for many who want to know at about the same time. */
export interface RecentRefs {
  /** At most a few seconds old. */
  recent(repository: Repository, signal: AbortSignal): Promise<RefList>;
  /** Asked for after this call, with whoever else calls meanwhile. */
  fresh(repository: Repository, signal: AbortSignal): Promise<RefList>;
}

export interface RecentRefsDeps {
  git: { listRefs(repository: Repository, signal: AbortSignal): Promise<RefList> };
  /** Milliseconds of any clock. */
  now(): number;
}

interface Listed {
  refs: RefList;
  askedAt: number;
}

const keptForMs = 5_000;
/** Lists of big repositories are big. */
const keptLists = 20;

export function createRecentRefs({ git, now }: RecentRefsDeps): RecentRefs {
  const kept = new LRUCache<string, Listed>({ max: keptLists });
  const joined = createInFlight<RefList>();
  const next = createSingleFlight<RefList>();
  const list = async (key: string, repository: Repository, signal: AbortSignal) => {
    const askedAt = now();
    const refs = await git.listRefs(repository, signal);
    // one that was slow may be older than what is known by now
    if ((kept.get(key)?.askedAt ?? askedAt) <= askedAt) kept.set(key, { refs, askedAt });
    return refs;
  };
  return {
    recent: async (repository, signal) => {
      const key = keyOf(repository);
      const known = kept.get(key);
      if (known && now() - known.askedAt < keptForMs) return known.refs;
      return await joined(key, signal, async (shared) => await list(key, repository, shared));
    },
    fresh: async (repository, signal) => {
      const key = keyOf(repository);
      return await next.run(key, signal, async (shared) => await list(key, repository, shared));
    },
  };
}

/** Who logs in otherwise may be told otherwise. */
function keyOf({ url, credentials }: Repository): string {
  return createHash('sha256')
    .update(JSON.stringify([url, credentials ?? null]))
    .digest('base64');
}
