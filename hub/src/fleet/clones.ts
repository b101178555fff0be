import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AuditLog } from '../store/audit.ts';
import { change } from './clusters.ts';
import type { Heard } from './presence.ts';
import type { FleetRecords } from './records.ts';

/**
 * Finds a key that two installations use (a copied disk): the uid of a heartbeat is not the one that enrolled.
 * From then on neither gets new credentials. Call it with each heartbeat.
 */
export function createCloneDetector(deps: {
  records: FleetRecords;
  audit: AuditLog;
  logger: Logger;
  now: () => Date;
}): (cluster: string, heard: Heard) => void {
  const { records, audit, logger, now } = deps;
  const marked = new Set<string>();
  const mark = async (cluster: string, uid: string) => {
    const cloned = { uid, at: now().toISOString() };
    await change(records, cluster, (record) => ({ ...record, cloned: record.cloned ?? cloned }));
    await audit.append({ by: 'hub', action: 'stop cloned identity', object: cluster, details: { uid } });
  };
  return (cluster, { heartbeat, at }) => {
    const record = records.clusters.find(cluster);
    if (!record || record.cloned || record.uid === heartbeat.uid) return;
    // a heartbeat from before a replacement enrolled is no clone
    if (at <= Date.parse(record.enrolledAt) || marked.has(`${cluster} ${record.enrolledAt}`)) return;
    marked.add(`${cluster} ${record.enrolledAt}`);
    logger.error(
      { cluster, uid: heartbeat.uid },
      'one identity is used by two installations; it gets no new credentials',
    );
    mark(cluster, heartbeat.uid).catch((error: unknown) => {
      marked.delete(`${cluster} ${record.enrolledAt}`);
      logger.error({ err: error, cluster }, 'cannot mark a cloned identity');
    });
  };
}
