import { whyNotLabel } from './allowed-labels.ts';
import type { ClusterRecord } from './records.ts';

/** Labels that an agent reports, as far as its cluster's record allows: by name, and by value unless that is '*'. */
export function allowedLabels(
  { allowedLabels: allowed }: Pick<ClusterRecord, 'allowedLabels'>,
  reported: Readonly<Record<string, string>> = {},
): { accepted: Record<string, string>; refused: string[] } {
  const isAllowed = ([key, value]: [string, string]) => whyNotLabel(key, value, allowed) === undefined;
  const entries = Object.entries(reported).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    accepted: Object.fromEntries(entries.filter(isAllowed)),
    refused: entries.filter((entry) => !isAllowed(entry)).map(([key]) => key),
  };
}

/**
 * What an agent's report changes: only labels that it reports otherwise than the last time that they were taken over, so
 * that what a person set since stands until the agent changes its mind. What is reported no longer stays.
 */
export function newOwnLabels(
  record: Pick<ClusterRecord, 'allowedLabels' | 'ownLabels'>,
  reported: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const { accepted } = allowedLabels(record, reported);
  return Object.fromEntries(Object.entries(accepted).filter(([key, value]) => record.ownLabels?.[key] !== value));
}
