import { FleetError } from '../errors/fleet-error.ts';

/** Runs a task, or joins the one that runs for the same key. A signal ends its own wait; the task stops when nobody waits. */
export type InFlight<T> = (key: string, signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** For tasks whose result depends upon their key alone, so that joining a running one is as good as a run of one's own. */
export function createInFlight<T>(): InFlight<T> {
  const running = new Map<
    string,
    { result: Promise<T>; controller: AbortController; waiting: number; done: boolean }
  >();

  const start = (key: string, task: (signal: AbortSignal) => Promise<T>) => {
    const controller = new AbortController();
    const flight = { controller, waiting: 0, done: false, result: task(controller.signal) };
    running.set(key, flight);
    const forget = () => {
      flight.done = true;
      if (running.get(key) === flight) running.delete(key);
    };
    flight.result.then(forget, forget);
    return flight;
  };

  return async (key, signal, task) => {
    if (signal.aborted) throw stopped(signal);
    const flight = running.get(key) ?? start(key, task);
    flight.waiting += 1;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(stopped(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([flight.result, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      flight.waiting -= 1;
      if (flight.waiting === 0 && !flight.done) {
        if (running.get(key) === flight) running.delete(key);
        flight.controller.abort();
      }
    }
  };
}

function stopped(signal: AbortSignal): FleetError {
  return new FleetError('Aborted', 'nobody waits for it any more', { cause: signal.reason });
}
