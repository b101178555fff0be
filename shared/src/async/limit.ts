/** Runs at most `max` tasks at a time, first come first served. Who waits leaves the queue with the signal's reason. */
export function createLimit(max: number): <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task, signal) => {
    signal?.throwIfAborted();
    if (running >= max) await turn(waiting, signal);
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

async function turn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => {
    const place = waiting.indexOf(resolve);
    if (place < 0) return; // it is its turn already
    waiting.splice(place, 1);
    reject(signal?.reason as Error);
  };
  waiting.push(resolve);
  signal?.addEventListener('abort', leave, { once: true });
  await promise.finally(() => signal?.removeEventListener('abort', leave));
}

/** Maps in order of the input, `max` at a time. Throws the first error. */
export async function mapLimit<T, R>(
  items: readonly T[],
  max: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const limit = createLimit(max);
  return await Promise.all(items.map((item, index) => limit(() => task(item, index))));
}
