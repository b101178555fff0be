/**
 * How a cluster leaves. While it answers, its last assignment is a tombstone for everything it has, and it is forgotten when
 * it has confirmed each of them; one that does not answer is only forgotten when somebody insists, and keeps what it runs.
 */
import { FleetError, isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { AuditLog } from '../store/audit.ts';
import { type Clusters, change, type FleetCluster } from './clusters.ts';
import { emptied } from './emptied.ts';
import type { ClusterRecord, FleetRecords } from './records.ts';
import type { Revocations } from './revocations.ts';

export interface RemovalRequest {
  by: string;
  /** false: everything that it was assigned stays where it is, unmanaged. */
  removeWorkloads: boolean;
  /** Forget a cluster that does not answer. */
  force?: boolean;
}

export interface Departures {
  /** Begins it. Throws NotFound, Conflict for a cluster that does not answer. */
  remove(name: string, request: RemovalRequest): Promise<void>;
  /** Forgets the clusters that have confirmed everything; again until it is done. */
  settle(): Promise<void>;
}

export interface DeparturesDeps {
  records: Pick<FleetRecords, 'clusters' | 'adopted'>;
  clusters: Pick<Clusters, 'find'>;
  revocations: Pick<Revocations, 'revoke'>;
  documents: {
    find(cluster: string): Promise<{ document: AssignmentDocument; seq: number } | undefined>;
    publish(document: AssignmentDocument, expectedSeq: number): Promise<number>;
  };
  additions: {
    withdrawals(cluster: string): { app: string }[];
    deleteWithdrawal(cluster: string, app: string): Promise<void>;
  };
  /** What the spoke says of an Application. */
  statusOf(cluster: string, app: string): AppStatus | undefined;
  /** Drops what NATS keeps of a cluster's reports. */
  purge(cluster: string): Promise<void>;
  audit: AuditLog;
  logger: Logger;
  now: () => Date;
}

export function createDepartures(deps: DeparturesDeps): Departures {
  const { records, audit, now } = deps;
  return {
    remove: async (name, request) => {
      const cluster = deps.clusters.find(name);
      if (!cluster?.enrolledAt) throw notEnrolled(name, cluster);
      const { by, removeWorkloads: cascade, force = false } = request;
      const isForgotten = force && !cascade;
      const reason = whyItCannotConfirm(cluster, isForgotten);
      if (reason && !isForgotten) throw refusal(cluster, reason, cascade);
      const leaving = { at: now().toISOString(), by, cascade, ...(reason ? { forced: true as const } : {}) };
      const record = await change(records, name, (current) => ({ ...current, leaving }));
      await audit.append({ by, action: 'remove cluster', object: name, details: { removeWorkloads: cascade, force } });
      if (reason) await forgetNow(deps, record);
    },
    settle: async () => {
      for (const record of records.clusters.list()) {
        if (!record.leaving) continue;
        try {
          if (record.leaving.forced || (await isGone(deps, record))) await forget(deps, record);
        } catch (error) {
          deps.logger.warn({ err: toFleetError(error), cluster: record.name }, 'a cluster cannot leave yet');
        }
      }
    },
  };
}

/** Undefined when it answers, so that it can be asked to let go of its workloads. */
function whyItCannotConfirm({ state, lastSeenAt }: FleetCluster, isForgotten: boolean): string | undefined {
  if (state === 'Connected' || state === 'Pending') return undefined;
  if (state === 'Leaving') return isForgotten ? 'it does not come to an end' : undefined;
  if (state === 'Revoked') return 'it is revoked, so nothing can be asked of it';
  return lastSeenAt ? `it was last heard of at ${lastSeenAt}` : 'it was never heard of';
}

function refusal({ name, state }: FleetCluster, reason: string, cascade: boolean): FleetError {
  const way = cascade
    ? 'its workloads cannot be removed now: wait until it is back, or forget it with --keep-workloads --force'
    : 'wait until it is back, or forget it with --force: what it runs goes on, and its key is revoked';
  return new FleetError('Conflict', `cluster ${name} is ${state}, ${reason}; ${way}`);
}

function notEnrolled(name: string, cluster: FleetCluster | undefined): FleetError {
  if (!cluster) return new FleetError('NotFound', `there is no cluster ${name}`);
  return new FleetError(
    'Invalid',
    `cluster ${name} is not enrolled; revoke its token instead: 'wheelhouse cluster tokens'`,
  );
}

/** Its document asks for nothing any more, and every tombstone of it was confirmed. */
async function isGone({ documents, statusOf, clusters }: DeparturesDeps, { name }: ClusterRecord): Promise<boolean> {
  const stored = await documents.find(name);
  const applied = clusters.find(name)?.appliedGeneration ?? 0;
  // it holds what the hub lost: that has to be taken over before it can be let go of
  if (applied > (stored?.document.gen ?? 0)) return false;
  if (!stored) return true;
  const { apps, tombstones, gen } = stored.document;
  if (apps.length > 0) return false;
  if (applied < gen && tombstones.length > 0) return false;
  return tombstones.every(({ app }) => statusOf(name, app)?.removed === true);
}

const attempts = 5;

/** Its document may be written at this moment, and another replica may look at it too: what is left then, the next look does. */
async function forgetNow(deps: DeparturesDeps, record: ClusterRecord): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1)
    try {
      return await forget(deps, record);
    } catch (error) {
      if (!isFleetError(error, 'Conflict')) throw error;
    }
}

/** Its record goes last: until then the next look goes on where a hub was killed. Throws Conflict where it was changed meanwhile. */
async function forget(deps: DeparturesDeps, { name, publicKey }: ClusterRecord): Promise<void> {
  const stored = await deps.records.clusters.read(name);
  // another replica was faster, and the name may be another cluster's by now
  if (!stored?.value.leaving || stored.value.publicKey !== publicKey) return;
  const { by } = stored.value.leaving;
  for (const { app } of deps.additions.withdrawals(name)) await deps.additions.deleteWithdrawal(name, app);
  const assigned = await deps.documents.find(name);
  if (assigned) await deps.documents.publish(emptied(assigned.document, deps.now()), assigned.seq);
  await deps.revocations.revoke({ publicKey, cluster: name, kind: 'removed', reason: 'the cluster was removed', by });
  // what was taken over from it is nobody's any more, least of all of a cluster that takes its name
  await deps.records.adopted.delete(name);
  await deps.purge(name);
  await deps.records.clusters.delete(name, stored.revision);
  await deps.audit.append({ by, action: 'forget cluster', object: name });
  deps.logger.info({ cluster: name }, 'cluster has left the fleet');
}
