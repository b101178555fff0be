/** So many at once, and so many a second after that, for each key; keys are names that NATS vouches for, so they are bounded. */
export function createRateLimit(
  options: { burst: number; perSecond: number },
  now: () => number = Date.now,
): (key: string) => boolean {
  const { burst, perSecond } = options;
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (key) => {
    const at = now();
    const bucket = buckets.get(key) ?? { tokens: burst, at };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, at - bucket.at) / 1_000) * perSecond);
    bucket.at = at;
    buckets.set(key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };
}
