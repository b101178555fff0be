import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import type { Derived } from '../store/derived.ts';
import type { SpecStore } from '../store/specs.ts';

export interface WantedDeps {
  applications: Pick<Applications, 'list' | 'bySource'>;
  specs: Pick<SpecStore, 'list'>;
  derived: Pick<Derived, 'evaluations'>;
}

export interface RevisionName {
  repoURL: string;
  /** '' stands for the default branch. */
  revision: string;
}

/** Every (repository, revision) that an Application or a generator reads. */
export function wantedRevisions(deps: WantedDeps): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  const want = ({ repoURL, revision }: RevisionName) =>
    void (wanted.get(repoURL) ?? wanted.set(repoURL, new Set()).get(repoURL))?.add(revision);
  for (const app of deps.applications.list()) {
    const read = revisionRead(app);
    if (read) want(read);
  }
  for (const read of generatorReads(deps)) want(read);
  return wanted;
}

/** What an Application reads, unless it may not go anywhere. */
export function revisionRead(app: IndexedApplication | undefined): RevisionName | undefined {
  if (!app?.source || app.problem) return undefined;
  return { repoURL: app.source.repoURL, revision: app.source.targetRevision };
}

export function isSameRevision(a: RevisionName, b: RevisionName | undefined): boolean {
  return a.repoURL === b?.repoURL && a.revision === b.revision;
}

/** The same as `wantedRevisions` for one of them, without going through all Applications. */
export function isWanted({ repoURL, revision }: RevisionName, deps: WantedDeps): boolean {
  if (deps.applications.bySource(repoURL, revision).some(({ problem }) => !problem)) return true;
  return generatorReads(deps).some((read) => read.repoURL === repoURL && read.revision === revision);
}

function generatorReads(deps: WantedDeps): RevisionName[] {
  const named = deps.specs
    .list('ApplicationSet')
    .flatMap((spec) => gitGenerators((spec.resource as ApplicationSet).spec.generators))
    .filter(({ repoURL }) => !repoURL.includes('{{'))
    .map(({ repoURL, revision = '' }) => ({ repoURL, revision }));
  return [...named, ...deps.derived.evaluations().flatMap(({ reads }) => reads.repositories)];
}

interface GitGenerator {
  repoURL: string;
  revision?: string | undefined;
}

/** Every git generator of a set, at whatever depth. */
export function gitGenerators(generators: readonly unknown[]): GitGenerator[] {
  return generators.flatMap((generator) => {
    const { git, matrix, merge } = generator as {
      git?: GitGenerator;
      matrix?: { generators: unknown[] };
      merge?: { generators: unknown[] };
    };
    return [
      ...(git?.repoURL ? [git] : []),
      ...gitGenerators(matrix?.generators ?? []),
      ...gitGenerators(merge?.generators ?? []),
    ];
  });
}
