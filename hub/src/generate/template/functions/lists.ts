import { type FunctionMap, fn, type GoFunction, variadic } from '../go-function.ts';
import { toInteger } from '../number.ts';
import { deepEqual, isSlice, isZero, kindOf, sliceLike, type Value } from '../value.ts';

function slice(value: Value, action: string): Value[] {
  if (isSlice(value)) return value;
  throw new Error(`Cannot ${action} on type ${kindOf(value)}`);
}

function isIn(list: Value[], item: Value): boolean {
  return list.some((other) => deepEqual(item, other));
}

function uniq(value: Value): Value {
  const unique: Value[] = [];
  for (const item of slice(value, 'find uniq')) if (!isIn(unique, item)) unique.push(item);
  return unique;
}

function has(item: Value, list: Value): boolean {
  return list === null ? false : isIn(slice(list, 'find has'), item);
}

function sliceOf(list: Value, ...indexes: Value[]): Value {
  if (!isSlice(list)) throw new Error(`list should be type of slice or array but ${kindOf(list)}`);
  if (list.length === 0) return null;
  const start = indexes.length > 0 ? Number(toInteger(indexes[0])) : 0;
  const end = indexes.length > 1 ? Number(toInteger(indexes[1])) : list.length;
  if (start < 0 || end > list.length || start > end) throw new Error('reflect.Value.Slice: slice index out of bounds');
  return sliceLike(list, list.slice(start, end));
}

function chunk(size: number, value: Value): Value {
  const list = slice(value, 'chunk');
  const count = Math.floor((list.length - 1) / size) + 1;
  if (count === 0) return [];
  if (size <= 0) throw new Error(`chunk size ${size} is not positive`);
  const chunks: Value[] = [];
  for (let at = 0; at < list.length; at += size) chunks.push(list.slice(at, at + size));
  return chunks;
}

function concat(...lists: Value[]): Value {
  return lists.flatMap((list) => [...slice(list, 'concat')]);
}

const first = fn(['any'], (list) => slice(list, 'find first')[0] ?? null);
const last = fn(['any'], (list) => slice(list, 'find last').at(-1) ?? null);
const rest = fn(['any'], (list) => [...slice(list, 'find rest')].slice(1));
const initial = fn(['any'], (list) => [...slice(list, 'find initial')].slice(0, -1));
const push = fn(['any', 'any'], (list, item) => [...slice(list, 'push'), item]);
const prepend = fn(['any', 'any'], (list, item) => [item, ...slice(list, 'prepend')]);
const reverse = fn(['any'], (list) => [...slice(list, 'find reverse')].toReversed());
const compact = fn(['any'], (list) => [...slice(list, 'compact')].filter((item) => !isZero(item)));
const without = variadic(['any'], 'any', (list, ...omitted) =>
  [...slice(list, 'find without')].filter((item) => !isIn(omitted, item)),
);

/** sprig gives most list functions a twin whose name begins with `must`; here every failure is an error anyway. */
function twins(functions: Record<string, GoFunction>): FunctionMap {
  const must = Object.entries(functions).map(([name, definition]) => [
    `must${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    definition,
  ]);
  return { ...functions, ...Object.fromEntries(must) };
}

/** sprig: lists. */
export const listFunctions: FunctionMap = {
  list: variadic([], 'any', (...items) => items),
  tuple: variadic([], 'any', (...items) => items),
  concat: variadic([], 'any', concat),
  ...twins({
    first,
    last,
    rest,
    initial,
    push,
    append: push,
    prepend,
    reverse,
    compact,
    without,
    uniq: fn(['any'], uniq),
    has: fn(['any', 'any'], has),
    slice: variadic(['any'], 'any', sliceOf),
    chunk: fn(['int', 'any'], chunk),
  }),
};
