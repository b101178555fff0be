/**
 * The part of jq that says where something is, as `ignoreDifferences.jqPathExpressions` uses it: `.spec.replicas`,
 * `.a["b/c"]`, `.a[0]`, `.a.b[].c`, `..`, several by commas, pipes, `?`, and `select` with a condition. What it finds is bounded
 * by the object: nothing here computes without end, so that an expression from Git cannot hold up whoever evaluates it.
 */
import { readCondition } from './jq-condition.ts';
import { type PathStep, readRoot, readSuffix } from './jq-steps.ts';
import { readTokens, type Token, TokenReader } from './jq-tokens.ts';
import { isWhere } from './path-steps.ts';

const maxLength = 2_000;
const maxPaths = 100;
const maxNesting = 50;

/** The paths of an expression, each to what it names; undefined when it is none, or jq that is more than that. */
export function parseJqPaths(expression: string): PathStep[][] | undefined {
  const tokens = expression.length <= maxLength ? readTokens(expression) : undefined;
  if (!tokens || isNestedTooDeeply(tokens)) return undefined;
  const reader = new TokenReader(tokens);
  try {
    const paths = readPipe(reader);
    return reader.isAtEnd && paths.every(isUsable) ? paths : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Each bracket is a few calls further down the stack. */
function isNestedTooDeeply(tokens: readonly Token[]): boolean {
  let depth = 0;
  for (const { type, text } of tokens) {
    if (type !== 'sign') continue;
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (depth > maxNesting) return true;
  }
  return false;
}

/** Not one that names the whole object, which nothing can be without; each further `..` multiplies the work by its size. */
function isUsable(path: PathStep[]): boolean {
  const descents = path.filter((step) => step === 'descend').length;
  return descents <= 1 && !path.every(isWhere) && path.length > descents;
}

function readPipe(reader: TokenReader): PathStep[][] {
  let paths = readList(reader);
  while (reader.take('sign', '|')) {
    const next = readList(reader);
    paths = paths.flatMap((path) => next.map((rest) => [...path, ...rest]));
    if (paths.length > maxPaths) throw new SyntaxError('too many paths');
  }
  return paths;
}

function readList(reader: TokenReader): PathStep[][] {
  const paths = readTerm(reader);
  while (reader.take('sign', ',')) paths.push(...readTerm(reader));
  return paths;
}

function readTerm(reader: TokenReader): PathStep[][] {
  let paths = readStart(reader);
  for (let steps = readSuffix(reader); steps; steps = readSuffix(reader)) {
    const suffix = steps;
    paths = paths.map((path) => [...path, ...suffix]);
  }
  return paths;
}

function readStart(reader: TokenReader): PathStep[][] {
  if (reader.take('sign', '(')) {
    const paths = readPipe(reader);
    reader.demand(')');
    return paths;
  }
  if (reader.take('word', 'select')) {
    reader.demand('(');
    const where = readCondition(reader);
    reader.demand(')');
    return [[{ where }]];
  }
  if (reader.take('sign', '..')) return [['descend']];
  return [readRoot(reader)];
}

/** RFC 6901. A number also stands for a field of that name, as the object decides. */
export function parseJsonPointer(pointer: string): PathStep[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => ({ field: token.replaceAll('~1', '/').replaceAll('~0', '~') }));
}
