import { formatValue } from '../format/print-value.ts';
import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { deepCopy, mergeInto } from '../merge.ts';
import { type GoMap, isMap, isStringMap, newMap, stringSlice, typeName, type Value } from '../value.ts';

function dict(...pairs: Value[]): Value {
  const map = newMap();
  for (let at = 0; at < pairs.length; at += 2) map[formatValue(pairs[at])] = at + 1 < pairs.length ? pairs[at + 1] : '';
  return map;
}

function set(map: GoMap | null, key: string, value: Value): Value {
  if (map === null) throw new Error('assignment to entry in nil map');
  map[key] = value;
  return map;
}

function unset(map: GoMap | null, key: string): Value {
  if (map === null) return newMap();
  delete map[key];
  return map;
}

function hasKey(map: GoMap | null, key: string): boolean {
  return map !== null && Object.hasOwn(map, key);
}

function pick(map: GoMap | null, ...keys: string[]): Value {
  const picked = newMap();
  for (const key of keys) if (map !== null && Object.hasOwn(map, key)) picked[key] = map[key];
  return picked;
}

function omit(map: GoMap | null, ...keys: string[]): Value {
  const kept = newMap();
  for (const key of Object.keys(map ?? {})) if (!keys.includes(key)) kept[key] = map?.[key];
  return kept;
}

function merge(overwrite: boolean): (target: GoMap | null, ...sources: (GoMap | null)[]) => Value {
  return (target, ...sources) => {
    const into = target ?? newMap();
    for (const source of sources) if (source !== null) mergeInto(into, source, overwrite);
    return into;
  };
}

function dig(...args: Value[]): Value {
  if (args.length < 3) throw new Error('dig needs at least three arguments');
  let at: Value = args.at(-1);
  for (const key of args.slice(0, -2)) {
    if (!isMap(at) || isStringMap(at))
      throw new Error(`interface conversion: interface {} is ${typeName(at)}, not map[string]interface {}`);
    if (typeof key !== 'string') throw new Error(`interface conversion: interface {} is ${typeName(key)}, not string`);
    if (!Object.hasOwn(at, key)) return args.at(-2);
    at = at[key];
  }
  return at;
}

const copy = fn(['any'], (value) => {
  if (value === null || value === undefined) throw new Error('cannot copy nil');
  return deepCopy(value);
});
const mergeFunction = variadic(['map'], 'map', merge(false));
const mergeOverwrite = variadic(['map'], 'map', merge(true));

/** sprig: dictionaries. Go iterates maps at random; here `keys` and `values` follow the map's own order. */
export const dictFunctions: FunctionMap = {
  dict: variadic([], 'any', dict),
  get: fn(['map', 'string'], (map, key) => (hasKey(map, key) ? map[key] : '')),
  set: fn(['map', 'string', 'any'], set),
  unset: fn(['map', 'string'], unset),
  hasKey: fn(['map', 'string'], hasKey),
  pluck: variadic(['string'], 'map', (key, ...maps) => maps.filter((map) => hasKey(map, key)).map((map) => map[key])),
  keys: variadic([], 'map', (...maps) => stringSlice(maps.flatMap((map) => Object.keys(map ?? {})))),
  values: fn(['map'], (map) => Object.values(map ?? {})),
  pick: variadic(['map'], 'string', pick),
  omit: variadic(['map'], 'string', omit),
  merge: mergeFunction,
  mustMerge: mergeFunction,
  mergeOverwrite,
  mustMergeOverwrite: mergeOverwrite,
  dig: variadic([], 'any', dig),
  deepCopy: copy,
  mustDeepCopy: copy,
};

/** Functions that change a map which they are given; what they are given must belong to that execution alone. */
export const mutatingFunctions: ReadonlySet<string> = new Set([
  'set',
  'unset',
  'merge',
  'mustMerge',
  'mergeOverwrite',
  'mustMergeOverwrite',
]);
