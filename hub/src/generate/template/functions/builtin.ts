import { sprint, sprintln } from '../format/print-value.ts';
import { sprintf } from '../format/sprintf.ts';
import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { byteLength, type GoMap, Int, isMap, isNil, isSlice, isStringMap, isTrue, type Value } from '../value.ts';
import { comparisonFunctions } from './comparison.ts';
import { typeOf } from './reflection.ts';

/** Short-circuited by the executor, which knows them by identity; the bodies are what is left to do. */
export const and = variadic(['value'], 'value', (first, ...rest) => [first, ...rest].find((value) => !isTrue(value)));
export const or = variadic(['value'], 'value', (first, ...rest) => [first, ...rest].find(isTrue));

/** Go: the functions that `text/template` itself defines, except `call` (no function can be a value here). */
export const builtinFunctions: FunctionMap = {
  ...comparisonFunctions,
  and,
  or,
  not: fn(['value'], (value) => !isTrue(value)),
  len: fn(['value'], lengthOf),
  index: variadic(['value'], 'value', index),
  print: variadic([], 'any', (...values) => sprint(values)),
  printf: variadic(['string'], 'any', (format, ...values) => sprintf(format, values)),
  println: variadic([], 'any', (...values) => sprintln(values)),
  html: variadic([], 'any', (...values) => escapeHtml(joined(values))),
  js: variadic([], 'any', (...values) => escapeJs(joined(values))),
  urlquery: variadic([], 'any', (...values) => escapeQuery(joined(values))),
};

function joined(values: Value[]): string {
  const [only] = values;
  if (values.length === 1 && typeof only === 'string') return only;
  return sprint(values.map((value) => value ?? '<no value>'));
}

function lengthOf(value: Value): Int {
  if (typeof value === 'string') return new Int(byteLength(value));
  if (isSlice(value)) return new Int(value.length);
  if (isMap(value)) return new Int(Object.keys(value).length);
  if (isNil(value)) throw new Error('len of nil pointer');
  throw new Error(`len of type ${typeOf(value)}`);
}

function index(item: Value, ...indexes: Value[]): Value {
  if (isNil(item)) throw new Error('index of untyped nil');
  let value: Value = item;
  for (const key of indexes) value = indexOne(value, key);
  return value;
}

function indexOne(item: Value, key: Value): Value {
  if (isNil(item)) throw new Error('index of nil pointer');
  if (typeof item === 'string') {
    const bytes = Buffer.from(item);
    return new Int(bytes[position(key, bytes.length)] ?? 0, 'uint8');
  }
  if (isSlice(item)) return item[position(key, item.length)];
  if (!isMap(item)) throw new Error(`can't index item of type ${typeOf(item)}`);
  return entryOf(item, key);
}

function entryOf(map: GoMap, key: Value): Value {
  if (isNil(key)) throw new Error('value is nil; should be of type string');
  if (typeof key !== 'string') throw new Error(`value has type ${typeOf(key)}; should be string`);
  if (Object.hasOwn(map, key)) return map[key];
  return isStringMap(map) ? '' : null;
}

function position(key: Value, length: number): number {
  if (isNil(key)) throw new Error('cannot index slice/array with nil');
  if (!(key instanceof Int)) throw new Error(`cannot index slice/array with type ${typeOf(key)}`);
  if (key.value < 0n || key.value >= BigInt(length)) throw new Error(`index out of range: ${key.value}`);
  return Number(key.value);
}

const htmlEscapes: Record<string, string> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[\0"'&<>]/g, (char) => htmlEscapes[char] ?? char);
}

const jsEscapes: Record<string, string> = { '\\': '\\\\', "'": "\\'", '"': '\\"' };

function escapeJs(text: string): string {
  return text.replaceAll(/[\\'"<>&=\p{Cc}]|(?![\p{L}\p{M}\p{N}\p{P}\p{S} ])[\s\S]/gu, (char) => {
    const known = jsEscapes[char];
    if (known !== undefined) return known;
    return `\\u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}

/** Go: `url.QueryEscape`. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}
