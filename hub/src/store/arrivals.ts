import { abortable } from '@wheelhouse/shared/async/abort';

/** Who waits for which message of a stream. Nobody waits for ever: a signal, a failure or the end lets each go. */
export interface Arrivals {
  /** Everything up to this sequence was delivered. */
  advance(seq: number): void;
  /** Resolves once this sequence was delivered; rejects with the signal's reason, or with what `fail` or `end` says. */
  wait(seq: number, signal: AbortSignal): Promise<void>;
  /** Rejects whoever waits: their messages do not come. Begins anew before the first message. */
  restart(error: Error): void;
  /** As `restart`, and for everybody who comes later. */
  end(error: Error): void;
  seq(): number;
}

interface Waiter {
  seq: number;
  resolve(): void;
  reject(error: Error): void;
}

export function createArrivals(): Arrivals {
  const waiting = new Set<Waiter>();
  let reached = 0;
  let ended: Error | undefined;
  const restart = (error: Error) => {
    reached = 0;
    for (const waiter of waiting) waiter.reject(error);
    waiting.clear();
  };
  return {
    seq: () => reached,
    advance: (seq) => {
      reached = seq;
      for (const waiter of waiting) {
        if (waiter.seq > seq) continue;
        waiting.delete(waiter);
        waiter.resolve();
      }
    },
    wait: async (seq, signal) => {
      if (ended) throw ended;
      if (reached >= seq) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { seq, resolve, reject };
      waiting.add(waiter);
      try {
        await abortable(promise, signal);
      } finally {
        waiting.delete(waiter);
      }
    },
    restart,
    end: (error) => {
      ended = error;
      restart(error);
    },
  };
}
