import { type FieldSet, isLeaf, self, stepInto } from '../cluster/fields-v1.ts';

/**
 * What an object says in the fields of a set: a tree of the set's own shape, whole values at its ends. Two objects
 * with equal projections agree in every one of these fields, whatever else they hold.
 */
export type Projection = unknown;

export function project(value: unknown, fields: FieldSet): Projection {
  if (value === undefined || isLeaf(fields)) return value;
  const out: Record<string, Projection> = {};
  for (const step in fields) {
    if (step === self) continue;
    const below = stepInto(value, step);
    if (below !== undefined) out[step] = project(below, fields[step] as FieldSet);
  }
  return out;
}

/** A projection without the fields of `taken`. */
export function removeFromProjection(projection: Projection, taken: FieldSet): Projection {
  if (projection === null || typeof projection !== 'object' || Array.isArray(projection)) return projection;
  const out: Record<string, Projection> = {};
  for (const [step, value] of Object.entries(projection)) {
    const below = taken[step];
    if (below && isLeaf(below)) continue;
    out[step] = below ? removeFromProjection(value, below) : value;
  }
  return out;
}

/**
 * The set as it is to be watched: where the manifest says only `{}` or `[]`, the value's existence counts and not what
 * the server or others put into it.
 */
export function watchedFields(fields: FieldSet, manifest: unknown): FieldSet {
  const out: FieldSet = {};
  for (const [step, below] of Object.entries(fields)) {
    const value = stepInto(manifest, step);
    if (!isLeaf(below)) out[step] = watchedFields(below, value);
    else out[step] = isEmptyContainer(value) ? { [self]: {} } : below;
  }
  return out;
}

function isEmptyContainer(value: unknown): boolean {
  return value !== null && typeof value === 'object' && Object.keys(value).length === 0;
}
