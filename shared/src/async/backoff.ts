export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
  factor?: number;
  /** Share of the bound that is waited whatever is drawn; default 0. */
  least?: number;
  random?: () => number;
}

/** Exponential back-off with jitter: a random wait below `base · factor^attempt`, capped. `attempt` counts from 0. */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const { baseMs, maxMs, factor = 2, least = 0, random = Math.random } = options;
  return (least + (1 - least) * random()) * Math.min(maxMs, baseMs * factor ** attempt);
}
