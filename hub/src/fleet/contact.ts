/**
 * Tells when contact with a cluster is lost and when it is back: once, whichever replica sees it first, in the audit and the
 * log. Inputs: the clusters' states. Silence says nothing while it may be the hub that was away. What the audit stream did not
 * take is in the log only.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AuditLog } from '../store/audit.ts';
import type { HubNats } from '../store/nats.ts';
import { type ClusterState, staleAfterMs } from './cluster-state.ts';
import type { FleetCluster } from './clusters.ts';
import type { Table } from './records.ts';

/** What was last told of a cluster. */
export interface ContactRecord {
  cluster: string;
  state: Contact;
  /** RFC 3339. */
  at: string;
  /** When it was last heard of, or enrolled: what the state follows from. RFC 3339. */
  heardAt: string;
}

type Contact = Extract<ClusterState, 'Connected' | 'Stale' | 'Lost'>;

export interface ContactDeps {
  clusters: { list(): Pick<FleetCluster, 'name' | 'state' | 'lastSeenAt' | 'enrolledAt'>[] };
  contacts: Table<ContactRecord>;
  /** From when on this hub has heard without a break, as `elapsedMs` counts; undefined while it hears nothing. */
  hearingSince(): number | undefined;
  /** A clock that nobody sets. */
  elapsedMs(): number;
  audit: AuditLog;
  /** After this replica, and no other, has told a change. */
  told(state: 'connected' | 'stale' | 'lost'): void;
  logger: Logger;
  now: () => Date;
}

const parallelWrites = 32;
const goneAfterMs = 60_000;

/** Looks again and again until the signal aborts. */
export async function watchContact(
  deps: ContactDeps,
  { intervalMs = 10_000 }: { intervalMs?: number },
  signal: AbortSignal,
): Promise<void> {
  const silences = createSilences(deps);
  const absences = createAbsences(deps);
  while (await sleep(intervalMs, signal)) {
    try {
      await lookOnce(deps, silences);
      await forgetGone(deps, absences);
    } catch (error) {
      if (!signal.aborted) deps.logger.warn({ err: toFleetError(error) }, 'cannot tell whose contact was lost');
    }
  }
}

async function lookOnce(deps: ContactDeps, silences: Silences): Promise<void> {
  const clusters = deps.clusters.list();
  const due = clusters.flatMap(({ name, state, lastSeenAt = '', enrolledAt = '' }) => {
    const heardAt = lastSeenAt > enrolledAt ? lastSeenAt : enrolledAt;
    const silentMs = silences.look(name, heardAt);
    if (!isContact(state) || silentMs === undefined) return [];
    if (state !== 'Connected' && silentMs <= staleAfterMs) return [];
    const change = { cluster: name, state, heardAt };
    return isNews(change, deps.contacts.find(name)) ? [change] : [];
  });
  await mapLimit(due, parallelWrites, async (change) => await tell(change, deps));
  silences.keepOnly(new Set(clusters.map(({ name }) => name)));
}

/** Where another replica was faster to see a cluster that is new, it is not one that is gone. */
async function forgetGone({ clusters, contacts }: ContactDeps, absences: Absences): Promise<void> {
  const names = new Set(clusters.list().map(({ name }) => name));
  const gone = absences.longGone(contacts.list().flatMap(({ cluster }) => (names.has(cluster) ? [] : cluster)));
  await mapLimit(gone, parallelWrites, async (cluster) => await contacts.delete(cluster));
}

interface Absences {
  /** Of clusters that are not there now, those that were not for a while. */
  longGone(absent: readonly string[]): string[];
}

function createAbsences({ elapsedMs }: Pick<ContactDeps, 'elapsedMs'>): Absences {
  let since = new Map<string, number>();
  return {
    longGone: (absent) => {
      since = new Map(absent.map((name) => [name, since.get(name) ?? elapsedMs()]));
      return absent.filter((name) => elapsedMs() - (since.get(name) ?? 0) > goneAfterMs);
    },
  };
}

function isContact(state: ClusterState): state is Contact {
  return state === 'Connected' || state === 'Stale' || state === 'Lost';
}

interface Silences {
  /** For how long this hub itself has heard nothing newer, though it could have; undefined while it hears nothing at all. */
  look(cluster: string, heardAt: string): number | undefined;
  keepOnly(clusters: ReadonlySet<string>): void;
}

/** By a stopwatch: a hub whose clock differs from that of NATS takes nobody for silent, and a deaf one neither. */
function createSilences({ hearingSince, elapsedMs }: Pick<ContactDeps, 'hearingSince' | 'elapsedMs'>): Silences {
  const seen = new Map<string, { heardAt: string; since: number }>();
  return {
    look: (cluster, heardAt) => {
      const hearing = hearingSince();
      if (hearing === undefined) return undefined;
      if (seen.get(cluster)?.heardAt !== heardAt) seen.set(cluster, { heardAt, since: elapsedMs() });
      return elapsedMs() - Math.max(hearing, seen.get(cluster)?.since ?? 0);
    },
    keepOnly: (clusters) => {
      for (const cluster of seen.keys()) if (!clusters.has(cluster)) seen.delete(cluster);
    },
  };
}

type ContactChange = Omit<ContactRecord, 'at'>;

const severity = { Connected: 0, Stale: 1, Lost: 2 } as const;

/** Replicas whose clocks differ, or of which one hears later, do not contradict each other: only newer word of a cluster brings it back. */
function isNews({ state, heardAt }: ContactChange, told: ContactRecord | undefined): boolean {
  if (!told || state === told.state) return !told;
  return heardAt > told.heardAt || (heardAt === told.heardAt && severity[state] > severity[told.state]);
}

/** The record first: whoever writes it is who tells. */
async function tell(change: ContactChange, deps: ContactDeps): Promise<void> {
  const { cluster, state, heardAt } = change;
  const stored = await deps.contacts.read(cluster);
  if (!isNews(change, stored?.value)) return;
  try {
    await deps.contacts.put(cluster, { ...change, at: deps.now().toISOString() }, stored?.revision ?? 0);
  } catch (error) {
    if (isFleetError(error, 'Conflict')) return;
    throw error;
  }
  deps.told(toLowerCase(state));
  const details = { from: stored?.value.state ?? 'new', heardAt };
  deps.logger[state === 'Connected' ? 'info' : 'warn']({ cluster, state, ...details }, 'contact with a cluster');
  await deps.audit.append({ by: 'hub', action: `cluster ${toLowerCase(state)}`, object: cluster, details });
}

function toLowerCase<T extends string>(text: T): Lowercase<T> {
  return text.toLowerCase() as Lowercase<T>;
}

/** Since when what is sent to NATS reaches this hub. */
export function createHearing(
  nats: Pick<HubNats, 'isConnected' | 'onReconnect'>,
  elapsedMs: () => number,
): ContactDeps['hearingSince'] {
  let since = elapsedMs();
  nats.onReconnect(() => {
    since = elapsedMs();
  });
  return () => (nats.isConnected() ? since : undefined);
}
