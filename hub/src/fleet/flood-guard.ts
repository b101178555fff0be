/**
 * Keeps one spoke from taking the room of all others. NATS has no limit of messages a second, so the hub asks the server
 * who sends most: whoever stays above the limit loses his connection, and at the third time within ten minutes his key.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Attempts } from './attempts.ts';
import type { KeyHolder } from './shut-out.ts';
import type { BusyConnection, ConnectionHolder, SystemAccount } from './system-account.ts';

export interface FloodGuardDeps {
  system: Pick<SystemAccount, 'busiest' | 'holder' | 'disconnect'>;
  /** Account of the spokes. */
  account: string;
  /** Shuts out whoever holds the key, whatever the cluster is called by now. */
  shutOut(holder: KeyHolder, options: { by: string; reason: string }): Promise<void>;
  attempts: Attempts;
  logger: Logger;
  now: () => number;
}

export interface FloodGuardOptions {
  /** Messages a second that a connection may send over two looks in a row. An agent sends 1,000 at once and 200 a second after that. */
  maxPerSecond?: number;
  intervalMs?: number;
}

/** Of each server: those that sent most since they came, and as many again of those that sent last. */
const looked = 50;
const strikes = 3;
const strikeMs = 600_000;
/** A connection that was not among those for a while is remembered for this long, so that its rate is known when it is again. */
const rememberedMs = 20_000;

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
      const busiest = await deps.system.busiest(deps.account, looked);
      forgetOld(struck, deps.now());
      await Promise.all(
        rates(busiest, maxPerSecond).map(async (flood) => await strikeOne(deps, { ...flood, struck }, signal)),
      );
    } catch (error) {
      if (!signal.aborted) deps.logger.warn({ err: toFleetError(error) }, 'cannot see who sends most');
    }
  }
}

/** That one of them cannot be stopped keeps nobody from stopping the others. */
async function strikeOne(deps: FloodGuardDeps, flood: StruckFlood, signal: AbortSignal): Promise<void> {
  try {
    const holder = await deps.system.holder(flood.connection.id);
    if (holder) await strike(deps, { ...flood, holder });
  } catch (error) {
    const connection = flood.connection.id;
    if (!signal.aborted) deps.logger.error({ err: toFleetError(error), connection }, 'cannot stop a flood');
  }
}

interface Flood {
  connection: BusyConnection;
  perSecond: number;
}

/** With the times of what went before, by key. */
type StruckFlood = Flood & { struck: Map<string, number[]> };

interface Look {
  messages: number;
  at: number;
  isHigh: boolean;
}

/** Connections that were above the limit at this look and at the one before. */
function createRates(now: () => number): (busiest: BusyConnection[], limit: number) => Flood[] {
  const looks = new Map<string, Look>();
  return (busiest, limit) => {
    const at = now();
    const floods: Flood[] = [];
    for (const connection of busiest) {
      const known = looks.get(connection.id);
      const seconds = Math.max(0.001, (at - (known?.at ?? at)) / 1_000);
      const perSecond = known ? Math.round((connection.messages - known.messages) / seconds) : 0;
      const isHigh = perSecond > limit;
      if (isHigh && known?.isHigh) floods.push({ connection, perSecond });
      looks.set(connection.id, { messages: connection.messages, at, isHigh });
    }
    for (const [id, look] of looks) if (at - look.at > rememberedMs) looks.delete(id);
    return floods;
  };
}

function forgetOld(struck: Map<string, number[]>, now: number): void {
  for (const [key, times] of struck) if (now - (times.at(-1) ?? 0) >= strikeMs) struck.delete(key);
}

async function strike(
  deps: FloodGuardDeps,
  { connection, perSecond, struck, holder }: StruckFlood & { holder: ConnectionHolder },
): Promise<void> {
  const { cluster, publicKey } = holder;
  const recent = [...(struck.get(publicKey) ?? []), deps.now()].filter((at) => deps.now() - at < strikeMs);
  struck.set(publicKey, recent);
  deps.logger.error({ cluster, publicKey, perSecond }, 'a spoke floods the fleet; it loses its connection');
  deps.attempts.record({
    by: cluster,
    action: 'refuse flood',
    object: cluster,
    details: { reason: 'it sends too much', perSecond, publicKey },
  });
  // the key first: a connection that ends may be back before the key is shut out
  if (recent.length >= strikes) {
    const reason = `it flooded the fleet ${recent.length} times within 10 minutes, last with ${perSecond} messages a second`;
    await deps.shutOut({ publicKey, cluster }, { by: 'hub', reason });
  }
  await deps.system.disconnect(connection.id);
}
