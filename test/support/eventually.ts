import { sleep } from '@wheelhouse/shared/async/abort';

export interface EventuallyOptions {
  /** How long to go on trying; a minute unless given: what does not come to pass fails late, and a busy machine is waited for. */
  timeoutMs?: number;
  /** The wait between two tries; 25 ms unless given. */
  intervalMs?: number;
}

/** Repeats the assertion until it no longer throws, and returns its value; after `timeoutMs` throws its last error. */
export async function eventually<T>(assertion: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 60_000, intervalMs = 25 } = options;
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() >= endsAt) throw error;
    }
    await sleep(intervalMs);
  }
}
