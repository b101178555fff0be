import { isDeepStrictEqual } from 'node:util';
import { formatJson } from '@wheelhouse/shared/kube/json';
import { locationOf, locationText, type SourceLocation } from '../source/location.ts';
import type { ApplicationChange, IndexedApplication } from './applications.ts';

/** The index itself: Applications by id, and their ids by cluster, by render request and by source. */
export interface ApplicationTable {
  all(): Iterable<IndexedApplication>;
  size(): number;
  find(id: string): IndexedApplication | undefined;
  byCluster(cluster: string): IndexedApplication[];
  byRequest(requestKey: string): IndexedApplication[];
  bySource(location: SourceLocation): IndexedApplication[];
  /** Puts `after` in the place of `before`; false when nothing differs. */
  replace(change: ApplicationChange): boolean;
}

export function createApplicationTable(): ApplicationTable {
  const apps = new Map<string, IndexedApplication>();
  const groups: Groupings = { clusters: createGroups(), requests: createGroups(), sources: createGroups() };
  const members = (ids: Iterable<string>) => [...ids].flatMap((id) => apps.get(id) ?? []);
  return {
    all: () => apps.values(),
    size: () => apps.size,
    find: (id) => apps.get(id),
    byCluster: (cluster) => members(groups.clusters.of(cluster)),
    byRequest: (key) => members(groups.requests.of(key)),
    bySource: (location) => members(groups.sources.of(locationText(location))),
    replace: ({ before, after }) => {
      const one = after ?? before;
      if (!one || (before && after && same(before, after))) return false;
      const present = apps.get(one.id);
      if (present) for (const [grouping, group] of placesOf(present, groups)) grouping.remove(group, one.id);
      if (!after) return apps.delete(one.id);
      apps.set(one.id, after);
      for (const [grouping, group] of placesOf(after, groups)) grouping.add(group, one.id);
      return true;
    },
  };
}

interface Groupings {
  clusters: Groups;
  requests: Groups;
  sources: Groups;
}

function placesOf(app: IndexedApplication, groups: Groupings): [Groups, string][] {
  const places: [Groups, string][] = [];
  if (app.cluster !== undefined) places.push([groups.clusters, app.cluster]);
  if (app.request) places.push([groups.requests, app.request.key]);
  for (const source of app.sources) places.push([groups.sources, locationText(locationOf(source))]);
  return places;
}

function same(before: IndexedApplication, after: IndexedApplication): boolean {
  return (
    before.cluster === after.cluster &&
    before.hubOnly === after.hubOnly &&
    before.project === after.project &&
    before.request?.key === after.request?.key &&
    before.problem?.message === after.problem?.message &&
    sameManifest(before, after)
  );
}

function sameManifest(before: IndexedApplication, after: IndexedApplication): boolean {
  if (!isDeepStrictEqual(before.origin, after.origin)) return false;
  return before.application === after.application || formatJson(before.application) === formatJson(after.application);
}

interface Groups {
  of(group: string): Iterable<string>;
  add(group: string, id: string): void;
  remove(group: string, id: string): void;
}

function createGroups(): Groups {
  const groups = new Map<string, Set<string>>();
  return {
    of: (group) => groups.get(group) ?? [],
    add: (group, id) => {
      const ids = groups.get(group);
      if (ids) ids.add(id);
      else groups.set(group, new Set([id]));
    },
    remove: (group, id) => {
      const ids = groups.get(group);
      ids?.delete(id);
      if (ids?.size === 0) groups.delete(group);
    },
  };
}
