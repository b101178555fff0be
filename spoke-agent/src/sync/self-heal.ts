/** How often one resource was healed in a row, and when last (milliseconds since the epoch). */
export interface HealHistory {
  count: number;
  lastAt: number;
}

/** A resource left alone for so long starts anew. */
const quietMs = 60_000;
const maxWaitMs = 300_000;

/**
 * Argo CD 3.6: the first drift is healed at once, the next after 2 s, then ×3 up to 300 s, so that two writers cannot
 * fight hot. Counted per resource rather than per Application: one that is fought over delays no other.
 */
export function nextHealAt(history: HealHistory | undefined, now: number): number {
  if (!history || isOver(history, now)) return now;
  return history.lastAt + waitMs(history.count);
}

export function healed(history: HealHistory | undefined, now: number): HealHistory {
  return { count: history && !isOver(history, now) ? history.count + 1 : 1, lastAt: now };
}

function isOver({ count, lastAt }: HealHistory, now: number): boolean {
  return now - lastAt >= Math.max(quietMs, 2 * waitMs(count));
}

function waitMs(count: number): number {
  return Math.min(maxWaitMs, 2_000 * 3 ** (count - 1));
}
