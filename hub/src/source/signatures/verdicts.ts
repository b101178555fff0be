import { createHash } from 'node:crypto';
import { createInFlight } from '@wheelhouse/shared/async/in-flight';
import { LRUCache } from 'lru-cache';
import type { IntegrityPolicy } from '../../project/integrity.ts';
import type { Keys } from './keyring.ts';

/** What is judged: a commit, or the tag that stands for it, as a policy and a keyring have it. */
export interface Judged {
  url: string;
  sha: string;
  /** Full name of the tag that is verified itself; absent for a commit. */
  tag?: string | undefined;
  policy: IntegrityPolicy;
  keys: Keys;
}

export interface Verdicts {
  /**
   * Why it is refused, undefined when it is not: what `judge` says once for all who ask meanwhile, and of a commit for five minutes
   * more. The signal ends only the waiting of this caller. An error is nobody's verdict: the next one asks again.
   */
  reach(
    judged: Judged,
    signal: AbortSignal,
    judge: (signal: AbortSignal) => Promise<string | undefined>,
  ): Promise<string | undefined>;
}

/** What was found is looked at again after this: keys expire. */
const keptForMs = 300_000;

export function createVerdicts(): Verdicts {
  const known = new LRUCache<string, { refused: string | undefined }>({ max: 10_000, ttl: keptForMs });
  const inFlight = createInFlight<string | undefined>();
  return {
    reach: async (judged, signal, judge) => {
      const key = verdictKey(judged);
      const before = known.get(key);
      if (before) return before.refused;
      return await inFlight(key, signal, async (shared) => {
        const refused = await judge(shared);
        // an annotated tag may be made anew for the same commit
        if (judged.tag === undefined) known.set(key, { refused });
        return refused;
      });
    },
  };
}

/** As short for any keyring: thousands of them are kept. */
export function verdictKey({ url, sha, tag, policy, keys }: Judged): string {
  return createHash('sha256')
    .update(JSON.stringify([url, sha, tag ?? null, policy, keys]))
    .digest('base64');
}
