/**
 * Tells what no honest agent sends: statuses of another generation or another cluster's Application, news that are older than
 * what is known, logins with keys that were shut out, subjects that NATS refused. It records, and decides nothing: that it
 * has no effect is seen to where it is read, or by NATS' permissions.
 */
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { parseJwt } from '@wheelhouse/shared/protocol/jwt';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { type Attempts, unproven } from './attempts.ts';
import type { Heard } from './presence.ts';
import type { FleetRecords, RevocationRecord } from './records.ts';
import { followServerLog, type Violation } from './server-log.ts';
import type { SystemAccount, SystemEvent } from './system-account.ts';

export interface SuspicionsDeps {
  attempts: Attempts;
  records: Pick<FleetRecords, 'clusters'>;
  revocations: { find(publicKey: string): RevocationRecord | undefined };
  system: Pick<SystemAccount, 'onEvent'>;
  head(cluster: string): { gen: number } | undefined;
  heard(cluster: string): Heard | undefined;
  /** Where an Application goes, as far as that is known. */
  clusterOf(app: string): string | undefined;
  documents: { find(cluster: string): Promise<{ document: AssignmentDocument } | undefined> };
  logger: Logger;
}

export interface Suspicions {
  /** A status that was taken. */
  onStatus(cluster: string, status: AppStatus): void;
  /** A report that was not taken, and why. */
  onRefused(cluster: string, reason: string): void;
}

/** `log`: nats-server's log file, where it can be read. The signal ends it. */
export function watchSuspicions(deps: SuspicionsDeps, log: string | undefined, signal: AbortSignal): Suspicions {
  const { attempts, logger } = deps;
  deps.system.onEvent((event) => onEvent(deps, event), signal);
  if (log !== undefined)
    void followServerLog({ logger, onViolation: (violation) => onViolation(deps, violation) }, log, signal);
  return {
    onRefused: (cluster, reason) =>
      attempts.record({ by: cluster, action: 'refuse report', object: cluster, details: { reason } }),
    onStatus: (cluster, status) => {
      const highest = Math.max(deps.head(cluster)?.gen ?? 0, deps.heard(cluster)?.heartbeat.appliedGen ?? 0);
      if (deps.head(cluster) && status.gen > highest)
        suspect(deps, [cluster, status.app], `it names generation ${status.gen}, and the newest is ${highest}`);
      const home = deps.clusterOf(status.app);
      if (home !== undefined && home !== cluster && !status.removed)
        void judgeForeign(deps, { cluster, status, home }).catch((error: unknown) =>
          logger.debug({ err: error, cluster }, 'cannot look up a document'),
        );
    },
  };
}

function suspect({ attempts }: SuspicionsDeps, [cluster, app]: [cluster: string, app: string], reason: string): void {
  attempts.record({ by: cluster, action: 'suspect status', object: app, details: { reason } });
}

/** An Application that moves is reported by the cluster that it leaves for a while: its document says so. */
async function judgeForeign(
  deps: SuspicionsDeps,
  { cluster, status, home }: { cluster: string; status: AppStatus; home: string },
): Promise<void> {
  const stored = await deps.documents.find(cluster);
  const named = [...(stored?.document.apps ?? []), ...(stored?.document.tombstones ?? [])];
  if (named.some(({ app }) => app === status.app)) return;
  suspect(
    deps,
    [cluster, status.app],
    `it is an Application of ${home}; it counts for ${cluster} only, where nobody asks for it`,
  );
}

function onViolation(deps: SuspicionsDeps, { kind, subject, publicKey }: Violation): void {
  const by = ownerOf(deps, publicKey) ?? publicKey;
  deps.attempts.record({
    by,
    action: `refuse ${kind}`,
    object: subject,
    details: { reason: 'NATS does not permit it', publicKey },
  });
}

/** Ends of connections that only a client which is not ours brings about. */
const abusive = /payload|subscriptions|protocol|slow consumer|parse|control line/i;

function onEvent(deps: SuspicionsDeps, { type, reason, jwt, host }: SystemEvent): void {
  if (type === 'disconnected' && !abusive.test(reason)) return;
  const claims = claimsOf(jwt);
  const called = claims?.name ?? host;
  // NATS has checked the JWT of a connection that stood; of one that it refuses, anybody may have written it
  const by = type === 'refused login' ? unproven.login : called;
  deps.attempts.record({
    by,
    action: type === 'refused login' ? 'refuse login' : 'end connection',
    object: ownerOf(deps, claims?.sub) ?? called,
    details: { reason, host, ...(claims ? { publicKey: claims.sub } : {}) },
  });
}

function ownerOf({ records, revocations }: SuspicionsDeps, publicKey: string | undefined): string | undefined {
  if (publicKey === undefined) return undefined;
  return (
    records.clusters.list().find((record) => record.publicKey === publicKey)?.name ??
    revocations.find(publicKey)?.cluster
  );
}

function claimsOf(jwt: string): { name: string; sub: string } | undefined {
  try {
    return jwt === '' ? undefined : parseJwt(jwt);
  } catch {
    return undefined;
  }
}
