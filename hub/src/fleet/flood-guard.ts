/**
 * Keeps one spoke from taking the room of all others. NATS has no limit of messages a second, so the hub asks the server
 * who sends most: whoever stays above the limit loses his connection, and at the third time within ten minutes his key.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Attempts } from './attempts.ts';
import type { BusyConnection, SystemAccount } from './system-account.ts';

export interface FloodGuardDeps {
  system: Pick<SystemAccount, 'busiest' | 'disconnect'>;
  /** Account of the spokes. */
  account: string;
  /** Shuts a cluster out. */
  revoke(cluster: string, options: { by: string; reason: string }): Promise<void>;
  attempts: Attempts;
  logger: Logger;
  now: () => number;
}

export interface FloodGuardOptions {
  /** Messages a second that a connection may send over two looks in a row. An agent sends 1,000 at once and 200 a second after that. */
  maxPerSecond?: number;
  intervalMs?: number;
}

const looked = 20;
const strikes = 3;
const strikeMs = 600_000;

/** Looks again and again until the signal aborts. */
export async function guardFromFloods(
  deps: FloodGuardDeps,
  options: FloodGuardOptions,
  signal: AbortSignal,
): Promise<void> {
  const { maxPerSecond = 3_000, intervalMs = 2_000 } = options;
  const rates = createRates(deps.now);
  const struck = new Map<string, number[]>();
  while (await sleep(intervalMs, signal)) {
    try {
      for (const { connection, perSecond } of rates(await deps.system.busiest(deps.account, looked), maxPerSecond))
        await strike(deps, { connection, perSecond, struck });
    } catch (error) {
      if (!signal.aborted) deps.logger.warn({ err: toFleetError(error) }, 'cannot see who sends most');
    }
  }
}

interface Flood {
  connection: BusyConnection;
  perSecond: number;
}

/** Connections that were above the limit at this look and at the one before. */
function createRates(now: () => number): (busiest: BusyConnection[], limit: number) => Flood[] {
  let before = new Map<string, { messages: number; isHigh: boolean }>();
  let lookedAt = now();
  return (busiest, limit) => {
    const seconds = Math.max(0.001, (now() - lookedAt) / 1_000);
    lookedAt = now();
    const floods: Flood[] = [];
    const next: typeof before = new Map();
    for (const connection of busiest) {
      const known = before.get(connection.id);
      const perSecond = Math.round((connection.messages - (known?.messages ?? 0)) / seconds);
      const isHigh = perSecond > limit;
      if (isHigh && known?.isHigh) floods.push({ connection, perSecond });
      next.set(connection.id, { messages: connection.messages, isHigh });
    }
    before = next;
    return floods;
  };
}

async function strike(deps: FloodGuardDeps, flood: Flood & { struck: Map<string, number[]> }): Promise<void> {
  const { connection, perSecond, struck } = flood;
  const { cluster } = connection;
  const recent = [...(struck.get(cluster) ?? []), deps.now()].filter((at) => deps.now() - at < strikeMs);
  struck.set(cluster, recent);
  deps.logger.error({ cluster, perSecond }, 'a spoke floods the fleet; it loses its connection');
  deps.attempts.record({
    by: cluster,
    action: 'refuse flood',
    object: cluster,
    details: { reason: 'it sends too much', perSecond },
  });
  await deps.system.disconnect(connection.id);
  if (recent.length < strikes) return;
  const reason = `it flooded the fleet ${recent.length} times within 10 minutes, last with ${perSecond} messages a second`;
  await deps.revoke(cluster, { by: 'hub', reason });
}
