import { locationText, type SourceLocation } from './location.ts';
import type { Snapshot } from './snapshot.ts';

type Open = (location: SourceLocation, signal: AbortSignal) => Promise<Snapshot & Disposable>;

/** Opens each location when it is first asked for and never again. On dispose all are closed, each as soon as it is open. */
export function openOnce(openNow: Open): Disposable & { open: Open } {
  const opened = new Map<string, Promise<Snapshot & Disposable>>();
  return {
    open: async (location, signal) => {
      const key = locationText(location);
      const found = opened.get(key) ?? openNow(location, signal);
      opened.set(key, found);
      return await found;
    },
    [Symbol.dispose]: () => {
      // a failed one was thrown to whoever asked for it
      for (const snapshot of opened.values())
        snapshot.then(
          (one) => one[Symbol.dispose](),
          () => undefined,
        );
    },
  };
}
