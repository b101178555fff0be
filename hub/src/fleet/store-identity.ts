import { randomBytes } from 'node:crypto';
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, replaceFile } from '@wheelhouse/shared/files/replace-file';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AuditLog } from '../store/audit.ts';
import type { FleetRecords, StoreRecord } from './records.ts';

/** Key of the one record that says which store this is. */
export const storeKey = 'current';

export interface StoreIdentityDeps {
  records: Pick<FleetRecords, 'store'>;
  audit: AuditLog;
  logger: Logger;
  now: () => Date;
}

/**
 * Tells whether the store behind the hub is the one that it knew: its id is in the store and in a file of the data
 * directory. A store without the id that the file holds was lost and made anew; then what clusters hold is taken over,
 * until a person ends that. Safe on several replicas at once, and after a crash at any point.
 */
export async function identifyStore(deps: StoreIdentityDeps, { file }: { file: string }): Promise<StoreRecord> {
  const known = (await findFile(file))?.toString().trim() || undefined;
  const record = await settle(deps, known);
  if (record.id !== known) await replaceFile(file, `${record.id}\n`);
  return record;
}

async function settle(deps: StoreIdentityDeps, known: string | undefined): Promise<StoreRecord> {
  for (;;) {
    const stored = await deps.records.store.read(storeKey);
    if (stored && isThisStore(stored.value, known)) return stored.value;
    const next = successor(stored?.value, { known, at: deps.now().toISOString() });
    try {
      await deps.records.store.put(storeKey, next, stored?.revision ?? 0);
    } catch (error) {
      if (!isFleetError(error, 'Conflict')) throw error;
      continue;
    }
    if (next.adoption) await tell(next, deps);
    return next;
  }
}

function isThisStore({ id, previous }: StoreRecord, known: string | undefined): boolean {
  return known === undefined || known === id || known === previous;
}

async function tell({ id, previous }: StoreRecord, { audit, logger }: StoreIdentityDeps): Promise<void> {
  logger.error(
    { previous, store: id },
    'the store was lost; what clusters hold is taken over and nothing is deleted until a person has looked: wheelhouse hub adoption',
  );
  await audit.append({ by: 'hub', action: 'open adoption', object: id, details: { previous } });
}

/** A store that already had an id when this replica found that it is not its own keeps that id. */
function successor(
  stored: StoreRecord | undefined,
  { known, at }: { known: string | undefined; at: string },
): StoreRecord {
  const base = stored ?? { id: randomBytes(8).toString('hex'), since: at };
  if (known === undefined) return base;
  return { ...base, previous: known, adoption: { openedAt: at, by: 'hub', reason: 'the store was lost' } };
}
