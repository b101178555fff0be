import type { AuditEntry } from '@wheelhouse/hub/store/audit';
import type { HubNats } from '@wheelhouse/hub/store/nats';

/** Everything that was written to the audit stream, oldest first. */
export async function readAudit({ manager }: Pick<HubNats, 'manager'>): Promise<AuditEntry[]> {
  const { state } = await manager.streams.info('AUDIT');
  const entries: AuditEntry[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq && seq > 0; seq += 1) {
    const entry = (await manager.streams.getMessage('AUDIT', { seq }))?.json<AuditEntry>();
    if (entry) entries.push(entry);
  }
  return entries;
}
