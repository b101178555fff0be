import { setTimeout as wait } from 'node:timers/promises';

export interface TokenBucketOptions {
  /** Requests a second in the long run. */
  perSecond: number;
  /** Requests at once after a pause. */
  burst: number;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

/** Spreads requests: `take` returns when the next one may go, in the order of the calls. */
export interface TokenBucket {
  take(signal: AbortSignal): Promise<void>;
}

export function createTokenBucket({ perSecond, burst, now }: TokenBucketOptions): TokenBucket {
  const intervalMs = 1_000 / perSecond;
  // when the bucket would be full again; each request moves it on by one interval
  let fullAt = 0;
  return {
    take: async (signal) => {
      signal.throwIfAborted();
      const at = now();
      fullAt = Math.max(fullAt, at) + intervalMs;
      const delayMs = fullAt - at - burst * intervalMs;
      if (delayMs > 0) await wait(Math.ceil(delayMs), undefined, { signal });
    },
  };
}
