import { abortable } from './abort.ts';

/** Whether a connection that comes and goes stands, and the end of work that relies on it. */
export interface Uptime {
  isUp(): boolean;
  up(): void;
  /** Work under way fails with `reason`. */
  down(reason: Error): void;
  /** Runs a task that is over, at the latest, when the connection breaks; fails at once when it does not stand. */
  during<T>(task: () => Promise<T>): Promise<T>;
  /** Resolves when it stands. Throws the signal's reason. */
  waitUntilUp(signal: AbortSignal): Promise<void>;
}

export function createUptime(reason: Error): Uptime {
  let epoch = new AbortController();
  let arrival = Promise.withResolvers<void>();
  epoch.abort(reason);
  return {
    isUp: () => !epoch.signal.aborted,
    up: () => {
      if (!epoch.signal.aborted) return;
      epoch = new AbortController();
      arrival.resolve();
    },
    down: (reason) => {
      if (epoch.signal.aborted) return;
      arrival = Promise.withResolvers();
      epoch.abort(reason);
    },
    during: async (task) => {
      const { signal } = epoch;
      signal.throwIfAborted();
      return await abortable(task(), signal);
    },
    waitUntilUp: async (signal) => await abortable(arrival.promise, signal),
  };
}
