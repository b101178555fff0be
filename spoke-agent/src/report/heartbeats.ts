import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { Clock } from '@wheelhouse/shared/async/clock';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Heartbeat, HeartbeatReply } from '@wheelhouse/shared/protocol/status';
import type { Link } from '../link/link.ts';

export interface HeartbeatsDeps {
  link: Pick<Link, 'cluster' | 'heartbeat' | 'onConnect' | 'state'>;
  logger: Logger;
  clock: Clock;
  random: () => number;
  compose(): Heartbeat;
  /** Generation of the newest document that the hub knows of, 0 for none. */
  onGeneration(gen: number): void;
  /** The hub lacks a status. */
  onResend(seqFloor: number): void;
  /** The hub has what the digest stood for. */
  onConfirmed(): void;
  /** Something about the identity changed. */
  onRenew(): void;
}

const maxResendWaitMs = 600_000;
const firstRetryMs = 1_000;

/**
 * Says every `intervalMs`, and as soon as a connection stands, that the spoke is there and what it has; the hub answers
 * with what it misses. When statuses differ again right after they were all sent, the next time waits longer.
 */
export function startHeartbeats(deps: HeartbeatsDeps, options: { intervalMs: number }): Disposable {
  const { link, logger, clock, random } = deps;
  const stop = new AbortController();
  let timer: Disposable | undefined;
  let failures = 0;
  let resends = 0;
  let resendFrom = 0;
  const schedule = (ms: number) => {
    timer?.[Symbol.dispose]();
    if (!stop.signal.aborted) timer = clock.after(ms, () => void beat());
  };
  const take = (reply: HeartbeatReply, sent: Heartbeat) => {
    if (reply.renew) deps.onRenew();
    deps.onGeneration(reply.gen);
    if (!reply.resend) {
      if (sent.statusDigest === '') return;
      resends = 0;
      deps.onConfirmed();
      return;
    }
    if (clock.now() < resendFrom) return;
    resends += 1;
    resendFrom = clock.now() + Math.min(maxResendWaitMs, options.intervalMs * 2 ** resends);
    logger.info({ cluster: link.cluster, resends }, 'the hub lacks a status; sending all again');
    deps.onResend(reply.seqFloor ?? 0);
  };
  const beat = async () => {
    schedule(options.intervalMs * (0.9 + 0.2 * random()));
    if (link.state() !== 'connected') return;
    try {
      const heartbeat = deps.compose();
      take(await link.heartbeat(heartbeat, stop.signal), heartbeat);
      failures = 0;
    } catch (error) {
      logger.debug({ err: error, cluster: link.cluster }, 'heartbeat was not answered');
      failures += 1;
      // the hub may have connected later than this spoke: it is to be heard of before the interval is over
      const waitMs = backoffMs(failures, { baseMs: firstRetryMs, maxMs: options.intervalMs, random });
      if (link.state() === 'connected') schedule(waitMs);
    }
  };
  const onConnect = link.onConnect(() => void beat());
  schedule(0);
  return {
    [Symbol.dispose]: () => {
      stop.abort();
      onConnect[Symbol.dispose]();
      timer?.[Symbol.dispose]();
    },
  };
}

export function credentialsOf(link: Pick<Link, 'credentials'>): Pick<Heartbeat, 'credentials'> {
  const credentials = link.credentials();
  return credentials ? { credentials } : {};
}
