import type { TokenReader } from './jq-tokens.ts';

export type Condition = (value: unknown) => boolean;

/** One step of the way to a value. `descend` is jq's `..`: the value itself and everything below it. */
export type PathStep = { field: string } | { index: number } | 'each' | 'descend' | { where: Condition };

/** `.`, `.name` or `."name"`; throws SyntaxError for anything else. */
export function readRoot(reader: TokenReader): PathStep[] {
  const field = reader.take('field');
  if (field) return [{ field: field.text }];
  reader.demand('.');
  const quoted = reader.take('string');
  return quoted ? [{ field: quoted.text }] : [];
}

/** `.name`, `."name"`, `["name"]`, `[0]`, `[]`, `?`; undefined where there is none. */
export function readSuffix(reader: TokenReader): PathStep[] | undefined {
  if (reader.take('sign', '?')) return [];
  const field = reader.take('field');
  if (field) return [{ field: field.text }];
  if (reader.take('sign', '.')) {
    const quoted = reader.take('string');
    if (quoted) return [{ field: quoted.text }];
    return [readBracket(reader)];
  }
  return reader.peek()?.text === '[' && reader.peek()?.type === 'sign' ? [readBracket(reader)] : undefined;
}

function readBracket(reader: TokenReader): PathStep {
  reader.demand('[');
  const quoted = reader.take('string');
  const isNegative = quoted === undefined && reader.take('sign', '-') !== undefined;
  const number = reader.take('number');
  reader.demand(']');
  if (quoted) return { field: quoted.text };
  if (number) return { index: Number(number.text) * (isNegative ? -1 : 1) };
  if (isNegative) throw new SyntaxError('a number expected');
  return 'each';
}
