/**
 * Every Application there is, whichever way it came: written by people, by a parent (App of Apps), or generated.
 * Each with where it goes, what must be rendered for it, and why it cannot go there. A pure function of specs,
 * evaluations and the inventory, kept up to date by their changes. It never removes what an evaluation failed to give:
 * evaluations keep their last good outcome themselves.
 */
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { defaultProject, whyNotPermitted } from '../project/project.ts';
import { type RenderFacts, renderRequestKey } from '../render/render.ts';
import type { Derived, Problem } from '../store/derived.ts';
import { namespaceOf, nameOf, type SpecStore } from '../store/specs.ts';
import { type Destinations, findDestination } from './destination.ts';
import { whyUnsupported } from './unsupported.ts';

export interface IndexedApplication {
  /** Application id: unique in the fleet, the name in tracking ids. */
  id: string;
  application: Application;
  origin: { type: 'spec'; owner?: string; warnings: string[] } | { type: 'generated'; applicationSet: string };
  /** Cluster it goes to, where that is known. */
  cluster?: string;
  /** Why it may not go there. */
  problem?: Problem;
  /** What must be rendered; absent when it cannot be. */
  request?: { key: string; facts: RenderFacts };
}

export interface ApplicationChange {
  before: IndexedApplication | undefined;
  after: IndexedApplication | undefined;
}

export interface Applications {
  list(): Iterable<IndexedApplication>;
  size(): number;
  find(id: string): IndexedApplication | undefined;
  byCluster(cluster: string): IndexedApplication[];
  byRequest(requestKey: string): IndexedApplication[];
  /** Distinct render requests of a repository's target revision. */
  requestsOf(repoURL: string, targetRevision: string): string[];
  onChange(listener: (changes: ApplicationChange[]) => void): Disposable;
}

export interface ApplicationsDeps {
  specs: SpecStore;
  derived: Derived;
  destinations: Destinations;
  /** Names of clusters, and a call when any of them changed. */
  onClustersChange(listener: () => void): Disposable;
}

export function createApplications(deps: ApplicationsDeps): Applications & Disposable {
  const table = createTable();
  const listeners = new Set<(changes: ApplicationChange[]) => void>();
  const describe = (application: Application, origin: IndexedApplication['origin']) =>
    describeApplication(deps, application, origin);

  const apply = (changes: ApplicationChange[]) => {
    const real = changes.filter((change) => table.replace(change));
    if (real.length > 0) for (const listener of listeners) listener(real);
  };
  const again = (which: (app: IndexedApplication) => boolean) =>
    apply([...table.all()].filter(which).map((app) => ({ before: app, after: describe(app.application, app.origin) })));

  for (const spec of deps.specs.list('Application'))
    table.replace({ before: undefined, after: describe(spec.resource as Application, specOrigin(spec)) });
  for (const evaluation of deps.derived.evaluations()) {
    for (const application of evaluation.applications)
      table.replace({
        before: undefined,
        after: describe(application, {
          type: 'generated',
          applicationSet: `${evaluation.namespace}/${evaluation.name}`,
        }),
      });
  }

  const subscriptions = [
    deps.specs.onChange(({ kind, before, after }) => {
      if (kind === 'AppProject')
        return again((app) => app.application.spec.project === (after ?? before)?.resource.metadata.name);
      if (kind !== 'Application') return;
      const known = table.find(idOf((after ?? before)?.resource as Application));
      if (known?.origin.type === 'generated' && !after) return;
      apply([{ before: known, after: after ? describe(after.resource as Application, specOrigin(after)) : undefined }]);
    }),
    deps.derived.onChange((change) => {
      if (change.type !== 'evaluation') return;
      const set = change.after ?? change.before;
      const origin = { type: 'generated' as const, applicationSet: `${set?.namespace}/${set?.name}` };
      const fresh = new Map((change.after?.applications ?? []).map((application) => [idOf(application), application]));
      const gone = (change.before?.applications ?? []).map(idOf).filter((id) => !fresh.has(id));
      apply([
        ...gone.map((id) => ({ before: table.find(id), after: undefined })),
        ...[...fresh].map(([id, application]) => ({ before: table.find(id), after: describe(application, origin) })),
      ]);
    }),
    deps.onClustersChange(() => again(() => true)),
  ];

  return {
    list: () => table.all(),
    size: () => table.size(),
    find: (id) => table.find(id),
    byCluster: (cluster) => table.byCluster(cluster),
    byRequest: (key) => table.byRequest(key),
    requestsOf: (repoURL, targetRevision) => table.requestsOf(repoURL, targetRevision),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

export function idOf(application: Application): string {
  return applicationId(namespaceOf(application), nameOf(application));
}

function specOrigin(spec: { owner?: string; warnings: string[] }): IndexedApplication['origin'] {
  return { type: 'spec', warnings: spec.warnings, ...(spec.owner === undefined ? {} : { owner: spec.owner }) };
}

function describeApplication(
  deps: ApplicationsDeps,
  application: Application,
  origin: IndexedApplication['origin'],
): IndexedApplication {
  const base = { id: idOf(application), application, origin };
  const unsupported = whyUnsupported(application);
  const destination = findDestination(application, deps.destinations);
  const project = findProject(deps.specs, application);
  const cluster = destination.cluster === undefined ? {} : { cluster: destination.cluster };
  const problem =
    unsupported ??
    destination.problem ??
    (project ? notPermitted(application, project, deps.destinations) : unknownProject(application));
  const source = application.spec.source ?? application.spec.sources?.[0];
  if (problem || !source)
    return {
      ...base,
      ...cluster,
      problem: problem ?? { code: 'Invalid', message: `application ${base.id} has no source: give it spec.source` },
    };
  const facts: RenderFacts = {
    appName: nameOf(application),
    appNamespace: namespaceOf(application),
    project: application.spec.project,
    namespace: application.spec.destination.namespace ?? '',
  };
  return { ...base, ...cluster, request: { key: renderRequestKey(source, facts), facts } };
}

function findProject(specs: SpecStore, application: Application): AppProject | undefined {
  const name = application.spec.project;
  const stored = specs.find('AppProject', namespaceOf(application), name) ?? specs.find('AppProject', 'argocd', name);
  return (stored?.resource as AppProject | undefined) ?? (name === 'default' ? defaultProject : undefined);
}

function unknownProject(application: Application): Problem {
  return {
    code: 'NotPermitted',
    message: `application ${idOf(application)} refers to project ${application.spec.project}, which does not exist: create an AppProject of that name, or use project default`,
  };
}

function notPermitted(application: Application, project: AppProject, destinations: Destinations): Problem | undefined {
  const reason = whyNotPermitted({ project, application, clusters: destinations.list() });
  return reason ? { code: 'NotPermitted', message: reason.message } : undefined;
}

interface Table {
  all(): Iterable<IndexedApplication>;
  size(): number;
  find(id: string): IndexedApplication | undefined;
  byCluster(cluster: string): IndexedApplication[];
  byRequest(requestKey: string): IndexedApplication[];
  requestsOf(repoURL: string, targetRevision: string): string[];
  /** Puts `after` in the place of `before`; false when nothing differs. */
  replace(change: ApplicationChange): boolean;
}

function createTable(): Table {
  const apps = new Map<string, IndexedApplication>();
  const clusters = createGroups();
  const requests = createGroups();
  const sources = createGroups();
  const members = (ids: Iterable<string>) => [...ids].flatMap((id) => apps.get(id) ?? []);
  return {
    all: () => apps.values(),
    size: () => apps.size,
    find: (id) => apps.get(id),
    byCluster: (cluster) => members(clusters.of(cluster)),
    byRequest: (key) => members(requests.of(key)),
    requestsOf: (repoURL, targetRevision) => [
      ...new Set(members(sources.of(`${repoURL}\n${targetRevision}`)).flatMap((app) => app.request?.key ?? [])),
    ],
    replace: ({ before, after }) => {
      const id = after?.id ?? before?.id;
      if (id === undefined || (before && after && same(before, after))) return false;
      const present = apps.get(id);
      if (present)
        for (const [groups, group] of placesOf(present, { clusters, requests, sources })) groups.remove(group, id);
      if (!after) return apps.delete(id);
      apps.set(id, after);
      for (const [groups, group] of placesOf(after, { clusters, requests, sources })) groups.add(group, id);
      return true;
    },
  };
}

function placesOf(
  app: IndexedApplication,
  groups: { clusters: Groups; requests: Groups; sources: Groups },
): [Groups, string][] {
  const source = app.application.spec.source ?? app.application.spec.sources?.[0];
  return [
    ...(app.cluster === undefined ? [] : [[groups.clusters, app.cluster] as [Groups, string]]),
    ...(app.request ? [[groups.requests, app.request.key] as [Groups, string]] : []),
    ...(source ? [[groups.sources, `${source.repoURL}\n${source.targetRevision ?? ''}`] as [Groups, string]] : []),
  ];
}

function same(before: IndexedApplication, after: IndexedApplication): boolean {
  return (
    before.cluster === after.cluster &&
    before.request?.key === after.request?.key &&
    before.problem?.message === after.problem?.message &&
    (before.application === after.application ||
      JSON.stringify(before.application) === JSON.stringify(after.application))
  );
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
