import type { FieldSet } from '../fields-v1.ts';
import { isLeaf, self } from '../fields-v1.ts';

/** Set algebra over `fieldsV1` trees. None of these changes its arguments. */

export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  const out: FieldSet = { ...a };
  for (const [step, below] of Object.entries(b)) {
    const existing = out[step];
    out[step] = existing ? unionOf(existing, below) : below;
  }
  return out;
}

/** What is in `a` and not in `b`. */
export function without(a: FieldSet, b: FieldSet): FieldSet {
  const out: FieldSet = {};
  for (const [step, below] of Object.entries(a)) {
    const other = b[step];
    if (!other) out[step] = below;
    else if (step !== self && !isLeaf(below) && !isLeaf(other)) {
      const rest = without(below, other);
      if (Object.keys(rest).length > 0) out[step] = rest;
    }
  }
  return out;
}

export function isEmptySet(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}
