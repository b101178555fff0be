import type { Clock } from '@wheelhouse/shared/async/clock';

export interface LivenessDeps {
  clock: Clock;
  /** Has the other side say something. */
  ask(): void;
  /** Once: nothing was heard for `silentMs`. */
  onSilent(): void;
}

export interface Liveness {
  /** The other side owes an answer from now on. */
  watch(): void;
  /** It owes none any more. */
  rest(): void;
  /** It said something. */
  heard(): void;
}

/** So many looks without a word are silence: a process that was held up itself looks once, and then hears what has come meanwhile. */
const looks = 10;

export function createLiveness({ clock, ask, onSilent }: LivenessDeps, { silentMs }: { silentMs: number }): Liveness {
  let timer: Disposable | undefined;
  let silent = 0;
  const look = () => {
    if (silent === looks) return onSilent();
    silent += 1;
    ask();
    timer = clock.after(silentMs / looks, look);
  };
  return {
    watch: () => {
      if (timer) return;
      silent = 0;
      look();
    },
    rest: () => {
      timer?.[Symbol.dispose]();
      timer = undefined;
    },
    heard: () => {
      silent = 0;
    },
  };
}
