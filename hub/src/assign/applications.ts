/**
 * Every Application there is, whichever way it came: written by people, by a parent (App of Apps), or generated.
 * Each with where it goes, what must be rendered for it, and why it cannot go there. A pure function of specs,
 * evaluations and the inventory, kept up to date by their changes. It never removes what an evaluation failed to give:
 * evaluations keep their last good outcome themselves.
 */
import { type AssignedPolicy, applicationId, type IgnoreDifference } from '@wheelhouse/shared/protocol/document';
import type { AppProject, SyncWindow } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { describeHydration, type Hydration, renderedParts } from '../hydrate/describe-hydration.ts';
import { createGlobalProjects, type GlobalProjects } from '../project/global-projects.ts';
import { defaultProject, whyNamespaceNotPermitted, whyNotPermitted } from '../project/project.ts';
import { isImpersonating, noAccount, serviceAccountFor } from '../project/service-accounts.ts';
import { matchingWindows } from '../project/window.ts';
import type { RenderFacts } from '../render/render.ts';
import type { SourceLocation } from '../source/location.ts';
import type { Derived, Problem, StoredEvaluation } from '../store/derived.ts';
import { nameOf, namespaceOf, type SpecStore, type StoredSpec } from '../store/specs.ts';
import { type ApplicationTable, createApplicationTable } from './application-table.ts';
import { type Claim, type Claims, createClaims } from './claims.ts';
import { type Destination, type Destinations, findDestination } from './destination.ts';
import { createIgnored, type IgnoredBySettings } from './ignored.ts';
import { requestOf } from './render-request.ts';
import { integrityFacts, keysConfigMap, whyUnverifiable } from './signed.ts';
import { whyUnsupported } from './unsupported.ts';

export interface IndexedApplication {
  /** Application id: unique in the fleet, the name in tracking ids. */
  id: string;
  application: Application;
  origin: { type: 'spec'; owner?: string; warnings: string[] } | { type: 'generated'; applicationSet: string };
  /** Cluster it goes to, where that is known. */
  cluster?: string;
  /** It goes to the cluster of the hub, and no such cluster is registered: only the hub's own objects can go there. */
  hubOnly?: boolean;
  /** Project that permits it; absent when there is none of that name. */
  project?: AppProject | undefined;
  /** Sync windows of its project that apply to it. */
  windows?: SyncWindow[];
  /** Differences that the settings have ignored in all Applications. */
  ignored?: readonly IgnoreDifference[];
  /** As whom its cluster writes it; absent where impersonation is off. */
  actAs?: NonNullable<AssignedPolicy['actAs']>;
  /** Why it may not go there. */
  problem?: Problem;
  /** Where its manifests come from, in order. */
  sources: readonly ApplicationSource[];
  /** What must be rendered; absent when it cannot be, or as long as the kind of its source is not known. */
  request?: { key: string; facts: RenderFacts } | undefined;
  /** Only of one with a source hydrator: what is rendered to be written to where its manifests come from. */
  hydration?: Hydration;
  /** Only of the part of such an Application that is rendered to be written: key of the branch that it is written to. */
  writtenTo?: string;
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
  /** Of one with a source hydrator, the part that wants it. */
  byRequest(requestKey: string): IndexedApplication[];
  /** Applications (or the parts of such) that name this location in any of their sources. */
  bySource(location: SourceLocation): IndexedApplication[];
  /** Applications whose manifests are written to a branch. */
  byBranch(branchKey: string): IndexedApplication[];
  /** Every location that `bySource` finds Applications for. */
  locations(): SourceLocation[];
  /** What an Application would be here, by the inventory and the projects of now; keeps nothing. */
  describe(application: Application, origin: IndexedApplication['origin']): IndexedApplication;
  /** As whom an Application is written, or withdrawn, on a cluster; undefined where nobody is impersonated. */
  accountAt(application: Application, cluster: string): IndexedApplication['actAs'];
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
  const table = createApplicationTable();
  const listeners = new Set<(changes: ApplicationChange[]) => void>();
  const globals = createGlobalProjects(deps.specs);
  const describing = { ...deps, globals, ignored: createIgnored(deps.specs) };
  const describe: Describe = (application, origin) => describeApplication(describing, application, origin);
  const apply = (changes: ApplicationChange[]) => {
    const real = changes.filter((change) => table.replace(change));
    if (real.length > 0) for (const listener of listeners) listener(real);
  };
  const again = (which: (app: IndexedApplication) => boolean) =>
    apply([...table.all()].filter(which).map((app) => ({ before: app, after: describe(app.application, app.origin) })));

  const index = { table, claims: createClaims(), describe };
  for (const spec of deps.specs.list('Application')) apply([specChange(undefined, spec, index)]);
  for (const evaluation of deps.derived.evaluations()) apply(evaluationChanges(undefined, evaluation, index));

  const subscriptions = [
    deps.specs.onChange(({ kind, before, after }) => {
      if (kind === 'Application') return apply([specChange(before, after, index)]);
      const concerned = concernedBy(kind, (after ?? before)?.resource.metadata.name ?? '', globals);
      if (concerned) again(concerned);
    }),
    deps.derived.onChange((change) => {
      if (change.type === 'evaluation') apply(evaluationChanges(change.before, change.after, index));
      if (change.type === 'discovery' && change.after) {
        const undiscovered = new Set(table.bySource(change.after).map(({ id }) => id));
        again(({ id }) => undiscovered.has(id));
      }
    }),
    deps.onClustersChange(() => again(() => true)),
  ];

  return {
    list: table.all,
    size: table.size,
    find: table.find,
    byCluster: table.byCluster,
    byRequest: table.byRequest,
    bySource: table.bySource,
    byBranch: table.byBranch,
    locations: table.locations,
    describe,
    accountAt: ({ spec, ...application }, cluster) => {
      const there = { ...application, spec: { ...spec, destination: { ...spec.destination, name: cluster } } };
      return accountOf(there, projectFor(there, describing).project, deps).actAs;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

/** Which Applications a change of a project or of settings may change; undefined for none. */
function concernedBy(
  kind: string,
  name: string,
  globals: GlobalProjects,
): ((app: IndexedApplication) => boolean) | undefined {
  if (globals.concerns(kind, name)) return () => true;
  if (kind === 'AppProject') return (app) => app.application.spec.project === name;
  if (kind === 'ConfigMap' && name === keysConfigMap)
    return (app) => renderedParts(app).some(({ request }) => request?.facts.integrity !== undefined);
  return undefined;
}

type Describe = (application: Application, origin: IndexedApplication['origin']) => IndexedApplication;

interface Index {
  table: ApplicationTable;
  claims: Claims;
  describe: Describe;
}

function specChange(before: StoredSpec | undefined, after: StoredSpec | undefined, index: Index): ApplicationChange {
  const known = index.table.find(idOf((after ?? before)?.resource as Application));
  if (!after) return { before: known, after: known?.origin.type === 'spec' ? nextOwner(known.id, index) : known };
  if (known?.origin.type === 'generated') index.claims.wait(known.id, claimOf(known, known.origin.applicationSet));
  return { before: known, after: index.describe(after.resource as Application, specOrigin(after)) };
}

function evaluationChanges(
  before: StoredEvaluation | undefined,
  after: StoredEvaluation | undefined,
  index: Index,
): ApplicationChange[] {
  const set = after ?? before;
  const applicationSet = `${set?.namespace}/${set?.name}`;
  // what did not change is the same object: a large set costs what changed of it
  const [old, current] = [new Set(before?.applications), new Set(after?.applications)];
  const fresh = new Map(
    [...current].filter((application) => !old.has(application)).map((application) => [idOf(application), application]),
  );
  const gone = [...old].filter((application) => !current.has(application)).map(idOf);
  const left = gone.filter((id) => !fresh.has(id));
  return [
    ...left.flatMap((id) => leave(id, applicationSet, index)),
    ...[...fresh].flatMap(([id, application]) => claim(id, { applicationSet, application }, index)),
  ];
}

/** A set no longer gives an Application: it goes to whoever waits for its name, unless it is another's anyway. */
function leave(id: string, applicationSet: string, index: Index): ApplicationChange[] {
  index.claims.drop(id, applicationSet);
  const known = index.table.find(id);
  return ownerOf(known) === applicationSet ? [{ before: known, after: nextOwner(id, index) }] : [];
}

function claim(id: string, wanted: Claim, { table, claims, describe }: Index): ApplicationChange[] {
  const known = table.find(id);
  const owner = ownerOf(known);
  if (known && (owner === undefined || owner < wanted.applicationSet)) {
    claims.wait(id, wanted);
    return [];
  }
  if (known && owner !== undefined && owner !== wanted.applicationSet) claims.wait(id, claimOf(known, owner));
  claims.drop(id, wanted.applicationSet);
  return [{ before: known, after: describe(wanted.application, generatedBy(wanted.applicationSet)) }];
}

function nextOwner(id: string, { claims, describe }: Index): IndexedApplication | undefined {
  const next = claims.takeNext(id);
  return next && describe(next.application, generatedBy(next.applicationSet));
}

function claimOf({ application }: IndexedApplication, applicationSet: string): Claim {
  return { applicationSet, application };
}

/** The ApplicationSet of a generated Application. */
function ownerOf(app: IndexedApplication | undefined): string | undefined {
  return app?.origin.type === 'generated' ? app.origin.applicationSet : undefined;
}

function generatedBy(applicationSet: string): IndexedApplication['origin'] {
  return { type: 'generated', applicationSet };
}

/** Those of generated Applications whose name holds `text`: another text there would make other Applications. */
export function generatedNamesWith(apps: readonly IndexedApplication[], text: string): string[] {
  return apps.filter(({ id, origin }) => origin.type === 'generated' && id.includes(text)).map(({ id }) => id);
}

export function idOf(application: Application): string {
  return applicationId(namespaceOf(application), nameOf(application));
}

function specOrigin(spec: { owner?: string; warnings: string[] }): IndexedApplication['origin'] {
  return { type: 'spec', warnings: spec.warnings, ...(spec.owner === undefined ? {} : { owner: spec.owner }) };
}

type DescribeDeps = ApplicationsDeps & { globals: GlobalProjects; ignored: () => IgnoredBySettings };

function describeApplication(
  deps: DescribeDeps,
  application: Application,
  origin: IndexedApplication['origin'],
): IndexedApplication {
  const { cluster, hubOnly, problem: nowhere } = findDestination(application, deps.destinations);
  const sources = sourcesOf(application.spec);
  const { project, problem: unknown } = projectFor(application, deps);
  const problem =
    whyNotBuilt(application, project, sources) ??
    nowhere ??
    unknown ??
    (project && notPermitted(application, project, deps.destinations));
  return {
    id: idOf(application),
    application,
    origin,
    project,
    ...windowsOf(application, project, deps.destinations),
    ...accountOf(application, project, deps),
    ...deps.ignored(),
    sources,
    ...(cluster === undefined ? {} : { cluster }),
    ...(hubOnly ? { hubOnly } : {}),
    ...(problem ? { problem } : {}),
    ...(problem ? {} : rendersOf({ application, origin, sources, project }, deps)),
  };
}

/** What must be rendered of an Application that may go somewhere. */
function rendersOf(
  part: Pick<IndexedApplication, 'application' | 'origin' | 'sources' | 'project'>,
  { specs, derived }: DescribeDeps,
): Pick<IndexedApplication, 'request' | 'hydration'> {
  const { application, sources, project } = part;
  const read = (of: readonly ApplicationSource[]) =>
    requestOf(application, of, { derived, project, ...integrityFacts(project, of, specs) });
  const request = read(sources);
  const hydration = describeHydration({ ...part, id: idOf(application) }, read);
  return { ...(request ? { request } : {}), ...(hydration ? { hydration } : {}) };
}

/** What the Application or its project asks for, and this version does not do. */
function whyNotBuilt(
  application: Application,
  project: AppProject | undefined,
  sources: readonly ApplicationSource[],
): Problem | undefined {
  const { sourceHydrator } = application.spec;
  const read = sourceHydrator ? [...sources, drySourceOf(sourceHydrator)] : sources;
  return whyUnsupported(application) ?? whyUnverifiable(application, project, read);
}

/** The windows that apply to an Application, its cluster being named as the inventory names it. */
function windowsOf(
  application: Application,
  project: AppProject | undefined,
  destinations: Destinations,
): Pick<IndexedApplication, 'windows'> {
  const windows = project?.spec.syncWindows;
  if (!windows || windows.length === 0) return {};
  const { namespace = '' } = application.spec.destination;
  const cluster = clusterOf(application, destinations);
  return { windows: matchingWindows(windows, { name: nameOf(application), namespace, cluster }) };
}

/** As whom its cluster writes it. What is not known to be permitted names nobody, rather than to be written with all rights. */
function accountOf(
  application: Application,
  project: AppProject | undefined,
  { specs, destinations }: Pick<ApplicationsDeps, 'specs' | 'destinations'>,
): Pick<IndexedApplication, 'actAs'> {
  if (!isImpersonating(specs.find('ConfigMap', controlNamespace, 'argocd-cm'))) return {};
  const { spec } = application;
  if (!project) return { actAs: noAccount(`project ${spec.project} is not known`) };
  const { server } = clusterOf(application, destinations);
  const { namespace = '' } = spec.destination;
  return { actAs: serviceAccountFor(project, { server, namespace, own: namespaceOf(application) }) };
}

function clusterOf({ spec }: Application, destinations: Destinations): { name: string; server: string } {
  const { name = '', server = '' } = spec.destination;
  const known = name ? destinations.findByName(name) : destinations.findByServer(server.replace(/\/$/, ''));
  return known ?? { name, server };
}

/** Its project with what that inherits; or why it is not known what is permitted. */
function projectFor(application: Application, deps: DescribeDeps): { project?: AppProject; problem?: Problem } {
  const own = findProject(deps.specs, application);
  if (!own) return { problem: unknownProject(application) };
  const { project, problem } = deps.globals.inherit(own);
  if (!problem) return { project };
  const message = `application ${idOf(application)}: ${problem.message}`;
  return { project, problem: { code: 'NotPermitted', message } };
}

/** Argo CD: projects count in the control namespace only; elsewhere whoever writes Applications could permit himself all. */
export function findProject(specs: Pick<SpecStore, 'find'>, application: Application): AppProject | undefined {
  return findProjectNamed(specs, application.spec.project);
}

export function findProjectNamed(specs: Pick<SpecStore, 'find'>, name: string): AppProject | undefined {
  const stored = specs.find('AppProject', controlNamespace, name);
  return (stored?.resource as AppProject | undefined) ?? (name === 'default' ? defaultProject : undefined);
}

function unknownProject(application: Application): Problem {
  return {
    code: 'NotPermitted',
    message: `application ${idOf(application)} refers to project ${application.spec.project}, which does not exist: create an AppProject of that name in namespace ${controlNamespace}, or use project default`,
  };
}

function notPermitted(application: Application, project: AppProject, destinations: Destinations): Problem | undefined {
  const reason =
    whyNamespaceNotPermitted(project, namespaceOf(application), controlNamespace) ??
    whyNotPermitted({ project, application, clusters: judgedBy(application, project, destinations) });
  return reason ? { code: 'NotPermitted', message: reason.message } : undefined;
}

/** All clusters only where the project asks which are scoped to it: asked for each Application, all are many. */
function judgedBy({ spec }: Application, project: AppProject, destinations: Destinations): Destination[] {
  if (project.spec.permitOnlyProjectScopedClusters) return destinations.list();
  const { name = '', server = '' } = spec.destination;
  const named = server ? destinations.findByServer(server.replace(/\/$/, '')) : destinations.findByName(name);
  return named ? [named] : [];
}
