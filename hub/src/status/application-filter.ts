import { type LabelRequirement, matchesSelector } from '@wheelhouse/shared/kube/selector-text';
import type { HealthStatus, SyncStatus } from '@wheelhouse/shared/protocol/status';
import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import type { ApplicationView } from './view.ts';

/** Which Applications a list or a stream is about: every field that is present must match. */
export interface ApplicationFilter {
  name?: string;
  /** `metadata.namespace`. */
  namespace?: string;
  projects?: string[];
  labels?: LabelRequirement[];
  /** Repository URL of any of its sources. */
  repo?: string;
  cluster?: string;
  health?: HealthStatus[];
  sync?: SyncStatus[];
}

/** The one meaning of a filter, for lists and streams alike. */
export function matchesFilter(view: ApplicationView, filter: ApplicationFilter): boolean {
  const { metadata } = view.application;
  return (
    matches(filter.name, metadata.name) &&
    matches(filter.namespace, metadata.namespace) &&
    matches(filter.cluster, view.cluster) &&
    (!filter.labels || matchesSelector(filter.labels, metadata.labels)) &&
    matchesSpec(view, filter) &&
    matchesStatus(view, filter)
  );
}

function matchesSpec({ application: { spec } }: ApplicationView, { projects, repo }: ApplicationFilter): boolean {
  const dry = spec.sourceHydrator ? [drySourceOf(spec.sourceHydrator)] : [];
  const sources = [...sourcesOf(spec), ...dry];
  return (
    (!projects || projects.includes(spec.project)) &&
    (repo === undefined || sources.some((source) => source.repoURL === repo))
  );
}

function matchesStatus({ application: { status } }: ApplicationView, { health, sync }: ApplicationFilter): boolean {
  return (
    (!health || health.includes(status?.health?.status ?? 'Unknown')) &&
    (!sync || sync.includes(status?.sync?.status ?? 'Unknown'))
  );
}

function matches(wanted: string | undefined, actual: string | undefined): boolean {
  return wanted === undefined || wanted === actual;
}
