import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import type { Derived } from '../store/derived.ts';
import { readBesides } from '../store/reader-index.ts';
import type { SpecStore } from '../store/specs.ts';
import { locationOf, locationText, type SourceLocation } from './location.ts';

export interface WantedDeps {
  applications: Pick<Applications, 'list' | 'bySource' | 'byRequest'>;
  specs: Pick<SpecStore, 'list'>;
  derived: Pick<Derived, 'evaluations' | 'render' | 'readersOf'>;
}

/** Everything that an Application, the last good render of one, or a generator reads, by repository. */
export function wantedRevisions(deps: WantedDeps): Map<string, readonly SourceLocation[]> {
  const wanted = new Map<string, Map<string, SourceLocation>>();
  const want = (location: SourceLocation) => {
    const locations = wanted.get(location.repoURL) ?? new Map<string, SourceLocation>();
    locations.set(locationText(location), location);
    wanted.set(location.repoURL, locations);
  };
  for (const app of deps.applications.list()) {
    for (const location of locationsRead(app)) want(location);
    if (app.request) for (const location of readBesides(deps.derived.render(app.request.key)?.record)) want(location);
  }
  for (const read of generatorReads(deps)) want(read);
  return new Map([...wanted].map(([url, locations]) => [url, [...locations.values()]]));
}

/** What the sources of an Application name, unless it may not go anywhere. */
export function locationsRead(app: IndexedApplication | undefined): SourceLocation[] {
  return !app || app.problem ? [] : app.sources.map(locationOf);
}

/** The same as `wantedRevisions` for one of them, without going through all Applications. */
export function isWanted(location: SourceLocation, deps: WantedDeps): boolean {
  if (deps.applications.bySource(location).some(({ problem }) => !problem)) return true;
  if (deps.derived.readersOf(location).some((key) => deps.applications.byRequest(key).length > 0)) return true;
  const text = locationText(location);
  return generatorReads(deps).some((read) => locationText(read) === text);
}

function generatorReads(deps: WantedDeps): SourceLocation[] {
  const named = deps.specs
    .list('ApplicationSet')
    .flatMap((spec) => gitGenerators((spec.resource as ApplicationSet).spec.generators))
    .filter(({ repoURL }) => !repoURL.includes('{{'));
  return [...named, ...deps.derived.evaluations().flatMap(({ reads }) => reads.repositories)].map(locationOfRead);
}

/** What a generator reads, as a location. */
export function locationOfRead({ repoURL, revision = '' }: GitGenerator): SourceLocation {
  return { repoURL, targetRevision: revision };
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
