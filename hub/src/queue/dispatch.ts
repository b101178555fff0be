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
import { applicationSetKey } from '../generate/generate-stage.ts';
import { surveyKey } from '../render/render-stage.ts';
import { repositoryKey } from '../source/source-stage.ts';
import { gitGenerators, isSameRevision, isWanted, revisionRead } from '../source/wanted.ts';
import type { Additions } from '../store/additions.ts';
import type { Derived, DerivedChange, ResolvedRevision } from '../store/derived.ts';
import { nameOf, namespaceOf, type SpecChange, type SpecStore } from '../store/specs.ts';
import type { Stage, Trigger, WorkQueue } from './queue.ts';
import { requeueOf } from './requeue.ts';

export interface DispatchDeps {
  logger: Logger;
  queue: Pick<WorkQueue, 'enqueue'>;
  specs: Pick<SpecStore, 'list' | 'onChange'>;
  derived: Pick<Derived, 'onChange' | 'revision' | 'revisions' | 'render' | 'evaluations' | 'evaluation'>;
  applications: Applications;
  additions: Pick<Additions, 'onChange'>;
  clusters: {
    onChange(listener: (change: { name: string; labelsChanged: boolean }) => void): Disposable;
  };
  /** Every repository that something reads. */
  repositories(): Iterable<string>;
  /** Called when something could not be enqueued: the next sweep must find it. */
  onLost(): void;
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
  assign(cluster: string): Promise<void>;
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
    deps.additions.onChange(({ cluster, app }) => {
      const target = cluster ?? deps.applications.find(app)?.cluster;
      if (target !== undefined) send('assign', shardsOf([target]));
    }),
    deps.clusters.onChange(({ name, labelsChanged }) => {
      if (labelsChanged) send('generate', readersOfClusters(deps));
      send('assign', shardsOf([name]));
    }),
  ];

  return {
    sweep: async () => {
      await enqueue(
        'source',
        [...deps.repositories()].map((url) => ({ key: repositoryKey(url) })),
      );
      await enqueue(
        'generate',
        deps.specs.list('ApplicationSet').map((spec) => ({ key: keyOf(spec.resource) })),
      );
      await enqueue('render', [...missingRenders([...deps.applications.list()], deps), ...surveys(deps)]);
      await enqueue('assign', [
        { key: hubCluster },
        ...Array.from({ length: shardCount }, (_, index) => ({ key: formatShard(index) })),
      ]);
    },
    sources: async () => await enqueue('source', sourceTriggers(deps.repositories())),
    source: async (url, traceparent) => await enqueue('source', [{ key: repositoryKey(url), traceparent }]),
    generate: async (namespace, name) => await enqueue('generate', [{ key: applicationSetKey(namespace, name) }]),
    requeues: () => requeues(deps, enqueue),
    assign: async (cluster) => await enqueue('assign', shardsOf([cluster])),
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
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
const hubKinds = ['Application', 'ApplicationSet', 'AppProject'];

type Send = (stage: Stage, triggers: readonly Trigger[]) => void;

function onSpec({ kind, before, after }: SpecChange, deps: DispatchDeps, send: Send): void {
  if (kind === 'Secret') send('source', sourceTriggers(deps.repositories()));
  const setting = (after ?? before)?.resource;
  if (setting) send('generate', readersOfSetting(setting, deps));
  if (kind === 'ApplicationSet' && after) {
    send('generate', [{ key: keyOf(after.resource) }]);
    send('source', sourceTriggers(repositoriesOf(after.resource as ApplicationSet)));
  }
  if (hubKinds.includes(kind) && (before ?? after)) send('assign', [{ key: hubCluster }]);
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
  }
  if (change.type === 'evaluation' && change.after) {
    const { repositories } = change.after.reads;
    const unresolved = repositories.filter(({ repoURL, revision }) => !deps.derived.revision(repoURL, revision));
    send('source', sourceTriggers(new Set(unresolved.map(({ repoURL }) => repoURL))));
  }
}

/** What was forgotten just when somebody came back to it is found again. */
function onForgotten(change: DerivedChange, deps: DispatchDeps, send: Send): void {
  if (change.type === 'revision' && change.before) {
    const { repoURL, targetRevision } = change.before;
    if (isWanted({ repoURL, revision: targetRevision }, deps)) send('source', sourceTriggers([repoURL]));
  }
  if (change.type === 'render' && change.before)
    send('render', missingRenders(deps.applications.byRequest(change.before.requestKey), deps));
}

function onRevision(resolved: ResolvedRevision, deps: DispatchDeps, send: Send): void {
  const { repoURL, targetRevision, traceparent } = resolved;
  send(
    'generate',
    readersOf(repoURL, targetRevision, deps).map((key) => ({ key, traceparent })),
  );
  if (deps.applications.bySource(repoURL, targetRevision).length > 0)
    send('render', [{ key: surveyKey(resolved), traceparent }]);
}

function onApplications(changes: ApplicationChange[], deps: DispatchDeps, send: Send): void {
  send('source', sourceTriggers(new Set(changes.flatMap((change) => sourceToLookAt(change, deps)))));
  send('render', rendersToCheck(changes, deps));
  send('generate', setsThatLost(changes));
  send(
    'assign',
    shardsOf(changes.flatMap(({ before, after }) => [before?.cluster ?? [], after?.cluster ?? []].flat())),
  );
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

/** The repository of a source that is new to an Application, or of which no commit is known. */
function sourceToLookAt({ before, after }: ApplicationChange, deps: DispatchDeps): string[] {
  const read = revisionRead(after);
  if (!read) return [];
  const { repoURL, revision } = read;
  return isSameRevision(read, revisionRead(before)) && deps.derived.revision(repoURL, revision) ? [] : [repoURL];
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

/** Work for Applications that have a commit but no outcome yet, or whose kind of source is not known. */
function missingRenders(apps: readonly IndexedApplication[], deps: DispatchDeps): Trigger[] {
  const due = new Map<string, Trigger>();
  for (const app of apps) {
    const revision = app.source && deps.derived.revision(app.source.repoURL, app.source.targetRevision);
    if (!revision?.sha || app.problem) continue;
    const key = app.request ? app.request.key : surveyKey(revision);
    if (!app.request || !deps.derived.render(key))
      due.set(key, { key, traceparent: traceOf(app, deps) ?? revision.traceparent });
  }
  return [...due.values()];
}

/** A look at every commit that is known: what it touches may have gone unnoticed when jobs were lost. */
function surveys({ derived, applications }: DispatchDeps): Trigger[] {
  return derived
    .revisions()
    .filter((one) => one.sha !== undefined && applications.bySource(one.repoURL, one.targetRevision).length > 0)
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

function readersOfClusters(deps: DispatchDeps): Trigger[] {
  return deps.specs
    .list('ApplicationSet')
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
