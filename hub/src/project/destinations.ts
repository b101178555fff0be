import { matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import type { AppProject, AppProjectSpec } from '@wheelhouse/shared/resources/app-project';

/** A cluster as a destination names it; either part may be empty. */
export interface ProjectCluster {
  name: string;
  server: string;
  /** Names that the cluster had before. A destination that uses one is judged by the present name. */
  formerNames?: readonly string[];
  /** The project that the cluster is scoped to. */
  project?: string;
}

interface Destination {
  name: string;
  server: string;
  namespace: string;
}

type Item = NonNullable<AppProjectSpec['destinations']>[number];

/**
 * Argo CD: a destination is permitted when an entry matches its namespace and its server or name, and no entry denies it.
 * `scoped` are the clusters of this project, which are all there is with `permitOnlyProjectScopedClusters`.
 */
export function isDestinationPermitted(
  { spec }: Pick<AppProject, 'spec'>,
  destination: Destination,
  scoped: readonly ProjectCluster[],
): boolean {
  if (!matchesAny(spec.destinations ?? [], destination)) return false;
  if (spec.permitOnlyProjectScopedClusters !== true) return true;
  return scoped.some(({ name, server }) => name === destination.name || server === destination.server);
}

function matchesAny(items: readonly Item[], destination: Destination): boolean {
  let permitted = false;
  for (const item of items) {
    const verdict = judge(item, destination);
    if (verdict === 'denied') return false;
    permitted ||= verdict === 'permitted';
  }
  return permitted;
}

function judge(item: Item, destination: Destination): 'permitted' | 'denied' | 'unmatched' {
  const name = match(item.name, destination.name);
  const server = match(item.server, destination.server);
  const namespace = item.namespace ?? '';
  if (matches(namespace, destination.namespace)) {
    if (server.matched || name.matched) return 'permitted';
    return name.denied || server.denied ? 'denied' : 'unmatched';
  }
  return denies(namespace) && server.matched ? 'denied' : 'unmatched';
}

/** An empty name or server of a destination matches no pattern, and any denial applies to it. */
function match(pattern = '', text: string): { matched: boolean; denied: boolean } {
  const matched = text !== '' && matches(pattern, text);
  return { matched, denied: denies(pattern) && !matched };
}

function denies(pattern: string): boolean {
  return pattern.startsWith('!');
}

function matches(pattern: string, text: string): boolean {
  if (denies(pattern)) return !matchesGlob(pattern.slice(1), text);
  return pattern === '*' || matchesGlob(pattern, text);
}
