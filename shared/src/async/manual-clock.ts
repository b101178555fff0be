import type { Clock } from './clock.ts';

export interface ManualClock extends Clock {
  /** Lets `ms` pass and runs what falls due, in order of time. */
  advance(ms: number): void;
  /** How many tasks wait. */
  readonly waiting: number;
}

interface Waiting {
  at: number;
  task: () => void;
}

/** A clock that stands still until told otherwise; for tests and simulations. */
export function createManualClock(startAt = Date.parse('2026-01-01T00:00:00Z')): ManualClock {
  let now = startAt;
  const waiting = new Set<Waiting>();

  function nextDue(until: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const entry of waiting) if (entry.at <= until && (!next || entry.at < next.at)) next = entry;
    return next;
  }

  return {
    now: () => now,
    after(ms, task) {
      const entry = { at: now + ms, task };
      waiting.add(entry);
      return { [Symbol.dispose]: () => void waiting.delete(entry) };
    },
    advance(ms) {
      const until = now + ms;
      for (let due = nextDue(until); due; due = nextDue(until)) {
        waiting.delete(due);
        now = Math.max(now, due.at);
        due.task();
      }
      now = until;
    },
    get waiting() {
      return waiting.size;
    },
  };
}
