import type { ApplicationSource, SourceHydrator } from './application-source.ts';

interface SourcesSpec {
  source?: ApplicationSource;
  sources?: ApplicationSource[];
  sourceHydrator?: SourceHydrator;
}

/** Argo CD: what is deployed. `sourceHydrator` wins over `sources`, and these over `source`. */
export function sourcesOf({ sourceHydrator, sources, source }: SourcesSpec): readonly ApplicationSource[] {
  if (sourceHydrator) return [syncSourceOf(sourceHydrator)];
  if (sources?.length) return sources;
  return source ? [source] : [];
}

/** Argo CD: what an Application with a hydrator deploys; of the repository of its dry source unless it names another. */
export function syncSourceOf({ drySource, syncSource }: SourceHydrator): ApplicationSource {
  const { targetBranch, path, repoURL } = syncSource;
  return { repoURL: repoURL || drySource.repoURL, targetRevision: targetBranch, path };
}

/** What is rendered for it. */
export function drySourceOf({ drySource }: SourceHydrator): ApplicationSource {
  return drySource;
}
