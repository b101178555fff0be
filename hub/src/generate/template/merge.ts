import { type GoMap, isMap, isSlice, isStringMap, isZero, newMap, sliceLike, stringMap, type Value } from './value.ts';

/**
 * mergo: merges `source` into `target` in place, maps deeply, slices whole. Without `overwrite` only what is absent or
 * empty in the target is taken.
 */
export function mergeInto(target: GoMap, source: GoMap, overwrite: boolean): GoMap {
  for (const key of Object.keys(source)) {
    const value = source[key];
    const known = Object.hasOwn(target, key) ? target[key] : undefined;
    if (value === undefined || value === null) {
      if (overwrite) target[key] = value;
      continue;
    }
    if (isMap(value) && isMap(known)) mergeInto(known, value, overwrite);
    if (keepsKnown(known, value, overwrite)) continue;
    target[key] = value;
  }
  return target;
}

function keepsKnown(known: Value, value: Value, overwrite: boolean): boolean {
  if (isZero(known)) return false;
  return !overwrite || (isMap(value) && isMap(known));
}

/** A copy that shares nothing with the value, Go types kept. */
export function deepCopy(value: Value): Value {
  if (isSlice(value)) return sliceLike(value, value.map(deepCopy));
  return isMap(value) ? deepCopyMap(value) : value;
}

/** Of any object that was read from JSON, a typed one too. */
export function deepCopyMap(map: object): GoMap {
  const copy = isStringMap(map) ? stringMap() : newMap();
  for (const [key, value] of Object.entries(map)) copy[key] = deepCopy(value as Value);
  return copy;
}
