export interface Backoff {
  durationMs: number;
  factor: number;
  maxDurationMs: number;
}

export interface Retry {
  /** Further attempts after the first; 0 none, negative without end. */
  limit: number;
  backoff: Backoff;
}

/** Argo CD: defaults of `syncPolicy.retry`. */
export const defaultBackoff: Backoff = { durationMs: 5_000, factor: 2, maxDurationMs: 180_000 };

/** Argo CD: an automated sync without `retry` tries five times more, as does one of a RollingSync; one that a person asked for, never. */
export function retryOf(retry: Retry | undefined, automated: boolean): Retry {
  return retry ?? { limit: automated ? 5 : 0, backoff: defaultBackoff };
}

export function mayRetry({ limit }: Retry, retryCount: number): boolean {
  return limit < 0 || retryCount < limit;
}

/**
 * Argo CD: `min(maxDuration, duration · factor^retryCount)`; `retryCount` counts the retries already made. A negative
 * factor gives a negative wait each second time, which is none.
 */
export function retryWaitMs({ durationMs, factor, maxDurationMs }: Backoff, retryCount: number): number {
  const wait = Math.max(0, durationMs * factor ** retryCount);
  return maxDurationMs > 0 ? Math.min(wait, maxDurationMs) : wait;
}
