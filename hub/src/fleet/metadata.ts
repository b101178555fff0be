import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isLabelKey, isLabelValue } from '@wheelhouse/shared/kube/label-syntax';
import type { ClusterRecord } from './records.ts';

/** Labels or annotations to set; null removes one. */
export type MetadataChange = Readonly<Record<string, string | null>>;

export interface ChangedMetadata {
  labels?: MetadataChange;
  annotations?: MetadataChange;
}

/** One change of a cluster's labels or annotations. */
export interface HistoryEntry {
  /** RFC 3339. */
  at: string;
  by: string;
  reason?: string;
  /** Only Applications of this selector see the change of labels. */
  apps?: string;
  /** Value before and after; null for none. Only what really changed. */
  labels?: Record<string, [before: string | null, after: string | null]>;
  annotations?: Record<string, [before: string | null, after: string | null]>;
}

/** Who changes something, and why. */
export interface Author {
  by: string;
  reason?: string;
}

/** Older entries are forgotten; the audit stream keeps them for longer. */
export const maxHistory = 50;
/** Kubernetes: annotations of one object. */
const maxAnnotationBytes = 256 * 1024;

/** The record with the change and its place in the history; the same record when nothing would change. */
export function changeMetadata(
  record: ClusterRecord,
  { labels = {}, annotations = {} }: ChangedMetadata,
  author: Author & { at: string },
): ClusterRecord {
  const changed = {
    labels: differences(record.labels, labels),
    annotations: differences(record.annotations, annotations),
  };
  const isSame = Object.keys(changed.labels).length === 0 && Object.keys(changed.annotations).length === 0;
  if (isSame) return record;
  const { at, by, reason } = author;
  const entry: HistoryEntry = {
    at,
    by,
    ...(reason ? { reason } : {}),
    ...(Object.keys(changed.labels).length > 0 ? { labels: changed.labels } : {}),
    ...(Object.keys(changed.annotations).length > 0 ? { annotations: changed.annotations } : {}),
  };
  return {
    ...record,
    labels: merge(record.labels, labels),
    annotations: merge(record.annotations, annotations),
    ...(entry.labels ? { labelled: { at, by } } : {}),
    history: [...(record.history ?? []), entry].slice(-maxHistory),
  };
}

/** Throws Invalid, and Forbidden for what belongs to the hub. */
export function assertAnnotations(name: string, annotations: MetadataChange): void {
  const total = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + (value?.length ?? 0), 0);
  if (total > maxAnnotationBytes)
    throw new FleetError('Invalid', `annotations of ${name} are larger than ${maxAnnotationBytes} bytes together`);
  for (const key of Object.keys(annotations)) assertKey(name, 'annotation', key);
}

/** Kubernetes: syntax of labels. Throws Invalid, and Forbidden for a label of the hub. */
export function assertLabels(name: string, labels: MetadataChange): void {
  for (const [key, value] of Object.entries(labels)) {
    assertKey(name, 'label', key);
    if (value !== null && !isLabelValue(value))
      throw new FleetError(
        'Invalid',
        `value ${JSON.stringify(value)} of label ${key} of ${name} is not a valid label value`,
      );
  }
}

function assertKey(name: string, what: 'label' | 'annotation', key: string): void {
  if (key.startsWith('wheelhouse.dev/'))
    throw new FleetError('Forbidden', `${what} ${key} of ${name} belongs to the hub`);
  if (!isLabelKey(key))
    throw new FleetError('Invalid', `${what} ${JSON.stringify(key)} of ${name} is not a valid ${what} name`);
}

function differences(
  current: Record<string, string>,
  change: MetadataChange,
): Record<string, [string | null, string | null]> {
  const pairs = Object.entries(change).map(([key, after]) => [key, [current[key] ?? null, after]] as const);
  return Object.fromEntries(pairs.filter(([, [before, after]]) => before !== after)) as Record<
    string,
    [string | null, string | null]
  >;
}

function merge(current: Record<string, string>, change: MetadataChange): Record<string, string> {
  const kept = Object.entries(current).filter(([key]) => change[key] === undefined);
  const set = Object.entries(change).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries([...kept, ...set].sort(([a], [b]) => (a < b ? -1 : 1)));
}
