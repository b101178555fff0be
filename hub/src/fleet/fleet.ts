import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Statuses } from '../status/statuses.ts';
import type { AuditEntry } from '../store/audit.ts';
import type { HubNats } from '../store/nats.ts';
import type { Stores } from '../store/open-stores.ts';
import { consumeStatus } from '../store/status-stream.ts';
import type { Authority } from './authority.ts';
import { createCloneDetector } from './clones.ts';
import { type Clusters, createClusters } from './clusters.ts';
import { createEnrolment, type Enrolment, serveRenewals } from './enrolment.ts';
import { serveHeartbeats, watchPresence } from './presence.ts';
import { createTokens, type Tokens } from './tokens.ts';

/** The hub's side of the conversation with spokes: inventory, tokens, enrolment, heartbeats and statuses. */
export interface Fleet {
  clusters: Clusters;
  tokens: Tokens;
  enrolment: Enrolment;
  /** ms since the epoch; undefined for a cluster that was never heard of. */
  lastSeen(cluster: string): number | undefined;
  /** Clusters by state. */
  states(): Record<string, number>;
  /** After a change of what assignment depends upon: labels, or a generation ahead of what was published. */
  onChange(listener: (change: { name: string; labelsChanged: boolean }) => void): Disposable;
  /** After a cluster came, went or changed its address. */
  onDestinationsChange(listener: () => void): Disposable;
  audit(entry: AuditEntry): void;
}

export interface FleetDeps {
  nats: HubNats;
  stores: Stores;
  authority: Authority;
  statuses: Statuses;
  logger: Logger;
  now: () => Date;
}

export async function startFleet(
  deps: FleetDeps,
  options: { hubUrl: string; natsUrls: string[] },
  signal: AbortSignal,
): Promise<Fleet> {
  const { nats, stores, authority, logger, now } = deps;
  const { records, documents, audit } = stores;
  const listeners = new Set<(change: { name: string; labelsChanged: boolean }) => void>();
  const emit = (change: { name: string; labelsChanged: boolean }) => {
    for (const listener of listeners) listener(change);
  };
  const detectClone = createCloneDetector({ records, audit, logger, now });
  const onHeartbeat = (cluster: string, heard: Parameters<typeof detectClone>[1]) => {
    detectClone(cluster, heard);
    if (heard.heartbeat.appliedGen > (documents.head(cluster)?.gen ?? 0)) emit({ name: cluster, labelsChanged: false });
  };
  const presence = watchPresence({ nats, logger }, { onHeartbeat }, signal);
  const feed = consumeStatus(
    { nats, logger },
    { onStatus: (cluster, status) => void deps.statuses.record(cluster, status) },
    signal,
  );
  const head = (cluster: string) => documents.head(cluster);
  serveHeartbeats({ nats, logger, head, feed }, signal);
  const clusters = createClusters({ records, presence, head, audit, now });
  const tokens = createTokens(
    { records, audit, now },
    { hubUrl: options.hubUrl, caFingerprint: authority.ca.fingerprint },
  );
  const enrolment = createEnrolment({ records, tokens, authority, audit, now }, { natsUrls: options.natsUrls });
  serveRenewals({ nats, enrolment, logger }, signal);
  clusters.onChange(({ name, before, after }) =>
    emit({
      name,
      labelsChanged:
        JSON.stringify([before?.labels, before?.annotations]) !== JSON.stringify([after?.labels, after?.annotations]),
    }),
  );
  await Promise.all([presence.loaded(), feed.loaded()]);
  return {
    clusters,
    tokens,
    enrolment,
    lastSeen: (cluster) => presence.find(cluster)?.at,
    states: () => countBy(clusters.list().map((cluster) => cluster.state)),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    onDestinationsChange: (listener) =>
      clusters.onChange(({ before, after }) => {
        if (before?.server !== after?.server || before?.project !== after?.project) listener();
      }),
    audit: (entry) => {
      audit
        .append(entry)
        .catch((error: unknown) => logger.error({ err: toFleetError(error), entry }, 'audit entry was not stored'));
    },
  };
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
