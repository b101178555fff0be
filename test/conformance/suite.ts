/** A body of cases and the part of the product that it judges. */
export interface Suite {
  /** Path below the fixtures folder, of a JSON file without its ending or of a folder: `health/core-cases`. */
  name: string;
  kind: 'file' | 'folder';
  /** Judges every case of the file or folder at this path. */
  run(path: string): Promise<Outcome[]>;
}

export interface Outcome {
  id: string;
  /** Why it failed; absent when it passed. */
  failure?: string;
  /** Why Argo CD's own answer is not asserted; such a case is counted apart. */
  deviates?: string;
  /** What of the product it would judge, and that is not built; such a case is neither passed nor failed. */
  notBuilt?: string;
}

export interface SuiteResult {
  suite: string;
  passed: number;
  failed: number;
  deviating: number;
  failing: string[];
  /** How many cases judge something that is not built; absent when none does. */
  notBuilt?: number;
}

export function summarize(suite: string, outcomes: readonly Outcome[]): SuiteResult {
  const built = outcomes.filter(({ notBuilt }) => notBuilt === undefined);
  const asserted = built.filter(({ deviates }) => deviates === undefined);
  const failing = asserted.filter(({ failure }) => failure !== undefined).map(({ id }) => id);
  return {
    suite,
    passed: asserted.length - failing.length,
    failed: failing.length,
    deviating: built.length - asserted.length,
    failing,
    ...(built.length < outcomes.length ? { notBuilt: outcomes.length - built.length } : {}),
  };
}
