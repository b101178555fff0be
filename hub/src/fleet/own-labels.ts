import { whyNotLabel } from './allowed-labels.ts';
import type { ClusterRecord, HeldLabels } from './records.ts';

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

/** What is held may have come to move nothing, or could not be judged while an ApplicationSet failed: it is judged again. */
const judgedAgainMs = 3_600_000;

/**
 * What an agent's report changes: only labels that it reports otherwise than the last time that they were taken over or,
 * within the last hour, held, so that what a person set since stands until the agent changes its mind. What is reported no
 * longer stays.
 */
export function newOwnLabels(
  record: Pick<ClusterRecord, 'allowedLabels' | 'ownLabels' | 'heldLabels'>,
  reported: Readonly<Record<string, string>> | undefined,
  now: Date,
): Record<string, string> {
  const { accepted } = allowedLabels(record, reported);
  const { ownLabels = {}, heldLabels } = record;
  const isHeld = heldLabels !== undefined && now.getTime() - Date.parse(heldLabels.at) < judgedAgainMs;
  const isNew = ([key, value]: [string, string]) =>
    ownLabels[key] !== value && !(isHeld && heldLabels.labels[key] === value);
  return Object.fromEntries(Object.entries(accepted).filter(isNew));
}

/** Of the labels that are held, those that the agent still wants and that nobody has set since. */
export function stillHeld(
  { heldLabels, labels }: Pick<ClusterRecord, 'heldLabels' | 'labels'>,
  reported: Readonly<Record<string, string>> | undefined,
): HeldLabels | undefined {
  const held = Object.entries(heldLabels?.labels ?? {}).filter(
    ([key, value]) => labels[key] !== value && (reported === undefined || reported[key] === value),
  );
  return heldLabels && held.length > 0 ? { ...heldLabels, labels: Object.fromEntries(held) } : undefined;
}
