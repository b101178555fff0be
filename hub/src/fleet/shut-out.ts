import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AuditLog } from '../store/audit.ts';
import { change } from './clusters.ts';
import type { ClusterRecord, FleetRecords } from './records.ts';
import type { Revocations } from './revocations.ts';

export interface KeyHolder {
  publicKey: string;
  /** The name that its JWT says: it may have another by now. */
  cluster: string;
}

export interface ShutOutDeps {
  records: Pick<FleetRecords, 'clusters'>;
  revocations: Pick<Revocations, 'revoke'>;
  audit: AuditLog;
  now: () => Date;
}

/**
 * Shuts out whoever holds a key: revokes the cluster that has it, under whichever name, or the key alone when no cluster has
 * it any more. A cluster that took another key meanwhile is left alone. Throws TransportUnavailable.
 */
export async function shutOut(
  deps: ShutOutDeps,
  { publicKey, cluster }: KeyHolder,
  { by, reason }: { by: string; reason: string },
): Promise<void> {
  const name = deps.records.clusters.list().find((record) => record.publicKey === publicKey)?.name;
  if (name !== undefined) await markRevoked(deps, name, { publicKey, by, reason });
  await deps.audit.append({ by, action: 'revoke cluster', object: name ?? cluster, details: { reason, publicKey } });
  await deps.revocations.revoke({ publicKey, cluster: name ?? cluster, kind: 'flooding', reason, by });
}

async function markRevoked(
  { records, now }: ShutOutDeps,
  name: string,
  { publicKey, by, reason }: { publicKey: string; by: string; reason: string },
): Promise<ClusterRecord | undefined> {
  const revoked = { at: now().toISOString(), by, reason };
  return await change(records, name, (current) =>
    current.publicKey === publicKey ? { ...current, revoked: current.revoked ?? revoked } : current,
  ).catch((error: unknown) => {
    // it has left, or was renamed just now: its key is shut out all the same
    if (error instanceof FleetError && error.code === 'NotFound') return undefined;
    throw error;
  });
}
