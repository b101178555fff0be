/** Runs at most `max` tasks at a time, first come first served. */
export function createLimit(max: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
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

/** Maps in order of the input, `max` at a time. Throws the first error. */
export async function mapLimit<T, R>(
  items: readonly T[],
  max: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const limit = createLimit(max);
  return await Promise.all(items.map((item, index) => limit(() => task(item, index))));
}
