import { readFile } from 'node:fs/promises';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { Outcome } from './suite.ts';

/** One case of a fixture file; what `input`, `options` and `expected` hold, the file's README says. */
export interface Case {
  id: string;
  area?: string;
  input?: unknown;
  options?: Record<string, unknown>;
  expected: unknown;
  /** Why the expected value is not asserted. */
  deviates?: string;
  [field: string]: unknown;
}

/**
 * Why the case fails; nothing when it passes; or why it cannot tell: the product means to answer differently and says so
 * in its documents, or what the case is about is not built.
 */
export type Verdict = string | undefined | { deviates: string } | { notBuilt: string };

/** Whatever it throws is a failure too. */
export type Judge<C extends Case = Case> = (testCase: C) => Verdict | Promise<Verdict>;

/** Judges every case of a JSON file; numbers beyond 2^53 are bigints. Cases that deviate are not judged. */
export async function judgeCases<C extends Case>(path: string, judge: Judge<C>): Promise<Outcome[]> {
  const cases = parseJson(await readFile(path, 'utf8'));
  if (!Array.isArray(cases)) throw new Error(`${path}: not a list of cases`);
  const outcomes: Outcome[] = [];
  for (const testCase of cases as C[]) outcomes.push(await judgeCase(testCase, judge));
  return outcomes;
}

async function judgeCase<C extends Case>(testCase: C, judge: Judge<C>): Promise<Outcome> {
  const { id, deviates } = testCase;
  if (deviates !== undefined) return { id, deviates };
  try {
    const verdict = await judge(testCase);
    if (typeof verdict === 'object') return { id, ...verdict };
    return verdict === undefined ? { id } : { id, failure: verdict };
  } catch (error) {
    return { id, failure: `threw ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Compares as JSON, keys in any order. */
export function whyDifferent(actual: unknown, expected: unknown): string | undefined {
  const [left, right] = [jsonOf(actual), jsonOf(expected)];
  return left === right ? undefined : `is ${left}, expected ${right}`;
}

/** Fixtures: `{"error": …}` as the expected value means that it must fail; the text is not compared. */
export function expectsError(expected: unknown): boolean {
  return typeof expected === 'object' && expected !== null && 'error' in expected;
}

function jsonOf(value: unknown): string {
  return value === undefined ? 'nothing' : canonicalJson(value);
}
