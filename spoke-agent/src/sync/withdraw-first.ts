import type { Clock } from '@wheelhouse/shared/async/clock';

/** A removal that cannot begin, such as of a kind that is not served any more, holds nobody up for longer. */
const patienceMs = 30_000;

/** Holds back what is to be applied until what leaves has begun to: it may run elsewhere by now. */
export interface WithdrawFirst {
  /** A tombstone that is new here. */
  add(app: string): void;
  /** Its deletions were sent, or it is a tombstone no more. */
  begun(app: string): void;
  /** For how long an Application has to wait at most, in milliseconds; undefined when it has not to. */
  waitMs(app: string): number | undefined;
}

export function createWithdrawFirst(
  { clock }: { clock: Pick<Clock, 'now'> },
  { onOpen }: { onOpen(app: string): void },
): WithdrawFirst {
  const until = new Map<string, number>();
  const waiting = new Set<string>();
  return {
    add: (app) => void until.set(app, clock.now() + patienceMs),
    begun: (app) => {
      if (!until.delete(app)) return;
      // who is waited for no longer must not keep others waiting
      for (const [one, at] of until) if (at <= clock.now()) until.delete(one);
      if (until.size > 0) return;
      const opened = [...waiting];
      waiting.clear();
      for (const one of opened) onOpen(one);
    },
    waitMs: (app) => {
      const ms = Math.max(0, ...until.values()) - clock.now();
      if (ms <= 0) return undefined;
      waiting.add(app);
      return ms;
    },
  };
}
