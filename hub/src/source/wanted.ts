import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import { renderedParts } from '../hydrate/describe-hydration.ts';
import type { Derived } from '../store/derived.ts';
import type { SpecStore } from '../store/specs.ts';
import { locationOf, locationText, type SourceLocation } from './location.ts';
import { requestsReading } from './readers.ts';

export interface WantedDeps {
  applications: Pick<Applications, 'bySource' | 'byRequest'>;
  specs: Pick<SpecStore, 'list'>;
  derived: Pick<Derived, 'evaluations' | 'readersOf'>;
}

/** Everything that an Application, the last good render of one, or a generator reads, by repository. */
export function wantedRevisions(
  deps: WantedDeps & { applications: Pick<Applications, 'locations'>; derived: Pick<Derived, 'readBesides'> },
): Map<string, readonly SourceLocation[]> {
  const byApplications = [...deps.applications.locations(), ...deps.derived.readBesides()];
  const wanted = [...byApplications.filter((one) => isReadByApplication(one, deps)), ...generatorReads(deps)];
  const distinct = new Map(wanted.map((location) => [locationText(location), location]));
  return Map.groupBy(distinct.values(), ({ repoURL }) => repoURL);
}

/** Whether `wantedRevisions` has it. */
export function isWanted(location: SourceLocation, deps: WantedDeps): boolean {
  if (isReadByApplication(location, deps)) return true;
  const text = locationText(location);
  return generatorReads(deps).some((read) => locationText(read) === text);
}

/** Named by a source of an Application that may go somewhere, or read by the last good render of one whose project permits it. */
function isReadByApplication(location: SourceLocation, { applications, derived }: WantedDeps): boolean {
  return (
    applications.bySource(location).some(({ problem }) => !problem) ||
    requestsReading(location, { applications, derived }).length > 0
  );
}

/** What the sources of an Application name, unless it may not go anywhere. */
export function locationsRead(app: IndexedApplication | undefined): SourceLocation[] {
  return !app || app.problem ? [] : renderedParts(app).flatMap(({ sources }) => sources.map(locationOf));
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
