/**
 * What people do to a cluster's identity: let it in, ask for a new key, shut it out. Each is written to the inventory
 * before it is done, and done again by `settle` when the hub died in between.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AuditLog } from '../store/audit.ts';
import { change } from './clusters.ts';
import type { ClusterRecord, FleetRecords } from './records.ts';
import type { Revocations } from './revocations.ts';

export interface Identities {
  /** Lets a pending cluster have its assignment. Throws NotFound, Invalid when it does not wait. */
  approve(name: string, by: string): Promise<void>;
  /** Ends its connection and lets it in no more, until a token replaces it. Throws NotFound, TransportUnavailable. */
  revoke(name: string, options: { by: string; reason: string }): Promise<void>;
  /** Its agent takes a new key at its next heartbeat. Throws NotFound, IdentityRevoked. */
  requestKey(name: string, by: string): Promise<void>;
  /** Carries out what was written and not done. */
  settle(): Promise<void>;
}

export interface IdentitiesDeps {
  records: Pick<FleetRecords, 'clusters'>;
  revocations: Pick<Revocations, 'find' | 'revoke'>;
  audit: AuditLog;
  now: () => Date;
}

export function createIdentities(deps: IdentitiesDeps): Identities {
  const { records, audit, now } = deps;
  return {
    approve: async (name, by) => {
      await change(records, name, (current) => {
        const { pending, ...rest } = current;
        if (!pending) throw new FleetError('Invalid', `cluster ${name} does not wait for approval`);
        return { ...rest, approved: { at: now().toISOString(), by } };
      });
      await audit.append({ by, action: 'approve cluster', object: name });
    },
    revoke: async (name, { by, reason }) => {
      const revoked = { at: now().toISOString(), by, reason };
      const record = await change(records, name, (current) => ({ ...current, revoked: current.revoked ?? revoked }));
      await audit.append({ by, action: 'revoke cluster', object: name, details: { reason } });
      await revokeKey(deps, record);
    },
    requestKey: async (name, by) => {
      await change(records, name, (current) => {
        if (current.revoked)
          throw new FleetError('IdentityRevoked', `cluster ${name} is revoked: it cannot take a new key`);
        return { ...current, rekey: { at: now().toISOString(), by } };
      });
      await audit.append({ by, action: 'ask for a new key', object: name });
    },
    settle: async () => {
      for (const record of records.clusters.list())
        if (record.revoked && !deps.revocations.find(record.publicKey)) await revokeKey(deps, record);
    },
  };
}

async function revokeKey({ revocations }: IdentitiesDeps, record: ClusterRecord): Promise<void> {
  const { name: cluster, publicKey, revoked, cloned } = record;
  if (!revoked) return;
  const { by, reason } = revoked;
  await revocations.revoke({ publicKey, cluster, kind: cloned ? 'cloned' : 'revoked', reason, by });
}
