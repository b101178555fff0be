import { repeatText, sliceBytes, splitText } from '../byte-text.ts';
import { formatValue } from '../format/print-value.ts';
import { quoteGo } from '../format/quote.ts';
import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { runes } from '../letter.ts';
import { byteLength, compareStrings, isSlice, stringMap, stringSlice, type Value } from '../value.ts';

function isPresent(value: Value): boolean {
  return value !== undefined && value !== null;
}

/** sprig: a list as strings without its nils; anything else as a list of itself. */
function toStrings(value: Value): string[] {
  if (isSlice(value)) return value.filter(isPresent).map(formatValue);
  return isPresent(value) ? [formatValue(value)] : [];
}

/** Go: `strings.Trim` with a set of characters. */
function trimAll(cut: string, text: string): string {
  const set = new Set(cut);
  const chars = runes(text);
  let start = 0;
  let end = chars.length;
  while (start < end && set.has(chars[start] ?? '')) start += 1;
  while (end > start && set.has(chars[end - 1] ?? '')) end -= 1;
  return chars.slice(start, end).join('');
}

function truncate(count: number, text: string): string {
  const length = byteLength(text);
  if (count < 0) return length + count > 0 ? sliceBytes(text, length + count) : text;
  return length > count ? sliceBytes(text, 0, count) : text;
}

function substring(start: number, end: number, text: string): string {
  if (start < 0) return sliceChecked(text, 0, end);
  const length = byteLength(text);
  return sliceChecked(text, start, end < 0 || end > length ? length : end);
}

function sliceChecked(text: string, start: number, end: number): string {
  const length = byteLength(text);
  if (end < 0 || end > length || start > end)
    throw new Error(`slice bounds out of range [${start}:${end}] with length ${length}`);
  return sliceBytes(text, start, end);
}

function abbreviate(offset: number, width: number, text: string): string {
  const length = byteLength(text);
  if (length <= width) return text;
  let start = Math.min(offset, length);
  if (length - start < width - 3) start = length - (width - 3);
  if (start <= 4) return `${sliceBytes(text, 0, width - 3)}...`;
  if (width < 7) return '';
  if (start + width - 3 < length) return `...${abbreviate(0, width - 3, sliceBytes(text, start))}`;
  return `...${sliceBytes(text, length - (width - 3))}`;
}

function indent(count: number, text: string): string {
  const padding = repeatText(' ', count);
  return padding + text.replaceAll('\n', `\n${padding}`);
}

function numbered(parts: string[]): Value {
  return stringMap(Object.fromEntries(parts.map((part, index) => [`_${index}`, part])));
}

function sortAlpha(value: Value): Value {
  return stringSlice(isSlice(value) ? toStrings(value).sort(compareStrings) : [formatValue(value)]);
}

/** Go: an empty text stands before, after and between all characters. */
function replaceText(text: string, old: string, replacement: string): string {
  if (old !== '') return text.split(old).join(replacement);
  return ['', ...runes(text), ''].join(replacement);
}

/** sprig: strings. */
export const stringFunctions: FunctionMap = {
  hello: fn([], () => 'Hello!'),
  abbrev: fn(['int', 'string'], (width, text) => (width < 4 ? text : abbreviate(0, width, text))),
  abbrevboth: fn(['int', 'int', 'string'], (left, right, text) =>
    right < 4 || (left > 0 && right < 7) ? text : abbreviate(left, right, text),
  ),
  trunc: fn(['int', 'string'], truncate),
  trim: fn(['string'], (text) => text.replaceAll(/^[\s\u0085]+|[\s\u0085]+$/g, '')),
  trimAll: fn(['string', 'string'], trimAll),
  trimall: fn(['string', 'string'], trimAll),
  trimSuffix: fn(['string', 'string'], (suffix, text) =>
    suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  trimPrefix: fn(['string', 'string'], (prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  substr: fn(['int', 'int', 'string'], substring),
  repeat: fn(['int', 'string'], (count, text) => repeatText(text, count)),
  contains: fn(['string', 'string'], (part, text) => text.includes(part)),
  hasPrefix: fn(['string', 'string'], (prefix, text) => text.startsWith(prefix)),
  hasSuffix: fn(['string', 'string'], (suffix, text) => text.endsWith(suffix)),
  quote: variadic([], 'any', (...values) =>
    values
      .filter(isPresent)
      .map((value) => quoteGo(formatValue(value)))
      .join(' '),
  ),
  squote: variadic([], 'any', (...values) =>
    values
      .filter(isPresent)
      .map((value) => `'${formatValue(value)}'`)
      .join(' '),
  ),
  cat: variadic([], 'any', (...values) => values.filter(isPresent).map(formatValue).join(' ')),
  indent: fn(['int', 'string'], indent),
  nindent: fn(['int', 'string'], (count, text) => `\n${indent(count, text)}`),
  replace: fn(['string', 'string', 'string'], (old, replacement, text) => replaceText(text, old, replacement)),
  plural: fn(['string', 'string', 'int'], (one, many, count) => (count === 1 ? one : many)),
  toString: fn(['any'], formatValue),
  toStrings: fn(['any'], (value) => stringSlice(toStrings(value))),
  join: fn(['string', 'any'], (separator, value) => toStrings(value).join(separator)),
  split: fn(['string', 'string'], (separator, text) => numbered(splitText(text, separator))),
  splitn: fn(['string', 'int', 'string'], (separator, count, text) => numbered(splitText(text, separator, count))),
  splitList: fn(['string', 'string'], (separator, text) => stringSlice(splitText(text, separator))),
  sortAlpha: fn(['any'], sortAlpha),
  fail: fn(['string'], (message) => {
    throw new Error(message);
  }),
};
