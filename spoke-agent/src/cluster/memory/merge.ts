import { isDeepStrictEqual } from 'node:util';
import { type FieldSet, indexOfKeys, isLeaf, self } from '../fields-v1.ts';
import { keyStep, mergeOf } from './list-schema.ts';

type Fields = Record<string, unknown>;

/** Where in an object: its last two field names decide how lists merge. */
interface Place {
  field: string;
  parent: string;
}

const root: Place = { field: '', parent: '' };

/** The fields that a manifest names, as a `fieldsV1` tree. */
export function fieldsOf(value: unknown, place: Place = root): FieldSet {
  const merge = mergeOf(value, place.field, place.parent);
  const out: FieldSet = {};
  if (merge.as === 'map') {
    for (const [name, below] of Object.entries(value as Fields))
      if (below !== undefined) out[`f:${name}`] = fieldsOf(below, { field: name, parent: place.field });
  } else if (merge.as === 'keyed') {
    for (const item of value as unknown[])
      out[keyStep(item, merge.keys)] = { [self]: {}, ...fieldsOf(item, { field: '', parent: place.field }) };
  } else if (merge.as === 'set') {
    for (const member of value as unknown[]) out[`v:${JSON.stringify(member)}`] = {};
  }
  return out;
}

/** `live` with what `applied` names laid over it. Changes neither. */
export function mergeValues(live: unknown, applied: unknown, place: Place = root): unknown {
  const merge = mergeOf(applied, place.field, place.parent);
  if (merge.as === 'map' && isMap(live)) {
    const out: Fields = { ...live };
    for (const [name, value] of Object.entries(applied as Fields))
      if (value !== undefined) out[name] = mergeValues(out[name], value, { field: name, parent: place.field });
    return out;
  }
  if (merge.as === 'keyed') return mergeKeyed(Array.isArray(live) ? live : [], applied as unknown[], merge.keys);
  if (merge.as === 'set') return [...new Set([...(Array.isArray(live) ? live : []), ...(applied as unknown[])])];
  return applied;
}

function mergeKeyed(live: unknown[], applied: unknown[], keys: string[]): unknown[] {
  const out = [...live];
  for (const item of applied) {
    const step = keyStep(item, keys);
    const key = JSON.parse(step.slice(2)) as Fields;
    const at = indexOfKeys(out, key);
    if (at >= 0) out[at] = mergeValues(out[at], item);
    else out.push({ ...(item as Fields), ...key });
  }
  return out;
}

/** `value` without the fields of `fields`; maps and lists that become empty go too, unless `kept` names them. */
export function removeFields(value: unknown, fields: FieldSet, kept: FieldSet = {}): unknown {
  if (isLeaf(fields)) return undefined;
  if (Array.isArray(value)) return removeItems(value, fields, kept);
  return isMap(value) ? removeFromMap(value, fields, kept) : value;
}

function removeFromMap(value: Fields, fields: FieldSet, kept: FieldSet): Fields {
  const out: Fields = { ...value };
  for (const [step, below] of Object.entries(fields)) {
    if (!step.startsWith('f:')) continue;
    const name = step.slice(2);
    const rest = removeFields(out[name], below, kept[step] ?? {});
    if (rest === undefined || (isEmpty(rest) && !kept[step])) delete out[name];
    else out[name] = rest;
  }
  return out;
}

function removeItems(list: unknown[], fields: FieldSet, kept: FieldSet): unknown[] {
  let out = [...list];
  for (const [step, below] of Object.entries(fields)) {
    if (step.startsWith('v:')) out = out.filter((member) => JSON.stringify(member) !== step.slice(2));
    if (!step.startsWith('k:')) continue;
    const at = indexOfKeys(out, JSON.parse(step.slice(2)) as Fields);
    if (at < 0) continue;
    if (self in below && !kept[step]) out.splice(at, 1);
    else out[at] = removeFields(out[at], below, kept[step] ?? {});
  }
  return out;
}

/** The fields in which two objects differ (added, changed or removed), as a tree. */
export function changedFields(before: unknown, after: unknown, place: Place = root): FieldSet {
  if (before === after) return {};
  const out: FieldSet = {};
  const steps = new Set([before, after].flatMap((value) => stepsOf(value, place)));
  for (const step of steps) {
    const [a, b] = [valueAt(before, step), valueAt(after, step)];
    if (isDeepStrictEqual(a, b)) continue;
    const name = step.startsWith('f:') ? step.slice(2) : '';
    out[step] = a === undefined || b === undefined ? {} : changedFields(a, b, { field: name, parent: place.field });
  }
  return out;
}

function valueAt(value: unknown, step: string): unknown {
  if (step.startsWith('f:')) return isMap(value) ? value[step.slice(2)] : undefined;
  if (!Array.isArray(value)) return undefined;
  if (step.startsWith('k:')) return value[indexOfKeys(value, JSON.parse(step.slice(2)) as Fields)];
  return value.includes(JSON.parse(step.slice(2))) ? true : undefined;
}

/** The steps one level down. */
function stepsOf(value: unknown, place: Place): string[] {
  const merge = mergeOf(value, place.field, place.parent);
  if (merge.as === 'map') return Object.keys(value as Fields).map((name) => `f:${name}`);
  if (merge.as === 'keyed') return (value as unknown[]).map((item) => keyStep(item, merge.keys));
  return merge.as === 'set' ? (value as unknown[]).map((member) => `v:${JSON.stringify(member)}`) : [];
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
