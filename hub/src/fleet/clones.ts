import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { AuditLog } from '../store/audit.ts';
import { change } from './clusters.ts';
import type { Heard } from './presence.ts';
import type { ClusterRecord, FleetRecords } from './records.ts';
import type { Revocations } from './revocations.ts';

export interface CloneDetectorDeps {
  records: Pick<FleetRecords, 'clusters'>;
  revocations: Pick<Revocations, 'revoke'>;
  audit: AuditLog;
  logger: Logger;
  now: () => Date;
}

/**
 * Finds an identity that two installations use: the uid of a heartbeat is not the one that enrolled (a copied disk), or two
 * processes speak in turns (a restored machine, two replicas of the agent). Both are shut out until a token replaces them.
 * Call it with each heartbeat.
 */
export function createCloneDetector(deps: CloneDetectorDeps): (cluster: string, heard: Heard) => void {
  const { records, logger } = deps;
  const marked = new Set<string>();
  const processes = createProcessWatch();
  return (cluster, { heartbeat, at }) => {
    const record = records.clusters.find(cluster);
    if (!record || record.cloned || record.revoked) return;
    // a heartbeat from before a replacement enrolled is no clone
    if (at <= Date.parse(record.enrolledAt) || marked.has(`${cluster} ${record.enrolledAt}`)) return;
    const reason = whyCloned(record, heartbeat) ?? processes(record, heartbeat);
    if (!reason) return;
    marked.add(`${cluster} ${record.enrolledAt}`);
    logger.error({ cluster, uid: heartbeat.uid }, 'one identity is used by two installations; both are shut out');
    mark(deps, record, { uid: heartbeat.uid, reason }).catch((error: unknown) => {
      marked.delete(`${cluster} ${record.enrolledAt}`);
      logger.error({ err: error, cluster }, 'cannot shut out a cloned identity');
    });
  };
}

function whyCloned(record: ClusterRecord, { uid }: Heartbeat): string | undefined {
  if (uid === record.uid) return undefined;
  return `the identity was used by two installations: cluster ${record.uid} enrolled, cluster ${uid} came with the same key`;
}

/** A process that speaks again after another one spoke: an agent that was only restarted never does. */
function createProcessWatch(): (record: ClusterRecord, heartbeat: Heartbeat) => string | undefined {
  const seen = new Map<string, { publicKey: string; current: string; former: Set<string> }>();
  return ({ name, publicKey }, { instance }) => {
    if (instance === undefined) return undefined;
    const known = seen.get(name);
    if (known?.publicKey !== publicKey) {
      seen.set(name, { publicKey, current: instance, former: new Set() });
      return undefined;
    }
    if (instance === known.current) return undefined;
    if (known.former.has(instance))
      return 'the identity was used by two installations: two agents speak in turns with the same key';
    known.former = new Set([...known.former, known.current].slice(-10));
    known.current = instance;
    return undefined;
  };
}

async function mark(
  { records, revocations, audit, now }: CloneDetectorDeps,
  { name, publicKey }: ClusterRecord,
  { uid, reason }: { uid: string; reason: string },
): Promise<void> {
  const at = now().toISOString();
  await change(records, name, (record) => ({
    ...record,
    cloned: record.cloned ?? { uid, at },
    revoked: record.revoked ?? { at, by: 'hub', reason },
  }));
  await audit.append({ by: 'hub', action: 'stop cloned identity', object: name, details: { uid, reason } });
  await revocations.revoke({ publicKey, cluster: name, kind: 'cloned', reason, by: 'hub' });
}
