/** Wires the stages to the queue: what each reads, what it writes, and how many run at a time. */
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { type Applications, findProjectNamed, type IndexedApplication, idOf } from './assign/applications.ts';
import { createAssignStage } from './assign/assign-stage.ts';
import type { Changes } from './assign/change.ts';
import { type Destinations, findDestination, inCluster } from './assign/destination.ts';
import { hubCluster, runHubCluster } from './assign/hub-cluster.ts';
import { type Resolution, resolve } from './assign/resolve.ts';
import type { Retentions } from './failover/retention.ts';
import type { Clusters } from './fleet/clusters.ts';
import { runGenerate } from './generate/generate-stage.ts';
import { createMemos } from './generate/memo.ts';
import type { OpenOutside } from './generate/outside.ts';
import type { Branches } from './hydrate/branches.ts';
import { type HydrateDeps, runHydrate } from './hydrate/hydrate-stage.ts';
import { readHydratorSettings } from './hydrate/hydrator-settings.ts';
import type { Metrics } from './metrics.ts';
import type { Dispatch } from './queue/dispatch.ts';
import type { WorkQueue } from './queue/queue.ts';
import { forgetLostBundle } from './render/lost-bundles.ts';
import type { Renderer } from './render/render.ts';
import { runRender } from './render/render-stage.ts';
import type { Gate } from './rollout/gate.ts';
import { runRollout } from './rollout/rollout-stage.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import type { SourceLocation } from './source/location.ts';
import { versionOfWriter } from './source/repositories.ts';
import type { Snapshot } from './source/source.ts';
import { refresh, runSource } from './source/source-stage.ts';
import type { Sources } from './source/sources.ts';
import { wantedRevisions } from './source/wanted.ts';
import type { Statuses } from './status/statuses.ts';
import type { Stores } from './store/open-stores.ts';
import { nameOf, namespaceOf } from './store/specs.ts';

export interface PipelineDeps {
  logger: Logger;
  stores: Stores;
  queue: WorkQueue;
  sources: Sources;
  /** Where rendered manifests are written to. */
  branches: Branches;
  renderer: Renderer;
  applications: Applications;
  clusters: Clusters;
  destinations: Destinations;
  retentions: Retentions;
  statuses: Statuses;
  changes: Changes;
  metrics: Metrics;
  resolve(app: IndexedApplication): Resolution;
  rollouts: Rollouts;
  gate: Gate;
  reportHub(status: AppStatus): Promise<void>;
  /** Code hosts and settings for generators. */
  outside(applicationSet: ApplicationSet, signal: AbortSignal): OpenOutside;
  newGitFileGlobbing: boolean;
  /** Remembers which assigned Applications nothing explains. */
  setUnexplained(cluster: string, apps: readonly AssignedApp[]): Promise<void>;
  signingKeyId: string;
  now(): Date;
}

/** Assignment jobs mostly wait for what else arrives for their shard, and jobs of plans for hooks. */
const concurrency = {
  source: 8,
  generate: 2,
  render: 32,
  hydrate: 4,
  assign: 64,
  failover: 16,
  rollout: 4,
  sweep: 1,
} as const;

export interface Plans {
  run(plan: string, signal: AbortSignal): Promise<void>;
}

export function startPipeline(deps: PipelineDeps, dispatch: Dispatch, plans: Plans): void {
  const { queue, stores, logger, metrics } = deps;
  const sources = sourceDeps(deps);
  queue.work('source', async (trigger, signal) => await runSource(trigger, sources, signal), concurrency.source);
  const generating = createGenerateDeps(deps);
  queue.work(
    'generate',
    async (trigger, signal) => await runGenerate(trigger, generating, signal),
    concurrency.generate,
  );
  const resolveLocation = async (location: SourceLocation, signal: AbortSignal) =>
    void (await refresh({ location }, sources, signal));
  const rendering = {
    logger,
    queue,
    renderer: deps.renderer,
    applications: deps.applications,
    derived: stores.derived,
    blobs: stores.blobs,
    open: sources.sources.open,
    verify: sources.sources.verify,
    resolve: resolveLocation,
    audit: stores.audit.append,
    observe: metrics.rendered,
  };
  queue.work('render', async (trigger, signal) => await runRender(trigger, rendering, signal), concurrency.render);
  const hydrating = hydrateDeps(deps, {
    open: sources.sources.open,
    resolve: resolveLocation,
    render: async (trigger, stop) => await runRender(trigger, rendering, stop),
  });
  deps.branches.tidy().catch((error: unknown) => logger.warn({ err: error }, 'copies of branches not removed'));
  queue.work('hydrate', async (trigger, signal) => await runHydrate(trigger, hydrating, signal), concurrency.hydrate);
  const assigning = assignStage(deps);
  const onHub = {
    logger,
    applications: deps.applications,
    specs: stores.specs,
    changes: deps.changes,
    additions: stores.additions,
    resolve: deps.resolve,
    blobs: stores.blobs,
    lastStatus: (app: string) => deps.statuses.find(hubCluster, app)?.status,
    report: deps.reportHub,
    awaitsSpoke: (app: string) =>
      deps.clusters.enrolled().some(({ name }) => name === inCluster.name) &&
      !deps.statuses.find(inCluster.name, app)?.status.removed,
    now: deps.now,
  };
  queue.work(
    'assign',
    async ({ key }, signal) => await (key === hubCluster ? runHubCluster(onHub) : assigning.run(key, signal)),
    concurrency.assign,
  );
  queue.work('failover', async ({ key }, signal) => await plans.run(key, signal), concurrency.failover);
  const rolling = { ...rolloutDeps(deps, dispatch), open: sources.sources.open, resolveLocation };
  queue.work('rollout', async (trigger, signal) => await runRollout(trigger, rolling, signal), concurrency.rollout);
  queue.work('sweep', async () => await dispatch.sweep(), concurrency.sweep);
}

function hydrateDeps(
  { stores, ...deps }: PipelineDeps,
  through: Pick<HydrateDeps, 'open' | 'resolve' | 'render'>,
): HydrateDeps {
  return {
    ...deps,
    ...through,
    derived: stores.derived,
    hydrations: stores.hydrations,
    bundle: async (digest) => await getBundle(digest, { ...deps, stores }),
    settings: () => readHydratorSettings(stores.specs.find('ConfigMap', controlNamespace, 'argocd-cm')),
    versionOfWriter: (url, projects) =>
      versionOfWriter(url, projects, {
        secrets: stores.specs.list('Secret'),
        configMaps: stores.specs.list('ConfigMap'),
      }),
    audit: stores.audit.append,
    observe: deps.metrics.hydrated,
  };
}

function rolloutDeps({ stores, ...deps }: PipelineDeps, dispatch: Dispatch) {
  return {
    ...deps,
    dispatch,
    store: stores.rollouts,
    specs: stores.specs,
    derived: stores.derived,
    documents: stores.documents,
    operations: stores.additions.operations,
    addOperation: stores.additions.addOperation,
    audit: stores.audit.append,
    stillValid: deps.renderer.stillValid,
  };
}

function assignStage(deps: PipelineDeps) {
  const { documents, additions, derived } = deps.stores;
  return createAssignStage({
    logger: deps.logger,
    applications: deps.applications,
    additions,
    derived,
    retains: (app, cluster) => deps.retentions.find(app, cluster)?.state === 'retained',
    blobs: { get: async (digest) => await getBundle(digest, deps) },
    resolve: (app) => deps.gate.pass(app, deps.resolve(app)),
    leaving: (cluster) => deps.clusters.find(cluster)?.leaving,
    saysAccounts: () => deps.stores.specs.find('ConfigMap', controlNamespace, 'argocd-cm') !== undefined,
    now: deps.now,
    documents: {
      find: documents.find,
      head: documents.head,
      publish: async (draft, expectedSeq) => {
        const document = { ...draft, kid: deps.signingKeyId };
        return { document, seq: await documents.publish(document, expectedSeq) };
      },
    },
    clusters: {
      names: () => deps.clusters.assignable().map((cluster) => cluster.name),
      reportedGeneration: (cluster) => deps.clusters.find(cluster)?.appliedGeneration ?? 0,
      readsDocuments: (cluster) => deps.clusters.find(cluster)?.readsDocuments,
    },
    registration: (cluster) => deps.clusters.registration(cluster),
    onUnexplained: deps.setUnexplained,
    onPublished: (_cluster, { document }) => deps.metrics.published(document.apps.length),
  });
}

/** A bundle that is not there is rendered again, and the job tried again after that. */
async function getBundle(digest: string, { stores, logger }: PipelineDeps): Promise<Uint8Array> {
  try {
    return await stores.blobs.get(digest);
  } catch (error) {
    if (isFleetError(error, 'NotFound')) await forgetLostBundle({ ...stores, logger }, digest);
    throw error;
  }
}

function sourceDeps(deps: PipelineDeps) {
  return {
    logger: deps.logger,
    sources: deps.sources,
    derived: deps.stores.derived,
    wanted: () => wantedRevisions({ applications: deps.applications, ...deps.stores }),
    observe: deps.metrics.fetched,
  };
}

/** What an evaluation reads and writes. */
export function createGenerateDeps(deps: PipelineDeps) {
  const { stores, changes } = deps;
  const sources = sourceDeps(deps);
  return {
    logger: deps.logger,
    specs: stores.specs,
    derived: stores.derived,
    clusters: () => deps.clusters.registered(),
    outside: deps.outside,
    memos: createMemos(),
    newGitFileGlobbing: deps.newGitFileGlobbing,
    snapshot: async (repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot> => {
      const location = { repoURL, targetRevision: revision };
      if (!stores.derived.revision(location)?.sha) await refresh({ location }, sources, signal);
      const sha = stores.derived.revision(location)?.sha ?? (await sources.sources.fetch(location, signal)).sha;
      return await sources.sources.open(location, { sha }, signal);
    },
    verify: sources.sources.verify,
    withdraw: async (applications: readonly Application[], reason: string, by: string) =>
      await changes.withdraw(applications, { reason, by }),
    restore: changes.restore,
    withdrawals: stores.additions.allWithdrawals,
    applications: deps.applications,
    changes,
    verdicts: stores.verdicts,
    project: (name: string) => findProjectNamed(stores.specs, name),
    ownerOf: (application: Application) => {
      const present = deps.applications.find(idOf(application));
      if (!present) return undefined;
      return present.origin.type === 'generated'
        ? present.origin.applicationSet
        : `a manifest (${namespaceOf(application)}/${nameOf(application)})`;
    },
    clusterOf: (application: Application) => findDestination(application, deps.destinations).cluster,
    planned: deps.retentions.find,
    now: deps.now,
  };
}

/** `resolve` with everything it reads. The answer is kept for as long as nothing that it was made of changes. */
export function createResolve({ derived }: Pick<Stores, 'derived'>): (app: IndexedApplication) => Resolution {
  const known = new WeakMap<IndexedApplication, { outcome: unknown; resolution: Resolution }>();
  return (app) => {
    const outcome = app.request && derived.render(app.request.key);
    const last = known.get(app);
    if (last && last.outcome === outcome) return last.resolution;
    const resolution = resolve(app, { derived, project: () => app.project });
    known.set(app, { outcome, resolution });
    return resolution;
  };
}
