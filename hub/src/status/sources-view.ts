import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { sourcesOf } from '@wheelhouse/shared/resources/application-sources';

/** Argo CD: an Application with `spec.sources`, were it only one, has lists where others have one value. */
export function hasSeveralSources({ spec }: Application): boolean {
  return !spec.sourceHydrator && (spec.sources?.length ?? 0) > 0;
}

/** `revision`, or `revisions` of several sources; the text is as in the document, separated by commas. */
export function formatRevision(application: Application, text: string): { revision: string } | { revisions: string[] } {
  return hasSeveralSources(application) ? { revisions: text === '' ? [] : text.split(',') } : { revision: text };
}

export function formatSources(
  application: Application,
): { source: ApplicationSource | undefined } | { sources: ApplicationSource[] } {
  const sources = [...sourcesOf(application.spec)];
  return hasSeveralSources(application) ? { sources } : { source: sources[0] };
}

export function formatSourceTypes(
  application: Application,
  types: string[] | undefined,
): { sourceType?: string } | { sourceTypes?: string[] } {
  if (types === undefined) return {};
  const [first] = types;
  if (hasSeveralSources(application)) return { sourceTypes: types };
  return first === undefined ? {} : { sourceType: first };
}
