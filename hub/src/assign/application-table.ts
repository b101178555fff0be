import { isDeepStrictEqual } from 'node:util';
import { formatJson } from '@wheelhouse/shared/kube/json';
import { renderedParts } from '../hydrate/describe-hydration.ts';
import { locationOf, locationText, type SourceLocation } from '../source/location.ts';
import { createLocationIndex, type LocationIndex } from '../source/location-index.ts';
import type { ApplicationChange, IndexedApplication } from './applications.ts';
import { createGroups, type Groups } from './groups.ts';

/** The index itself: Applications by id, and their ids by cluster, by render request, by source and by branch written to. */
export interface ApplicationTable {
  all(): Iterable<IndexedApplication>;
  size(): number;
  find(id: string): IndexedApplication | undefined;
  byCluster(cluster: string): IndexedApplication[];
  byRequest(requestKey: string): IndexedApplication[];
  bySource(location: SourceLocation): IndexedApplication[];
  byBranch(branchKey: string): IndexedApplication[];
  /** Every location that `bySource` finds Applications for. */
  locations(): SourceLocation[];
  /** Puts `after` in the place of `before`; false when nothing differs. */
  replace(change: ApplicationChange): boolean;
}

export function createApplicationTable(): ApplicationTable {
  const apps = new Map<string, IndexedApplication>();
  const groups: Groupings = {
    clusters: createGroups(),
    requests: createGroups(),
    branches: createGroups(),
    sources: createLocationIndex(),
  };
  const members = (ids: Iterable<string>) => [...ids].flatMap((id) => apps.get(id) ?? []);
  const parts = (ids: Iterable<string>, which: (part: IndexedApplication) => boolean) =>
    // asked for all of a large fleet: what has no parts is in the index because it matches
    members(ids).flatMap((app) => (app.hydration ? renderedParts(app).filter(which) : app));
  return {
    all: () => apps.values(),
    size: () => apps.size,
    find: (id) => apps.get(id),
    byCluster: (cluster) => members(groups.clusters.of(cluster)),
    byRequest: (key) => parts(groups.requests.of(key), ({ request }) => request?.key === key),
    bySource: (location) => {
      const place = locationText(location);
      return parts(groups.sources.readersOf(location), ({ sources }) =>
        sources.some((source) => locationText(locationOf(source)) === place),
      );
    },
    byBranch: (key) => members(groups.branches.of(key)),
    locations: groups.sources.locations,
    replace: ({ before, after }) => {
      const one = after ?? before;
      if (!one || (before && after && same(before, after))) return false;
      const present = apps.get(one.id);
      if (present) file(present, groups, 'remove');
      if (!after) return apps.delete(one.id);
      apps.set(one.id, after);
      file(after, groups, 'add');
      return true;
    },
  };
}

interface Groupings {
  clusters: Groups;
  requests: Groups;
  branches: Groups;
  sources: LocationIndex;
}

/** Adds an Application to every group that it belongs to, or removes it from them. */
function file(app: IndexedApplication, groups: Groupings, act: 'add' | 'remove'): void {
  const { id, cluster, hydration } = app;
  if (cluster !== undefined) groups.clusters[act](cluster, id);
  if (hydration) groups.branches[act](hydration.branchKey, id);
  for (const { request, sources } of renderedParts(app)) {
    if (request) groups.requests[act](request.key, id);
    for (const source of sources) groups.sources[act](locationOf(source), id);
  }
}

function same(before: IndexedApplication, after: IndexedApplication): boolean {
  return (
    before.cluster === after.cluster &&
    before.hubOnly === after.hubOnly &&
    before.project === after.project &&
    sameRequests(before, after) &&
    before.problem?.message === after.problem?.message &&
    sameManifest(before, after)
  );
}

function sameRequests(before: IndexedApplication, after: IndexedApplication): boolean {
  const [dryBefore, dryAfter] = [before.hydration?.dry, after.hydration?.dry];
  return before.request?.key === after.request?.key && dryBefore?.request?.key === dryAfter?.request?.key;
}

/** What it is, where it came from, as whom it is written, and what is ignored besides what it says itself. */
function sameManifest(before: IndexedApplication, after: IndexedApplication): boolean {
  const besides = ({ origin, actAs, ignored }: IndexedApplication) => [origin, actAs, ignored];
  if (!isDeepStrictEqual(besides(before), besides(after))) return false;
  return before.application === after.application || formatJson(before.application) === formatJson(after.application);
}
