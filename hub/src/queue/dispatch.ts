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
import type { Additions } from '../store/additions.ts';
import type { Derived, DerivedChange } from '../store/derived.ts';
import { namespaceOf, nameOf, type SpecChange, type SpecStore } from '../store/specs.ts';
import type { Stage, Trigger, WorkQueue } from './queue.ts';

export interface DispatchDeps {
  logger: Logger;
  queue: Pick<WorkQueue, 'enqueue'>;
  specs: Pick<SpecStore, 'list' | 'onChange'>;
  derived: Pick<Derived, 'onChange' | 'revision' | 'render' | 'evaluations' | 'evaluation'>;
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
  source(url: string, traceparent?: string): Promise<void>;
  generate(namespace: string, name: string): Promise<void>;
  assign(cluster: string): Promise<void>;
}

/** A short wait lets the renders of one commit arrive in one document. */
const assignDelayMs = 20;

export function createDispatch(deps: DispatchDeps): Dispatch {
  const enqueue = async (stage: Stage, triggers: readonly Trigger[]) => {
    if (triggers.length === 0) return;
    try {
      await deps.queue.enqueue(stage, triggers, stage === 'assign' ? { delayMs: assignDelayMs } : {});
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
      await enqueue('render', missingRenders([...deps.applications.list()], deps));
      await enqueue('assign', [
        { key: hubCluster },
        ...Array.from({ length: shardCount }, (_, index) => ({ key: formatShard(index) })),
      ]);
    },
    source: async (url, traceparent) => await enqueue('source', [{ key: repositoryKey(url), traceparent }]),
    generate: async (namespace, name) => await enqueue('generate', [{ key: applicationSetKey(namespace, name) }]),
    assign: async (cluster) => await enqueue('assign', shardsOf([cluster])),
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

type Send = (stage: Stage, triggers: readonly Trigger[]) => void;

function onSpec({ kind, before, after }: SpecChange, deps: DispatchDeps, send: Send): void {
  const resource = (after ?? before)?.resource;
  if (!resource) return;
  if (kind === 'ApplicationSet' && after) {
    send('generate', [{ key: keyOf(resource) }]);
    for (const url of repositoriesOf(resource as ApplicationSet)) send('source', [{ key: repositoryKey(url) }]);
  } else if (kind === 'Application' || kind === 'ApplicationSet' || kind === 'AppProject')
    send('assign', [{ key: hubCluster }]);
  else if (kind === 'Secret')
    send(
      'source',
      [...deps.repositories()].map((url) => ({ key: repositoryKey(url) })),
    );
}

function onDerived(change: DerivedChange, deps: DispatchDeps, send: Send): void {
  const { traceparent } = change.after ?? {};
  if (change.type === 'revision' && change.after) {
    const { repoURL, targetRevision } = change.after;
    send(
      'generate',
      readersOf(repoURL, targetRevision, deps).map((key) => ({ key, traceparent })),
    );
    if (deps.applications.requestsOf(repoURL, targetRevision).length > 0)
      send('render', [{ key: surveyKey(change.after), traceparent }]);
  } else if (change.type === 'render' && change.after) {
    const apps = deps.applications.byRequest(change.after.requestKey);
    send(
      'assign',
      shardsOf(
        apps.flatMap((app) => app.cluster ?? []),
        traceparent,
      ),
    );
  } else if (change.type === 'evaluation' && change.after && !sameReads(change)) {
    send(
      'source',
      change.after.reads.repositories
        .filter(({ repoURL, revision }) => !deps.derived.revision(repoURL, revision))
        .map(({ repoURL }) => ({ key: repositoryKey(repoURL) })),
    );
  }
}

function onApplications(changes: ApplicationChange[], deps: DispatchDeps, send: Send): void {
  const apps = changes.flatMap(({ after }) => after ?? []);
  const unresolved = new Set(
    apps
      .flatMap((app) => sourceOf(app) ?? [])
      .filter(({ repoURL, targetRevision }) => !deps.derived.revision(repoURL, targetRevision))
      .map(({ repoURL }) => repoURL),
  );
  send(
    'source',
    [...unresolved].map((url) => ({ key: repositoryKey(url) })),
  );
  send('render', missingRenders(apps, deps));
  send(
    'assign',
    shardsOf(changes.flatMap(({ before, after }) => [before?.cluster ?? [], after?.cluster ?? []].flat())),
  );
}

/** Render requests that have a commit but no outcome yet. */
function missingRenders(apps: readonly IndexedApplication[], deps: DispatchDeps): Trigger[] {
  const due = new Map<string, Trigger>();
  for (const app of apps) {
    const source = sourceOf(app);
    const revision = source && deps.derived.revision(source.repoURL, source.targetRevision);
    if (app.request && revision?.sha && !deps.derived.render(app.request.key))
      due.set(app.request.key, { key: app.request.key, traceparent: traceOf(app, deps) ?? revision.traceparent });
  }
  return [...due.values()];
}

/** A generated Application that is new belongs to the trace of the evaluation that made it (span `appset.generate`). */
function traceOf(app: IndexedApplication, deps: DispatchDeps): string | undefined {
  if (app.origin.type !== 'generated') return undefined;
  const [namespace = '', name = ''] = app.origin.applicationSet.split('/');
  return deps.derived.evaluation(namespace, name)?.traceparent;
}

function sourceOf(app: IndexedApplication): { repoURL: string; targetRevision: string } | undefined {
  const source = app.application.spec.source ?? app.application.spec.sources?.[0];
  return source && app.request ? { repoURL: source.repoURL, targetRevision: source.targetRevision ?? '' } : undefined;
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

interface GitGenerator {
  repoURL: string;
  revision?: string | undefined;
}

/** Every git generator of a set, at whatever depth. */
export function gitGenerators(generators: readonly unknown[]): GitGenerator[] {
  return generators.flatMap((generator) => {
    const { git, matrix, merge } = generator as {
      git?: GitGenerator;
      matrix?: { generators: unknown[] };
      merge?: { generators: unknown[] };
    };
    return [
      ...(git?.repoURL ? [git] : []),
      ...gitGenerators(matrix?.generators ?? []),
      ...gitGenerators(merge?.generators ?? []),
    ];
  });
}

function keyOf(resource: KubeObject): string {
  return applicationSetKey(namespaceOf(resource), nameOf(resource));
}

function sameReads(change: Extract<DerivedChange, { type: 'evaluation' }>): boolean {
  return JSON.stringify(change.before?.reads) === JSON.stringify(change.after?.reads);
}
