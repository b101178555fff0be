import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

export interface SingleFlight<T> {
  /** Runs `task` for `key`, or joins one that has not begun yet. The signal ends only the waiting of this caller. */
  run(key: string, signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface Flight<T> {
  result: Promise<T>;
  controller: AbortController;
  waiting: number;
}

/**
 * One task at a time per key. Who comes while one runs shares the next one, never the running one: what that sees may be older
 * than the event the caller was told of. A task is aborted when nobody waits for it any more.
 */
export function createSingleFlight<T>(): SingleFlight<T> {
  const running = new Map<string, Flight<T>>();
  const queued = new Map<string, Flight<T>>();

  const take = (key: string, task: (signal: AbortSignal) => Promise<T>): Flight<T> => {
    const before = running.get(key);
    const controller = new AbortController();
    const begin = async () => {
      await before?.result.catch(() => undefined); // its own callers hear of its error
      if (queued.get(key) === flight) queued.delete(key);
      if (controller.signal.aborted) throw aborted(controller.signal);
      running.set(key, flight);
      try {
        return await task(controller.signal);
      } finally {
        if (running.get(key) === flight) running.delete(key);
      }
    };
    const flight: Flight<T> = { controller, waiting: 0, result: Promise.resolve().then(begin) };
    flight.result.catch(() => undefined);
    queued.set(key, flight);
    return flight;
  };

  return {
    async run(key, signal, task) {
      if (signal.aborted) throw aborted(signal);
      const flight = queued.get(key) ?? take(key, task);
      flight.waiting += 1;
      try {
        return await orAborted(flight.result, signal);
      } finally {
        flight.waiting -= 1;
        if (flight.waiting === 0) {
          if (queued.get(key) === flight) queued.delete(key);
          flight.controller.abort();
        }
      }
    },
  };
}

async function orAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(aborted(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([result, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function aborted(signal: AbortSignal): FleetError {
  const isTimeout = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return new FleetError(isTimeout ? 'Timeout' : 'Aborted', isTimeout ? 'no answer in time' : 'stopped', {
    cause: signal.reason,
  });
}
