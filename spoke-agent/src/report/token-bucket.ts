import type { Clock } from '@wheelhouse/shared/async/clock';

export interface TokenBucket {
  /** Takes up to `count`; returns how many there were, whole ones only. */
  take(count: number): number;
  /** How long until there is one again, 0 when there is one now. */
  waitMs(): number;
}

/** Holds at most `burst` tokens and gains `perSecond`; full at the start. */
export function createTokenBucket(clock: Clock, options: { burst: number; perSecond: number }): TokenBucket {
  const { burst, perSecond } = options;
  let tokens = burst;
  let filledAt = clock.now();
  const fill = () => {
    const now = clock.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) / 1_000) * perSecond);
    filledAt = now;
  };
  return {
    take: (count) => {
      fill();
      const taken = Math.min(count, Math.floor(tokens));
      tokens -= taken;
      return taken;
    },
    waitMs: () => {
      fill();
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1_000);
    },
  };
}
