import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Generator, GitGenerator, NestedGenerator } from '@wheelhouse/shared/resources/generator';

/** What an ApplicationSet wants to have looked at by itself, each with its interval. */
export interface Requeue {
  /** Evaluates the set: what it reads has no event of its own. */
  evaluateMs?: number;
  /** Looks at a repository. */
  repositories: Map<string, number>;
}

/** Argo CD: 30 minutes for code hosts and plugins. Git is polled anyway; only an interval that is given counts. */
const defaultSeconds = 1_800;

/** Argo CD: `requeueAfterSeconds` of each generator, the least of them where several are combined; 0 stands for never. */
export function requeueOf({ spec }: ApplicationSet): Requeue {
  const requeue: Requeue = { repositories: new Map() };
  for (const generator of spec.generators) collect(generator, requeue);
  return requeue;
}

function collect(generator: Generator | NestedGenerator, requeue: Requeue): void {
  const { git, scmProvider, pullRequest, plugin } = generator;
  for (const asking of [scmProvider, pullRequest, plugin]) {
    const seconds = asking && (asking.requeueAfterSeconds ?? defaultSeconds);
    if (seconds) requeue.evaluateMs = Math.min(requeue.evaluateMs ?? Infinity, seconds * 1_000);
  }
  if (git) collectGit(git, requeue);
  for (const nested of nestedIn(generator)) collect(nested, requeue);
}

function collectGit({ repoURL, requeueAfterSeconds }: GitGenerator, { repositories }: Requeue): void {
  if (!requeueAfterSeconds || repoURL.includes('{{')) return;
  repositories.set(repoURL, Math.min(repositories.get(repoURL) ?? Infinity, requeueAfterSeconds * 1_000));
}

function nestedIn({ matrix, merge }: Generator | NestedGenerator): (Generator | NestedGenerator)[] {
  return [...(matrix?.generators ?? []), ...(merge?.generators ?? [])];
}
