/**
 * Runs the cases of a fixtures folder against the product. Takes the folder and the names of the suites asked for (none
 * means all that are there); gives counts per suite, and the suites whose subject is not built. Asserts nothing itself.
 */
import { join } from 'node:path';
import { findSuiteNames } from './fixtures.ts';
import { registry } from './registry.ts';
import { type Outcome, type Suite, type SuiteResult, summarize } from './suite.ts';

export interface Run {
  results: (SuiteResult & { outcomes: Outcome[] })[];
  /** Suites in the folder that nothing here can run yet. */
  notRun: string[];
}

/** Throws when the folder is missing, or when a suite asked for cannot run; the message names those that can. */
export async function runConformance(folder: string, asked: readonly string[] = []): Promise<Run> {
  const there = await findSuiteNames(folder);
  const runnable = registry.filter(({ name }) => there.includes(name));
  const suites = asked.length === 0 ? runnable : asked.map((name) => pick(name, runnable));
  const results: Run['results'] = [];
  for (const suite of suites) {
    const outcomes = await suite.run(join(folder, suite.kind === 'file' ? `${suite.name}.json` : suite.name));
    results.push({ ...summarize(suite.name, outcomes), outcomes });
  }
  const notRun = asked.length === 0 ? there.filter((name) => !runnable.some((suite) => suite.name === name)) : [];
  return { results, notRun };
}

function pick(name: string, runnable: readonly Suite[]): Suite {
  const suite = runnable.find((candidate) => candidate.name === name);
  if (!suite)
    throw new Error(`no suite "${name}"; there are: ${runnable.map((each) => each.name).join(', ') || 'none'}`);
  return suite;
}
