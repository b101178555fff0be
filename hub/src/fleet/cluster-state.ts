import type { Heard } from './presence.ts';
import type { ClusterRecord } from './records.ts';

/**
 * Expected: a token waits for it. Pending: a person has to approve it. Revoked: it may not connect. Leaving: it is being
 * removed. Else by its silence: Connected, Stale after 90 s, Lost after 10 minutes unless set otherwise.
 */
export type ClusterState = 'Expected' | 'Pending' | 'Connected' | 'Stale' | 'Lost' | 'Revoked' | 'Leaving';

export const staleAfterMs = 90_000;
export const defaultLostAfterMs = 600_000;
/** Heartbeats travel for a moment; beyond this the two clocks differ. */
const skewNoticedMs = 30_000;

export function stateOf(
  record: ClusterRecord,
  heard: Heard | undefined,
  { now, lostAfterMs = defaultLostAfterMs }: { now: number; lostAfterMs?: number | undefined },
): ClusterState {
  if (record.leaving) return 'Leaving';
  if (record.revoked) return 'Revoked';
  if (record.pending) return 'Pending';
  const silentMs = now - Math.max(heard?.at ?? 0, Date.parse(record.enrolledAt));
  if (silentMs <= staleAfterMs) return 'Connected';
  return silentMs <= lostAfterMs ? 'Stale' : 'Lost';
}

/** How far the agent's clock is ahead of NATS' (negative: behind), in ms; undefined when they agree. */
export function clockSkewOf({ heartbeat, at }: Heard): number | undefined {
  const skewMs = Date.parse(heartbeat.at) - at;
  return Math.abs(skewMs) > skewNoticedMs ? skewMs : undefined;
}
