/**
 * Labels of a cluster that only some Applications see, in place of its own: what a failover of these leaves behind. They are part
 * of the cluster's record, so they are renamed, removed and, by its document, found again with it. The cluster's own labels stay.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type LabelRequirement, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import { type Author, type HistoryEntry, maxHistory } from './metadata.ts';
import type { ClusterRecord } from './records.ts';

export interface AppLabels {
  /** Selector of the Applications, in the one form that `readAppSelector` gives it. */
  apps: string;
  /** In place of the cluster's own; null: absent. */
  labels: Record<string, string | null>;
  /** RFC 3339. Of two selectors that match an Application it sees what was changed later. */
  at: string;
  by: string;
  reason?: string;
}

/** What has labels that Applications may see otherwise. */
export interface Labelled {
  labels: Readonly<Record<string, string>>;
  appLabels?: readonly AppLabels[];
}

/** A selector of Applications in one form, so that two that mean the same are one. Throws Invalid for none and for a bad one. */
export function readAppSelector(text: string): string {
  const parts = parseSelector(text).map(formatRequirement);
  if (parts.length === 0) throw new FleetError('Invalid', 'say which Applications: their selector is empty');
  return [...new Set(parts)].sort().join(',');
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const [first = ''] = values;
  const listed = `(${[...new Set(values)].sort().join(',')})`;
  if (operator === 'Exists' || operator === 'DoesNotExist') return operator === 'Exists' ? key : `!${key}`;
  const isIn = operator === 'In';
  if (values.length === 1) return `${key}${isIn ? '=' : '!='}${first}`;
  return `${key} ${isIn ? 'in' : 'notin'} ${listed}`;
}

/** The labels as these Applications see them; its own where `apps` is absent. */
export function labelsFor({ labels, appLabels = [] }: Labelled, apps: string | undefined): Record<string, string> {
  const changes = appLabels.find((one) => one.apps === apps)?.labels ?? {};
  const entries = Object.entries({ ...labels, ...changes });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

export interface AppLabelsChange {
  apps: string;
  /** null removes one. */
  labels: Readonly<Record<string, string | null>>;
}

/** What only some Applications see of a cluster after the change; what comes to be as the cluster's own is let go of. */
export function nextAppLabels(
  { labels: ownLabels, appLabels = [] }: Labelled,
  { apps, labels }: AppLabelsChange,
  { at, by, reason }: Author & { at: string },
): AppLabels[] {
  const present = appLabels.find((one) => one.apps === apps);
  const entries = Object.entries({ ...present?.labels, ...labels });
  const differing = Object.fromEntries(entries.filter(([key, value]) => (ownLabels[key] ?? null) !== value));
  const others = appLabels.filter((one) => one.apps !== apps);
  if (Object.keys(differing).length === 0) return others;
  return [...others, { apps, labels: differing, at, by, ...(reason ? { reason } : {}) }];
}

/** The record with the change and its place in the history; the same record when these Applications see no difference. */
export function changeAppLabels(
  record: ClusterRecord,
  change: AppLabelsChange,
  author: Author & { at: string },
): ClusterRecord {
  const seen = labelsFor(record, change.apps);
  const changed = Object.entries(change.labels)
    .map(([key, after]): [string, [string | null, string | null]] => [key, [seen[key] ?? null, after]])
    .filter(([, [before, after]]) => before !== after);
  if (changed.length === 0) return record;
  const { at, by, reason } = author;
  const labels = Object.fromEntries(changed);
  const entry: HistoryEntry = { at, by, ...(reason ? { reason } : {}), apps: change.apps, labels };
  const history = [...(record.history ?? []), entry].slice(-maxHistory);
  const { appLabels: _before, ...rest } = record;
  const appLabels = nextAppLabels(record, change, author);
  return { ...rest, ...(appLabels.length > 0 ? { appLabels } : {}), history };
}

/** Selectors of which anything differs between two states of a cluster. */
export function appsRelabelled(before: Partial<Labelled> | undefined, after: Partial<Labelled> | undefined): string[] {
  const textOf = (cluster: Partial<Labelled> | undefined, apps: string) =>
    JSON.stringify(cluster?.appLabels?.find((one) => one.apps === apps)?.labels);
  const selectors = [before, after].flatMap((cluster) => (cluster?.appLabels ?? []).map(({ apps }) => apps));
  return [...new Set(selectors)].filter((apps) => textOf(before, apps) !== textOf(after, apps));
}
