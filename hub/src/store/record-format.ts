/**
 * Formats of records that hubs act upon: plans, rollouts, failover rules. While hubs are upgraded one after the other, those of
 * two versions work on the same records; one that acted upon what it knows of a record alone would do half of it. As with
 * `AssignmentDocument.v`, a record says the lowest format that a hub must know; one that does not know it shows the record, keeps
 * what it keeps, and neither acts upon it nor writes it. To add a field that may not be ignored: raise the number of its kind
 * here, and write that number into the records that have the field, and into no others.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';

const knownFormats = { plan: 1, rollout: 1, rule: 1 } as const;

export type FormattedKind = keyof typeof knownFormats;

export interface Formatted {
  /** Absent: 1. */
  v?: number;
}

/** Undefined for a record that may be acted upon. `name` is what people call it by. */
export function whyNotUnderstood(kind: FormattedKind, name: string, { v = 1 }: Formatted): string | undefined {
  const known = knownFormats[kind];
  if (v <= known) return undefined;
  return `${kind} ${name} was written by a newer hub, in format ${v}, of which this one knows ${known}: a hub of that version carries it on; upgrade the others`;
}

/** Throws Unsupported: what a person asks for is not done, and no such record is written by who does not know all of it. */
export function refuseNewer(kind: FormattedKind, name: string, record: Formatted): void {
  const why = whyNotUnderstood(kind, name, record);
  if (why !== undefined) throw new FleetError('Unsupported', why);
}

/** Says so once a record, when it comes. */
export function tellNewer(
  { kind, name }: { kind: FormattedKind; name: string },
  { before, after }: { before: Formatted | undefined; after: Formatted | undefined },
  logger: Pick<Logger, 'warn'>,
): void {
  const reason = after && after.v !== before?.v ? whyNotUnderstood(kind, name, after) : undefined;
  if (reason !== undefined) logger.warn({ [kind]: name, reason }, 'record of a newer hub is left alone');
}
