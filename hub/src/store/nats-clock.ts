/**
 * The time that a replica goes by: that of NATS, which says when a cluster was heard of. Inputs: this machine's clock, one
 * that nobody sets, and what NATS says that it is. Clocks that differ by little are left alone; one that is wrong makes nobody silent, keeps no
 * silence secret, and lets no two replicas disagree.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { HubNats } from './nats.ts';
import { streams } from './streams.ts';

export interface NatsClock {
  now(): Date;
  /** Asks NATS now and then; resolves after the first answer, or the first failure. The signal ends it. */
  follow(nats: Pick<HubNats, 'connection' | 'run' | 'onReconnect'>, signal: AbortSignal): Promise<void>;
}

/** Less may be the way of the answer. */
const countedMs = 5_000;
/** An answer that took longer says too little. */
const longestAnswerMs = 4_000;
const everyMs = 30_000;

export interface NatsClockDeps {
  logger: Logger;
  /** Ms since the epoch, as this machine has it. */
  wall?(): number;
  /** Ms by a clock that is never set. */
  elapsed?(): number;
}

export function createNatsClock(
  { logger, wall = Date.now, elapsed = () => performance.now() }: NatsClockDeps,
  { intervalMs = everyMs }: { intervalMs?: number } = {},
): NatsClock {
  let aheadMs = 0;
  let measuredMs = 0;
  // by how much the two clocks of this machine differ: a step of one shows in it at once
  let apartMs: number | undefined;
  let askAgain = () => {};
  const measure = async (nats: Pick<HubNats, 'connection' | 'run'>) => {
    const sentAt = elapsed();
    const answer = await nats.run(async () => await nats.connection.request(`$JS.API.STREAM.INFO.${streams.presence}`));
    const [receivedAt, tookMs] = [wall(), elapsed() - sentAt];
    const { ts = '' } = answer.json<{ ts?: string }>();
    const measured = receivedAt - tookMs / 2 - Date.parse(ts);
    if (Number.isNaN(measured) || tookMs > longestAnswerMs) return;
    apartMs = receivedAt - sentAt - tookMs;
    const next = counted(measured);
    if (Math.abs(next - measuredMs) > countedMs)
      logger[next === 0 ? 'info' : 'error'](
        { aheadMs: next },
        next === 0
          ? "this machine's clock agrees with that of nats"
          : "this machine's clock differs from that of nats, which counts: set it",
      );
    measuredMs = next;
    aheadMs = next;
  };
  const noticeStep = (at: number) => {
    const stepMs = apartMs === undefined ? 0 : at - elapsed() - apartMs;
    if (apartMs === undefined || Math.abs(stepMs) <= countedMs) return;
    apartMs += stepMs;
    // a machine that slept looks the same: until NATS has said what it was, nobody is silent by it
    aheadMs = counted(aheadMs + stepMs);
    askAgain();
  };
  return {
    now: () => {
      const at = wall();
      noticeStep(at);
      return new Date(at - aheadMs);
    },
    follow: async (nats, signal) => {
      const attempt = async () =>
        await measure(nats).catch((error: unknown) => {
          if (!signal.aborted) logger.warn({ err: toFleetError(error) }, 'nats does not say what time it is');
        });
      askAgain = () => {
        if (!signal.aborted) void attempt();
      };
      await attempt();
      void repeat(attempt, { nats, intervalMs }, signal);
    },
  };
}

/** A difference that counts, in whole ms; else 0. */
function counted(ms: number): number {
  return Math.abs(ms) > countedMs ? Math.round(ms) : 0;
}

async function repeat(
  attempt: () => Promise<void>,
  { nats, intervalMs }: { nats: Pick<HubNats, 'onReconnect'>; intervalMs: number },
  signal: AbortSignal,
): Promise<void> {
  using _ = nats.onReconnect(() => void attempt());
  while (await sleep(intervalMs, signal)) await attempt();
}
