import type { Clock } from '@wheelhouse/shared/async/clock';
import type { ReportedStatus } from './status.ts';

/** Reports each status once: the first change at once, further ones at most every `minIntervalMs` per Application. */
export interface StatusReporter extends Disposable {
  offer(status: ReportedStatus): void;
  forget(app: string): void;
}

interface Known {
  /** All of the last report but its time, generation and trace. */
  content: string;
  at: number;
  timer?: Disposable | undefined;
  next?: ReportedStatus | undefined;
}

export function createStatusReporter(
  { clock, report }: { clock: Clock; report: (status: ReportedStatus) => void },
  { minIntervalMs }: { minIntervalMs: number },
): StatusReporter {
  const known = new Map<string, Known>();

  function send(status: ReportedStatus): void {
    const previous = known.get(status.app);
    const content = contentOf(status);
    if (previous) previous.next = undefined;
    if (previous?.content === content) return;
    known.set(status.app, { content, at: clock.now() });
    report(status);
  }

  function offer(status: ReportedStatus): void {
    const previous = known.get(status.app);
    const wait = previous ? previous.at + minIntervalMs - clock.now() : 0;
    if (!previous || (wait <= 0 && !previous.timer)) return send(status);
    previous.next = status;
    previous.timer ??= clock.after(wait, () => {
      previous.timer = undefined;
      if (previous.next) send(previous.next);
    });
  }

  return {
    offer,
    forget(app) {
      known.get(app)?.timer?.[Symbol.dispose]();
      known.delete(app);
    },
    [Symbol.dispose]() {
      for (const { timer } of known.values()) timer?.[Symbol.dispose]();
      known.clear();
    },
  };
}

function contentOf({
  gen: _gen,
  observedAt: _observedAt,
  traceparent: _traceparent,
  ...content
}: ReportedStatus): string {
  return JSON.stringify(content);
}
