/**
 * Conditions of jq's `select`: paths, literals, comparisons, `and`, `or`, `not`, and the functions of the table below. Each
 * term gives the values that jq would give; a condition holds when one of them is neither false nor null.
 */
import { RE2JS } from 're2js';
import { canonicalJson } from './canonical.ts';
import { type Condition, readRoot, readSuffix } from './jq-steps.ts';
import type { TokenReader } from './jq-tokens.ts';
import { valuesAt } from './path-steps.ts';

type Term = (value: unknown) => unknown[];

/** Reads a condition up to its closing bracket; throws SyntaxError for jq that is more than that. */
export function readCondition(reader: TokenReader): Condition {
  const term = readPipe(reader);
  return (value) => term(value).some(isTruthy);
}

function isTruthy(value: unknown): boolean {
  return value !== false && value !== null && value !== undefined;
}

function readPipe(reader: TokenReader): Term {
  let term = readOr(reader);
  while (reader.take('sign', '|')) {
    const [before, next] = [term, readOr(reader)];
    term = (value) => before(value).flatMap(next);
  }
  return term;
}

function readOr(reader: TokenReader): Term {
  let term = readAnd(reader);
  while (reader.take('word', 'or')) {
    const [left, right] = [term, readAnd(reader)];
    term = (value) => [left(value).some(isTruthy) || right(value).some(isTruthy)];
  }
  return term;
}

function readAnd(reader: TokenReader): Term {
  let term = readComparison(reader);
  while (reader.take('word', 'and')) {
    const [left, right] = [term, readComparison(reader)];
    term = (value) => [left(value).some(isTruthy) && right(value).some(isTruthy)];
  }
  return term;
}

const comparisons: Record<string, (a: unknown, b: unknown) => boolean> = {
  '==': isEqual,
  '!=': (a, b) => !isEqual(a, b),
};

function readComparison(reader: TokenReader): Term {
  const left = readTerm(reader);
  const sign = Object.keys(comparisons).find((text) => reader.take('sign', text));
  if (sign === undefined) return left;
  const [compare, right] = [comparisons[sign] as (a: unknown, b: unknown) => boolean, readOperand(reader)];
  return (value) => {
    const [other] = right(value);
    return left(value).map((one) => compare(one, other));
  };
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  return canonicalJson(a) === canonicalJson(b);
}

function readTerm(reader: TokenReader): Term {
  if (!reader.take('sign', '(')) return readValue(reader, readPath);
  const inner = readPipe(reader);
  reader.demand(')');
  return inner;
}

/** What is compared with: one value, as pairs of two lists could be more than anybody waits for. */
function readOperand(reader: TokenReader): Term {
  return readValue(reader, (at) => {
    const [term, isOne] = readSteps(at);
    if (!isOne) throw new SyntaxError('one value expected');
    return term;
  });
}

function readValue(reader: TokenReader, readOther: (reader: TokenReader) => Term): Term {
  const text = reader.take('string');
  if (text) return () => [text.text];
  const isNegative = reader.take('sign', '-') !== undefined;
  const number = reader.take('number');
  if (number) return () => [Number(number.text) * (isNegative ? -1 : 1)];
  const word = isNegative ? undefined : reader.take('word');
  return word ? readWord(word.text, reader) : readOther(reader);
}

function readPath(reader: TokenReader): Term {
  return readSteps(reader)[0];
}

/** A path, and whether it leads to one value. */
function readSteps(reader: TokenReader): [term: Term, isOne: boolean] {
  const path = readRoot(reader);
  for (let steps = readSuffix(reader); steps; steps = readSuffix(reader)) path.push(...steps);
  const isOne = !path.includes('each');
  const term: Term = (value) => {
    const found = valuesAt(value, path);
    // jq: what is not there is null
    return found.length === 0 && isOne ? [null] : found;
  };
  return [term, isOne];
}

const literals = new Map<string, unknown>(Object.entries({ true: true, false: false, null: null }));

const withoutArgument = tableOf<(value: unknown) => unknown>({
  not: (value) => !isTruthy(value),
  length: (value) =>
    typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(value ?? {}).length,
  type: (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value),
  ascii_downcase: (value) => (typeof value === 'string' ? value.toLowerCase() : value),
});

const ofTexts = tableOf<(value: string, argument: string) => boolean>({
  startswith: (value, argument) => value.startsWith(argument),
  endswith: (value, argument) => value.endsWith(argument),
  contains: (value, argument) => value.includes(argument),
});

/** By names that expressions bring: what every object has besides is not among them. */
function tableOf<T>(entries: Record<string, T>): ReadonlyMap<string, T> {
  return new Map(Object.entries(entries));
}

function readWord(word: string, reader: TokenReader): Term {
  if (literals.has(word)) return () => [literals.get(word)];
  const plain = withoutArgument.get(word);
  if (plain) return (value) => [plain(value)];
  reader.demand('(');
  const term = readCall(word, reader);
  reader.demand(')');
  return term;
}

function readCall(word: string, reader: TokenReader): Term {
  const argument = reader.take('string');
  if (!argument) throw new SyntaxError('a text expected');
  if (word === 'has') return (value) => [isObject(value) && Object.hasOwn(value, argument.text)];
  const matches = word === 'test' ? createTest(argument.text) : ofTexts.get(word);
  if (!matches) throw new SyntaxError(`${word} is not known`);
  return (value) => [typeof value === 'string' && matches(value, argument.text)];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RE2, as in Argo CD: no expression takes longer than its text is long. */
function createTest(expression: string): (text: string) => boolean {
  try {
    const compiled = RE2JS.compile(expression);
    return (text) => compiled.matcher(text).find();
  } catch (cause) {
    throw new SyntaxError(`${expression} is no regular expression`, { cause });
  }
}
