/**
 * Kubernetes: the `fieldsV1` tree of managedFields. A key names a step (`f:name` a field, `k:{…}` a list item by its
 * keys, `v:…` a member of a set, `i:n` an index), `.` the node itself; an empty node is a whole value.
 */
export interface FieldSet {
  [step: string]: FieldSet;
}

export const self = '.';

/** The value one step below `value`; undefined when there is none. */
export function stepInto(value: unknown, step: string): unknown {
  if (value === null || typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return itemAt(value, step);
  return step.startsWith('f:') ? (value as Record<string, unknown>)[step.slice(2)] : undefined;
}

function itemAt(list: unknown[], step: string): unknown {
  const rest = step.slice(2);
  if (step.startsWith('k:')) return list[indexOfKeys(list, JSON.parse(rest) as Record<string, unknown>)];
  if (step.startsWith('v:')) return list.find((member) => member === (JSON.parse(rest) as unknown));
  return step.startsWith('i:') ? list[Number(rest)] : undefined;
}

/** Position of the list item whose fields equal `keys`; -1 when there is none. */
export function indexOfKeys(list: unknown[], keys: Record<string, unknown>): number {
  const wanted = Object.entries(keys);
  return list.findIndex(
    (item) =>
      item !== null &&
      typeof item === 'object' &&
      wanted.every(([name, value]) => (item as Record<string, unknown>)[name] === value),
  );
}

/** Whether a node stands for a whole value rather than for what is below it. */
export function isLeaf(fields: FieldSet): boolean {
  for (const step in fields) if (step !== self) return false;
  return !(self in fields);
}
