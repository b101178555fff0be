/**
 * Sends what the spoke says of its Applications: newest value only, what failed first and acknowledged, the rest as fast
 * as a token bucket lets it. Nothing is lost by being offline: the newest value waits. It never decides what a status is.
 */

import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { Clock } from '@wheelhouse/shared/async/clock';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { statusDigest } from '@wheelhouse/shared/protocol/status-digest';
import type { Link } from '../link/link.ts';
import type { ReportedStatus } from '../sync/status.ts';
import { createOutbox, isUrgent, type Outbox } from './outbox.ts';
import { createTokenBucket } from './token-bucket.ts';

export interface Reporter extends Disposable {
  report(status: ReportedStatus): void;
  /** Sends everything again, numbered above `seqFloor`. */
  resend(seqFloor: number): void;
  /** Digest of everything reported; '' while some of it may still be on its way. */
  digest(): string;
  /** The hub has what the last digest stood for. What it did not confirm is sent again when a connection was lost. */
  confirm(): void;
  /** Forgets Applications that were removed and that no tombstone names any more. */
  forgetRemoved(tombstones: ReadonlySet<string>): void;
}

export interface ReporterDeps {
  link: Pick<Link, 'publishStatus' | 'onConnect' | 'state'>;
  logger: Logger;
  clock: Clock;
  random: () => number;
}

/** Statuses that may go at once, and after that per second. */
const burst = 1_000;
const perSecond = 200;
const parallelAcks = 16;
/** A status that was sent so recently may not have reached every replica of the hub. */
const quietMs = 10_000;

export function createReporter(deps: ReporterDeps): Reporter {
  const { clock } = deps;
  const outbox = createOutbox();
  const sender = createSender(deps, outbox);
  let seq = 0;
  let digestSeq = 0;
  const put = (status: ReportedStatus) => {
    // time as the base lets the number grow across restarts without a file
    seq = Math.max(seq + 1, clock.now());
    outbox.put({ v: 1, ...status, seq });
  };
  return {
    report: (status) => {
      put(status);
      sender.soon();
    },
    resend: (seqFloor) => {
      seq = Math.max(seq, seqFloor);
      for (const status of outbox.all()) put(status);
      sender.soon();
    },
    digest: () => {
      const statuses = outbox.all();
      const isSettled = statuses.length > 0 && outbox.waiting() === 0 && clock.now() - sender.sentAt() >= quietMs;
      if (isSettled) digestSeq = seq;
      return isSettled ? statusDigest(statuses) : '';
    },
    confirm: () => outbox.confirm(digestSeq),
    forgetRemoved: (tombstones) => {
      for (const { app, removed } of outbox.all()) if (removed && !tombstones.has(app)) outbox.remove(app);
    },
    [Symbol.dispose]: () => sender[Symbol.dispose](),
  };
}

interface Sender extends Disposable {
  soon(): void;
  /** Time of the last batch, ms since the epoch. */
  sentAt(): number;
}

/** Sends what waits, one batch at a time, while the link is connected. */
function createSender(deps: ReporterDeps, outbox: Outbox): Sender {
  const { link, logger, clock, random } = deps;
  const stop = new AbortController();
  const bucket = createTokenBucket(clock, { burst, perSecond });
  let sentAt = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let timer: Disposable | undefined;
  let sending = false;
  const schedule = (ms: number) => {
    timer?.[Symbol.dispose]();
    if (!stop.signal.aborted) timer = clock.after(ms, () => void flush());
  };
  const flush = async () => {
    if (sending || outbox.waiting() === 0 || link.state() !== 'connected') return;
    sending = true;
    sentAt = clock.now();
    try {
      await send(outbox.take(bucket.take(outbox.waiting())), { link, outbox }, stop.signal);
      failures = 0;
      sentAt = clock.now();
    } catch (error) {
      failures += 1;
      logger.debug({ err: error }, 'cannot send statuses; trying again');
    } finally {
      sending = false;
    }
    if (outbox.waiting() === 0) return;
    schedule(failures > 0 ? backoffMs(failures, { baseMs: 500, maxMs: 30_000, random }) : bucket.waitMs());
  };
  const onConnect = link.onConnect(() => {
    outbox.doubt();
    // at once, to share a write of the socket with the heartbeat
    void flush();
  });
  return {
    soon: () => {
      if (!sending && failures === 0) schedule(0);
    },
    sentAt: () => sentAt,
    [Symbol.dispose]: () => {
      stop.abort();
      onConnect[Symbol.dispose]();
      timer?.[Symbol.dispose]();
    },
  };
}

async function send(
  batch: AppStatus[],
  { link, outbox }: { link: Pick<Link, 'publishStatus'>; outbox: Outbox },
  signal: AbortSignal,
): Promise<void> {
  await mapLimit(batch, parallelAcks, async (status) => {
    await link.publishStatus(status, { ack: isUrgent(status), signal });
    outbox.sent(status);
  });
}
