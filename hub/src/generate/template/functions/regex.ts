import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { type FunctionMap, fn } from '../go-function.ts';
import { stringSlice, type Value } from '../value.ts';

// A cache of pure values, so it is no state: the same pattern always compiles to the same program.
const compiled = new LRUCache<string, RE2JS>({ max: 1000 });

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const regex = RE2JS.compile(pattern);
  compiled.set(pattern, regex);
  return regex;
}

interface Span {
  start: number;
  end: number;
  groups: (string | null)[];
  named: (name: string) => string | null;
}

/** Go: leftmost matches; an empty match next to the one before it does not count. */
function* spans(regex: RE2JS, text: string): Generator<Span> {
  const matcher = regex.matcher(text);
  let at = 0;
  let previousEnd = -1;
  while (at <= text.length && matcher.find(at)) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (start !== end || start !== previousEnd) yield { start, end, ...capture(regex, matcher) };
    at = end > at ? end : at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
    previousEnd = end;
  }
}

function capture(regex: RE2JS, matcher: ReturnType<RE2JS['matcher']>): Pick<Span, 'groups' | 'named'> {
  const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index));
  return { groups, named: (name) => groups[regex.namedGroups()[name] ?? -1] ?? null };
}

function findAll(pattern: string, text: string, count: number): Value {
  const found: string[] = [];
  for (const { groups } of spans(compile(pattern), text)) {
    if (count >= 0 && found.length >= count) break;
    found.push(groups[0] ?? '');
  }
  return stringSlice(found);
}

function find(pattern: string, text: string): string {
  for (const { groups } of spans(compile(pattern), text)) return groups[0] ?? '';
  return '';
}

function replace(pattern: string, text: string, expand: (span: Span) => string): string {
  let output = '';
  let at = 0;
  for (const span of spans(compile(pattern), text)) {
    output += text.slice(at, span.start) + expand(span);
    at = span.end;
  }
  return output + text.slice(at);
}

/** Go: `Regexp.Expand`: `$1`, `$name`, `${name}`, `$$`; an unknown group is empty. */
function expandTemplate(template: string, span: Span): string {
  return template.replaceAll(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    if (name === undefined) return whole === '$$' ? '$' : whole;
    return (/^\d+$/.test(name) ? span.groups[Number(name)] : span.named(name)) ?? '';
  });
}

/** Go: `Regexp.Split`. */
function split(pattern: string, text: string, count: number): Value {
  if (count === 0) return stringSlice([]);
  if (pattern !== '' && text === '') return stringSlice(['']);
  const parts: string[] = [];
  let at = 0;
  let end = 0;
  for (const span of spans(compile(pattern), text)) {
    if (count > 0 && parts.length === count - 1) break;
    end = span.start;
    if (span.end !== 0) parts.push(text.slice(at, end));
    at = span.end;
  }
  if (end !== text.length) parts.push(text.slice(at));
  return stringSlice(parts);
}

function matches(pattern: string, text: string): boolean {
  return compile(pattern).matcher(text).find();
}

function matchesQuietly(pattern: string, text: string): boolean {
  try {
    return matches(pattern, text);
  } catch {
    // sprig: regexMatch answers false where mustRegexMatch fails.
    return false;
  }
}

const regexFindAll = fn(['string', 'string', 'int'], findAll);
const regexFind = fn(['string', 'string'], find);
const regexSplit = fn(['string', 'string', 'int'], split);
const regexReplaceAll = fn(['string', 'string', 'string'], (pattern, text, template) =>
  replace(pattern, text, (span) => expandTemplate(template, span)),
);
const regexReplaceAllLiteral = fn(['string', 'string', 'string'], (pattern, text, replacement) =>
  replace(pattern, text, () => replacement),
);

/** sprig: regular expressions in RE2 syntax, whose cost is linear in the text. */
export const regexFunctions: FunctionMap = {
  regexFindAll,
  mustRegexFindAll: regexFindAll,
  regexFind,
  mustRegexFind: regexFind,
  regexSplit,
  mustRegexSplit: regexSplit,
  regexReplaceAll,
  mustRegexReplaceAll: regexReplaceAll,
  regexReplaceAllLiteral,
  mustRegexReplaceAllLiteral: regexReplaceAllLiteral,
  regexMatch: fn(['string', 'string'], matchesQuietly),
  mustRegexMatch: fn(['string', 'string'], matches),
  regexQuoteMeta: fn(['string'], (text) => text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
};
