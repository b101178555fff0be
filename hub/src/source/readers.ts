import type { Applications } from '../assign/applications.ts';
import { isSourcePermitted } from '../project/sources.ts';
import type { Derived } from '../store/derived.ts';
import type { SourceLocation } from './location.ts';

export interface ReadersDeps {
  applications: Pick<Applications, 'byRequest'>;
  derived: Pick<Derived, 'readersOf'>;
}

/**
 * Requests whose last good render read this location besides its own sources, as long as the project of one that wants the
 * render permits it: once none does, nobody asks that server for anything any more.
 */
export function requestsReading(location: SourceLocation, { applications, derived }: ReadersDeps): string[] {
  const mayRead = (key: string) =>
    applications.byRequest(key).some(({ project }) => !project || isSourcePermitted(project.spec, location.repoURL));
  return derived.readersOf(location).filter(mayRead);
}
