/**
 * The time that a replica goes by: that of NATS, which says when a cluster was heard of. Inputs: this machine's clock, and
 * what NATS says that it is. Clocks that differ by little are left alone; one that is wrong makes nobody silent, keeps no
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

export function createNatsClock(
  { logger, wall = Date.now }: { logger: Logger; wall?: () => number },
  { intervalMs = everyMs }: { intervalMs?: number } = {},
): NatsClock {
  let aheadMs = 0;
  const measure = async (nats: Pick<HubNats, 'connection' | 'run'>) => {
    const sentAt = wall();
    const answer = await nats.run(async () => await nats.connection.request(`$JS.API.STREAM.INFO.${streams.presence}`));
    const receivedAt = wall();
    const { ts = '' } = answer.json<{ ts?: string }>();
    const measured = (sentAt + receivedAt) / 2 - Date.parse(ts);
    if (Number.isNaN(measured) || receivedAt - sentAt > longestAnswerMs) return;
    const next = Math.abs(measured) > countedMs ? Math.round(measured) : 0;
    if (Math.abs(next - aheadMs) > countedMs)
      logger[next === 0 ? 'info' : 'error'](
        { aheadMs: next },
        next === 0
          ? "this machine's clock agrees with that of nats"
          : "this machine's clock differs from that of nats, which counts: set it",
      );
    aheadMs = next;
  };
  return {
    now: () => new Date(wall() - aheadMs),
    follow: async (nats, signal) => {
      const attempt = async () =>
        await measure(nats).catch((error: unknown) => {
          if (!signal.aborted) logger.warn({ err: toFleetError(error) }, 'nats does not say what time it is');
        });
      await attempt();
      void repeat(attempt, { nats, intervalMs }, signal);
    },
  };
}

async function repeat(
  attempt: () => Promise<void>,
  { nats, intervalMs }: { nats: Pick<HubNats, 'onReconnect'>; intervalMs: number },
  signal: AbortSignal,
): Promise<void> {
  using _ = nats.onReconnect(() => void attempt());
  while (await sleep(intervalMs, signal)) await attempt();
}
