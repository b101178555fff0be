export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
  factor?: number;
  random?: () => number;
}

/** Full-jitter exponential back-off: a random wait below `base · factor^attempt`, capped. `attempt` counts from 0. */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const { baseMs, maxMs, factor = 2, random = Math.random } = options;
  return random() * Math.min(maxMs, baseMs * factor ** attempt);
}
