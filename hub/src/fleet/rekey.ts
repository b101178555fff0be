import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type RenewRequest, rekeyProof, renewProof } from '@wheelhouse/shared/protocol/enrolment';
import { isSignedBy } from '@wheelhouse/shared/protocol/nkeys';
import type { AuditLog } from '../store/audit.ts';
import { change } from './clusters.ts';
import type { ClusterRecord, FleetRecords, RevocationRecord } from './records.ts';
import type { Revocations } from './revocations.ts';

export interface Proven {
  record: ClusterRecord;
  /** The key that signed: the present one, or, when the answer to a change of keys was lost, the one before. */
  publicKey: string;
}

/** Who signed a renewal. Throws Unauthenticated. */
export function proveKey(record: ClusterRecord | undefined, request: RenewRequest): Proven {
  const isBy = (key: string) => isSignedBy(key, renewProof(request), Buffer.from(request.proof, 'base64url'));
  const { next } = request;
  if (record && isBy(record.publicKey)) {
    if (!next || isSignedBy(next.publicKey, rekeyProof(request), Buffer.from(next.proof, 'base64url')))
      return { record, publicKey: record.publicKey };
  } else if (record?.previousKey && next?.publicKey === record.publicKey && isBy(record.previousKey))
    return { record, publicKey: record.previousKey };
  throw new FleetError(
    'Unauthenticated',
    `the proof of ${request.cluster} does not match the key that it enrolled with; enrol it anew with a token`,
  );
}

interface RekeyDeps {
  records: Pick<FleetRecords, 'clusters'>;
  revocations: Pick<Revocations, 'revoke'> & { find(publicKey: string): RevocationRecord | undefined };
  audit: AuditLog;
  now: () => Date;
}

/** Makes `next` the cluster's key and revokes the one before; the same request again gives the same answer. */
export async function takeNextKey(
  deps: RekeyDeps,
  { record, publicKey }: Proven,
  next: { publicKey: string },
): Promise<ClusterRecord> {
  const { name } = record;
  if (deps.revocations.find(next.publicKey))
    throw new FleetError('IdentityRevoked', `the new key of ${name} was revoked before; the agent must make another`);
  const changed =
    record.publicKey === next.publicKey
      ? record
      : await change(deps.records, name, (current) => {
          if (current.publicKey !== publicKey)
            throw new FleetError('Conflict', `the key of ${name} was changed by another request just now`);
          return withKey(current, next.publicKey, deps.now().toISOString());
        });
  const reason = 'its agent took a new key';
  await deps.revocations.revoke({ publicKey, cluster: name, kind: 'rotated', reason, by: name });
  if (changed !== record) await deps.audit.append({ by: name, action: 'change key of cluster', object: name });
  return changed;
}

function withKey({ rekey: _asked, ...current }: ClusterRecord, publicKey: string, at: string): ClusterRecord {
  return { ...current, publicKey, previousKey: current.publicKey, keyedAt: at };
}
