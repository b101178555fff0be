/**
 * What each change makes due. Every replica enqueues what its own copy of the state shows to have changed, so whichever
 * replica works on a key last has seen the newest; a job that was lost is found again by the sweep.
 */
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { ApplicationChange, Applications, IndexedApplication } from '../assign/applications.ts';
import { inCluster } from '../assign/destination.ts';
import { hubCluster } from '../assign/hub-cluster.ts';
import { formatShard, shardCount, shardOf } from '../assign/shard.ts';
import type { LabelsChange } from '../fleet/fleet.ts';
import { applicationSetKey, everySet } from '../generate/generate-stage.ts';
import { mayConcern } from '../generate/layers.ts';
import { branchesDueAgain } from '../hydrate/again.ts';
import { renderedParts } from '../hydrate/describe-hydration.ts';
import { allBranches, branchesChanged, hydrateTriggers, partChanges, repositoriesAsked } from '../hydrate/due.ts';
import type { HydrationStore } from '../hydrate/hydration-store.ts';
import { surveyKey } from '../render/render-stage.ts';
import { locationOf, locationText, type SourceLocation } from '../source/location.ts';
import { requestsReading } from '../source/readers.ts';
import { repositoryKey } from '../source/source-stage.ts';
import { gitGenerators, isWanted, locationOfRead, locationsRead } from '../source/wanted.ts';
import type { AdditionChange, Additions, Withdrawal } from '../store/additions.ts';
import type { Derived, DerivedChange, ResolvedRevision } from '../store/derived.ts';
import { nameOf, namespaceOf, type SpecChange, type SpecStore } from '../store/specs.ts';
import type { Stage, Trigger, WorkQueue } from './queue.ts';
import { requeueOf } from './requeue.ts';

export interface DispatchDeps {
  logger: Logger;
  queue: Pick<WorkQueue, 'enqueue'>;
  specs: Pick<SpecStore, 'find' | 'list' | 'onChange'>;
  derived: Pick<Derived, 'onChange' | 'revision' | 'revisions' | 'render' | 'readersOf' | 'evaluations' | 'evaluation'>;
  applications: Applications;
  hydrations: Pick<HydrationStore, 'list' | 'branchKeys'>;
  additions: Pick<Additions, 'onChange' | 'allWithdrawals'>;
  clusters: {
    onChange(listener: (change: LabelsChange) => void): Disposable;
  };
  plans: {
    /** Ids of plans that are not over, and keys of failover rules. */
    due(): string[];
    onChange(listener: (id: string) => void): Disposable;
  };
  /** Every repository that something reads. */
  repositories(): Iterable<string>;
  /** Every rollout there is. */
  rollouts(): Iterable<string>;
  /** Called when something could not be enqueued: the next sweep must find it. */
  onLost(): void;
  now(): Date;
}

export interface Dispatch extends Disposable {
  /** Makes everything due. */
  sweep(): Promise<void>;
  /** Looks at every repository. */
  sources(): Promise<void>;
  source(url: string, traceparent?: string): Promise<void>;
  generate(namespace: string, name: string): Promise<void>;
  /** What wants to be looked at by itself: what to do, and how often. */
  requeues(): { name: string; intervalMs: number; run(): Promise<void> }[];
  /** Looks at every plan that is not over. */
  plans(): Promise<void>;
  assign(...clusters: string[]): Promise<void>;
  rollouts(keys: readonly string[]): Promise<void>;
  hydrate(branchKey: string): Promise<void>;
}

export function createDispatch(deps: DispatchDeps): Dispatch {
  const enqueue = async (stage: Stage, triggers: readonly Trigger[]) => {
    if (triggers.length === 0) return;
    try {
      await deps.queue.enqueue(stage, triggers);
    } catch (error) {
      deps.logger.warn({ stage, count: triggers.length, err: error }, 'not enqueued');
      deps.onLost();
    }
  };
  const send = (stage: Stage, triggers: readonly Trigger[]) => void enqueue(stage, triggers);

  const subscriptions = [
    deps.specs.onChange((change) => onSpec(change, deps, send)),
    deps.derived.onChange((change) => onDerived(change, deps, send)),
    deps.applications.onChange((changes) => onApplications(changes, deps, send)),
    deps.additions.onChange((change) => onAddition(change, deps, send)),
    deps.plans.onChange((id) => {
      if (deps.plans.due().includes(id)) send('failover', [{ key: id }]);
    }),
    deps.clusters.onChange((change) => {
      send('generate', setsRelabelled(change, deps));
      send('assign', shardsOf([change.name]));
    }),
  ];

  return {
    sweep: async () => {
      await enqueue(
        'source',
        [...deps.repositories()].map((url) => ({ key: repositoryKey(url) })),
      );
      await enqueue('generate', everySet(deps));
      const parts = [...deps.applications.list()].flatMap(renderedParts);
      await enqueue('render', [...missingRenders(parts, deps), ...surveys(deps)]);
      await enqueue('hydrate', allBranches(deps.applications.list(), deps.hydrations.branchKeys()));
      await enqueue('assign', [
        { key: hubCluster },
        ...Array.from({ length: shardCount }, (_, index) => ({ key: formatShard(index) })),
      ]);
      await enqueue('rollout', rolloutTriggers(deps.rollouts()));
    },
    sources: async () => await enqueue('source', sourceTriggers(deps.repositories())),
    source: async (url, traceparent) => await enqueue('source', [{ key: repositoryKey(url), traceparent }]),
    generate: async (namespace, name) => await enqueue('generate', [{ key: applicationSetKey(namespace, name) }]),
    requeues: () => [...requeues(deps, enqueue), ...branchesDueAgain(deps, enqueue)],
    plans: async () =>
      await enqueue(
        'failover',
        deps.plans.due().map((key) => ({ key })),
      ),
    assign: async (...clusters) => await enqueue('assign', shardsOf(clusters)),
    rollouts: async (keys) => await enqueue('rollout', rolloutTriggers(keys)),
    hydrate: async (key) => await enqueue('hydrate', [{ key }]),
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

function rolloutTriggers(keys: Iterable<string>): Trigger[] {
  return [...keys].map((key) => ({ key }));
}

type Enqueue = (stage: Stage, triggers: readonly Trigger[]) => Promise<void>;

function requeues(deps: DispatchDeps, enqueue: Enqueue): ReturnType<Dispatch['requeues']> {
  return deps.specs.list('ApplicationSet').flatMap(({ resource }) => {
    const { evaluateMs, repositories } = requeueOf(resource as ApplicationSet);
    const key = keyOf(resource);
    return [
      ...(evaluateMs === undefined
        ? []
        : [{ name: key, intervalMs: evaluateMs, run: async () => await enqueue('generate', [{ key }]) }]),
      ...[...repositories].map(([url, intervalMs]) => ({
        name: repositoryKey(url),
        intervalMs,
        run: async () => await enqueue('source', [{ key: repositoryKey(url) }]),
      })),
    ];
  });
}

/** Kinds that a parent Application may own on the hub. */
const hubKinds = ['Application', 'ApplicationSet', 'AppProject', 'FleetRollout'];

type Send = (stage: Stage, triggers: readonly Trigger[]) => void;

/** Clusters that Applications of a project are leaving: as whom they are deleted is up to the project. */
function clustersLeft({ metadata }: KubeObject, { additions }: DispatchDeps): string[] {
  const left = [...additions.allWithdrawals()].filter(({ application }) => application.spec.project === metadata.name);
  return [...new Set(left.map(({ cluster }) => cluster))];
}

function onSpec({ kind, before, after }: SpecChange, deps: DispatchDeps, send: Send): void {
  const setting = (after ?? before)?.resource;
  if (!setting) return;
  send('generate', readersOfSetting(setting, deps));
  onSetting(kind, deps, send);
  if (kind === 'ApplicationSet' && after) {
    send('generate', [{ key: keyOf(after.resource) }]);
    send('source', sourceTriggers(repositoriesOf(after.resource as ApplicationSet)));
  }
  if (kind === 'AppProject') send('assign', shardsOf(clustersLeft(setting, deps)));
  if (hubKinds.includes(kind)) send('assign', [{ key: hubCluster }]);
}

/** Logins and certificates are in both; argocd-cm also changes what renders give. */
function onSetting(kind: string, deps: DispatchDeps, send: Send): void {
  if (kind === 'Secret' || kind === 'ConfigMap') {
    send('source', sourceTriggers(deps.repositories()));
    send('hydrate', allBranches(deps.applications.list(), []));
  }
  if (kind === 'ConfigMap') send('render', surveys(deps));
}

function sourceTriggers(urls: Iterable<string>): Trigger[] {
  return [...urls].map((url) => ({ key: repositoryKey(url) }));
}

function onDerived(change: DerivedChange, deps: DispatchDeps, send: Send): void {
  if (change.type === 'revision' && change.after) onRevision(change.after, deps, send);
  if (!change.after) onForgotten(change, deps, send);
  if (change.type === 'render' && change.after) {
    const apps = deps.applications.byRequest(change.after.requestKey);
    send(
      'assign',
      shardsOf(
        apps.flatMap((app) => app.cluster ?? []),
        change.after.traceparent,
      ),
    );
    send('hydrate', hydrateTriggers(apps, change.after.traceparent));
  }
  if (change.type === 'evaluation' && change.after) {
    const { repositories } = change.after.reads;
    const unresolved = repositories.filter((read) => !deps.derived.revision(locationOfRead(read)));
    send('source', sourceTriggers(new Set(unresolved.map(({ repoURL }) => repoURL))));
  }
}

/** What was forgotten just when somebody came back to it is found again. */
function onForgotten(change: DerivedChange, deps: DispatchDeps, send: Send): void {
  if (change.type === 'revision' && change.before && isWanted(change.before, deps))
    send('source', sourceTriggers([change.before.repoURL]));
  if (change.type === 'render' && change.before)
    send('render', missingRenders(deps.applications.byRequest(change.before.requestKey), deps));
}

function onRevision(resolved: ResolvedRevision, deps: DispatchDeps, send: Send): void {
  const { repoURL, targetRevision, traceparent } = resolved;
  send(
    'generate',
    readersOf(repoURL, targetRevision, deps).map((key) => ({ key, traceparent })),
  );
  if (isRead(resolved, deps)) send('render', [{ key: surveyKey(resolved), traceparent }]);
  send('hydrate', hydrateTriggers(deps.applications.bySource(resolved), traceparent));
}

/** Whether a survey of it can find anything. */
function isRead(location: SourceLocation, deps: DispatchDeps): boolean {
  return deps.applications.bySource(location).length > 0 || requestsReading(location, deps).length > 0;
}

function onApplications(changes: ApplicationChange[], deps: DispatchDeps, send: Send): void {
  const unknown = changes.flatMap((change) => sourceToLookAt(change, deps));
  send('source', sourceTriggers(new Set([...unknown, ...repositoriesAsked(changes)])));
  send('render', rendersToCheck(partChanges(changes), deps));
  send('hydrate', branchesChanged(changes));
  send('generate', setsThatLost(changes));
  send(
    'assign',
    shardsOf(changes.flatMap(({ before, after }) => [before?.cluster ?? [], after?.cluster ?? []].flat())),
  );
}

function onAddition({ cluster, app, before }: AdditionChange, deps: DispatchDeps, send: Send): void {
  send('generate', setsThatWait(before, deps));
  const target = cluster ?? deps.applications.find(app)?.cluster;
  if (target !== undefined) send('assign', shardsOf([target]));
}

/** The set that is deleted step by step, and that may have waited for the end of this withdrawal. */
function setsThatWait(withdrawal: Withdrawal | undefined, { specs }: DispatchDeps): Trigger[] {
  const [namespace, name] = withdrawal?.applicationSet?.split('/') ?? [];
  if (namespace === undefined || name === undefined) return [];
  return specs.find('ApplicationSet', namespace, name)?.deleting ? [{ key: applicationSetKey(namespace, name) }] : [];
}

/** A set whose Application became another's has to say so. */
function setsThatLost(changes: readonly ApplicationChange[]): Trigger[] {
  const sets = changes.flatMap(({ before, after }) => {
    const [was, is] = [before, after].map((app) => app && formatOrigin(app.origin));
    return before?.origin.type === 'generated' && is !== undefined && is !== was ? before.origin.applicationSet : [];
  });
  return [...new Set(sets)].map((set) => {
    const [namespace = '', name = ''] = set.split('/');
    return { key: applicationSetKey(namespace, name) };
  });
}

function formatOrigin(origin: IndexedApplication['origin']): string {
  return origin.type === 'generated' ? origin.applicationSet : origin.type;
}

/** The repositories of sources that are new to an Application, or of which no commit is known. */
function sourceToLookAt({ before, after }: ApplicationChange, deps: DispatchDeps): string[] {
  const known = new Set(locationsRead(before).map(locationText));
  return locationsRead(after)
    .filter((location) => !known.has(locationText(location)) || !deps.derived.revision(location))
    .map(({ repoURL }) => repoURL);
}

/** What was never rendered, and what an Application newly asks for: nobody looked whether its last outcome still holds. */
function rendersToCheck(changes: readonly ApplicationChange[], deps: DispatchDeps): Trigger[] {
  const due = new Map<string, Trigger>();
  for (const { before, after } of changes)
    if (after?.request && after.request.key !== before?.request?.key)
      due.set(after.request.key, { key: after.request.key });
  for (const trigger of missingRenders(
    changes.flatMap(({ after }) => after ?? []),
    deps,
  ))
    due.set(trigger.key, trigger);
  return [...due.values()];
}

/** Work for Applications that have a commit but no outcome yet, or one that was not permitted, or whose kind of source is not known. */
function missingRenders(apps: readonly IndexedApplication[], deps: DispatchDeps): Trigger[] {
  const due = new Map<string, Trigger>();
  for (const app of apps) {
    if (app.problem) continue;
    const known = app.sources.flatMap((source) => deps.derived.revision(locationOf(source)) ?? []);
    const resolved = known.filter(({ sha }) => sha !== undefined);
    const traceparent = traceOf(app, deps) ?? resolved.find((revision) => revision.traceparent)?.traceparent;
    for (const key of keysMissing(app, resolved, deps)) due.set(key, { key, traceparent });
  }
  return [...due.values()];
}

/** What lies at the paths can be looked up one source after the other; a render needs the commits of all. */
function keysMissing(app: IndexedApplication, resolved: ResolvedRevision[], { derived }: DispatchDeps): string[] {
  if (!app.request) return resolved.map(surveyKey);
  if (resolved.length < app.sources.length) return [];
  const outcome = derived.render(app.request.key);
  // what a project did not permit to read may be permitted now
  return outcome && outcome.problem?.code !== 'NotPermitted' ? [] : [app.request.key];
}

/** A look at every commit that is known: what it touches may have gone unnoticed when jobs were lost. */
function surveys(deps: DispatchDeps): Trigger[] {
  return deps.derived
    .revisions()
    .filter((one) => one.sha !== undefined && isRead(one, deps))
    .map((one) => ({ key: surveyKey(one), traceparent: one.traceparent }));
}

/** A generated Application that is new belongs to the trace of the evaluation that made it (span `appset.generate`). */
function traceOf(app: IndexedApplication, deps: DispatchDeps): string | undefined {
  if (app.origin.type !== 'generated') return undefined;
  const [namespace = '', name = ''] = app.origin.applicationSet.split('/');
  return deps.derived.evaluation(namespace, name)?.traceparent;
}

function shardsOf(clusters: readonly string[], traceparent?: string): Trigger[] {
  const keys = new Set(clusters.map(shardOf));
  if (clusters.includes(inCluster.name)) keys.add(hubCluster);
  return [...keys].map((key) => ({ key, traceparent }));
}

function readersOf(repoURL: string, revision: string, deps: DispatchDeps): string[] {
  const evaluated = deps.derived
    .evaluations()
    .filter((one) => one.reads.repositories.some((read) => read.repoURL === repoURL && read.revision === revision));
  const named = deps.specs
    .list('ApplicationSet')
    .filter((spec) => repositoriesOf(spec.resource as ApplicationSet).includes(repoURL));
  return [
    ...new Set([
      ...evaluated.map((one) => applicationSetKey(one.namespace, one.name)),
      ...named.map((spec) => keyOf(spec.resource)),
    ]),
  ];
}

/** Sets that read this ConfigMap, Secret or decision when they were evaluated last. */
function readersOfSetting(setting: KubeObject, deps: DispatchDeps): Trigger[] {
  const namespace = namespaceOf(setting);
  const names = [
    `${setting.kind}/${namespace}/${nameOf(setting)}`,
    `${setting.kind}/${namespace}/*`,
    `*/${namespace}/*`,
  ];
  return deps.derived
    .evaluations()
    .filter(({ reads }) => reads.settings?.some((read) => names.includes(read)))
    .map((one) => ({ key: applicationSetKey(one.namespace, one.name) }));
}

/** Sets that read clusters, or of these only such as may have an Application that sees other labels. */
function setsRelabelled({ labelsChanged, appsRelabelled = [] }: LabelsChange, deps: DispatchDeps): Trigger[] {
  if (labelsChanged) return readersOfClusters(deps, () => true);
  if (appsRelabelled.length === 0) return [];
  return readersOfClusters(deps, (set) => appsRelabelled.some((apps) => mayConcern(set, apps)));
}

function readersOfClusters(deps: DispatchDeps, isConcerned: (set: ApplicationSet) => boolean): Trigger[] {
  return deps.specs
    .list('ApplicationSet')
    .filter((spec) => isConcerned(spec.resource as ApplicationSet))
    .filter(
      (spec) => deps.derived.evaluation(namespaceOf(spec.resource), nameOf(spec.resource))?.reads.clusters !== false,
    )
    .map((spec) => ({ key: keyOf(spec.resource) }));
}

/** Repositories that an ApplicationSet's generators name literally. */
export function repositoriesOf(applicationSet: ApplicationSet): string[] {
  return [...new Set(gitGenerators(applicationSet.spec.generators).map((git) => git.repoURL))];
}

function keyOf(resource: KubeObject): string {
  return applicationSetKey(namespaceOf(resource), nameOf(resource));
}
