/**
 * What the API answers from: every Application with its newest status and its age. A copy in memory of specs,
 * evaluations and statuses; it decides nothing.
 */

import { randomBytes } from 'node:crypto';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { AppStatus, HealthStatus } from '@wheelhouse/shared/protocol/status';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import { hubCluster } from '../assign/hub-cluster.ts';
import type { Resolution } from '../assign/resolve.ts';
import type { Retention } from '../failover/retention.ts';
import type { Adoption } from '../fleet/adoption.ts';
import { renderedParts } from '../hydrate/describe-hydration.ts';
import { applicationsOf, type HydrationStore } from '../hydrate/hydration-store.ts';
import type { Gate } from '../rollout/gate.ts';
import { locationOf } from '../source/location.ts';
import type { Additions } from '../store/additions.ts';
import type { Derived, DerivedChange, Problem } from '../store/derived.ts';
import type { ApplicationFilter } from './application-filter.ts';
import { type ApplicationPage, listPage } from './list-page.ts';
import { type OrphansAgent, orphansOf, orphansWith } from './orphans.ts';
import type { Statuses } from './statuses.ts';
import { createTold, type Told, type ViewChange } from './told.ts';
import {
  type ApplicationView,
  formatAdoptedView,
  formatBrief,
  formatView,
  formatWithdrawnView,
  type ViewInput,
} from './view.ts';

export interface ReadModelDeps {
  applications: Applications;
  additions: Pick<Additions, 'allWithdrawals' | 'withdrawalOf' | 'onChange'>;
  derived: Pick<Derived, 'revision' | 'onChange'>;
  hydrations: Pick<HydrationStore, 'find' | 'onChange'>;
  statuses: Statuses;
  resolve(app: IndexedApplication): Resolution;
  gate: Pick<Gate, 'whyWaiting' | 'isRollingSync'>;
  lastSeen(cluster: string): number | undefined;
  /** The last one of the cluster. */
  heartbeat(cluster: string): OrphansAgent;
  /** The plan that moves an Application away from this cluster. */
  leaving(app: string, cluster: string): Retention | undefined;
  /** Whether the cluster is known by a Secret only: its agent has not enrolled. */
  isAnnounced(cluster: string): boolean;
  /** Applications that clusters run and that nothing explains. */
  adopted: Pick<Adoption, 'applications' | 'onChange'>;
  now(): Date;
}

export type { ViewChange } from './told.ts';

export interface ReadModel {
  /** Ordered by Application id. Views are made for the page only, unless the filter asks for health or sync. */
  list(filter: ApplicationFilter, page: { limit: number; continue?: string }): ApplicationPage;
  find(namespace: string, name: string): ApplicationView | undefined;
  /** Counts by sync and health, stale ones apart. */
  summary(): {
    total: number;
    stale: number;
    adopted: number;
    /** Orphaned resources, counted for each Application in whose namespace they are. */
    orphans: number;
    sync: Record<string, number>;
    health: Record<string, number>;
  };
  /** The same for one cluster, by what matters in a table. */
  clusterSummary(cluster: string): { total: number; synced: number; healthy: number; stale: number };
  onChange(listener: (change: ViewChange) => void): Disposable;
  /** Differs after every change, and from those of every other replica. */
  revision(): string;
}

/** Tells this process's revisions from those of other replicas. */
const instance = randomBytes(4).toString('hex');

export function createReadModel(deps: ReadModelDeps): ReadModel & Disposable {
  let sorted: string[] | undefined;
  let revision = 0;
  const view = (id: string): ApplicationView | undefined => {
    const indexed = deps.applications.find(id);
    return indexed ? viewOf(indexed, deps) : (withdrawnView(id, deps) ?? adoptedView(id, deps));
  };
  const brief = (id: string) => {
    const indexed = deps.applications.find(id);
    return indexed && formatBrief(viewInput(indexed, deps));
  };
  const ids = () => (sorted ??= idsOf(deps));
  const rowsChanged = () => {
    sorted = undefined;
    revision += 1;
  };
  const told = createTold({ ids, view });
  const changed = (apps: readonly string[]) => {
    revision += 1;
    for (const id of apps) told.tell(id);
  };
  const adopted = createAdoptedTeller(told, deps);

  const subscriptions = [
    deps.applications.onChange((changes) => {
      rowsChanged();
      for (const { before, after } of changes) {
        const { id } = after ?? before ?? {};
        if (id !== undefined) told.tell(id, () => before && viewOf(before, deps));
      }
    }),
    deps.additions.onChange(({ cluster, app, before }) => {
      // nothing of a withdrawal shows while its Application is asked for
      if (cluster === undefined || deps.applications.find(app)) return;
      rowsChanged();
      told.tell(app, () => before && formatWithdrawnView(before, seenOf(before.cluster, app, deps)));
    }),
    deps.adopted.onChange(() => {
      rowsChanged();
      if (told.isHeard()) adopted.tell();
    }),
    deps.derived.onChange((change) => changed(told.isHeard() ? renderedBy(change, deps) : [])),
    deps.hydrations.onChange(({ before, after }) => changed([...new Set([before, after].flatMap(applicationsOf))])),
    deps.statuses.onChange(({ status }) => changed([status.app])),
  ];

  return {
    list: (filter, page) => listPage(ids(), { filter, page, view, brief, find: deps.applications.find }),
    revision: () => `${instance}-${revision}`,
    find: (namespace, name) => view(applicationId(namespace, name)),
    summary: () => ({ ...summarize(deps.applications.list(), deps), adopted: deps.adopted.applications().size }),
    clusterSummary: (cluster) => summarizeCluster(cluster, deps),
    onChange: (listener) => {
      if (!told.isHeard()) adopted.begin();
      return told.onChange(listener);
    },
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

/** Ids of the Applications that a render is for. */
function renderedBy(change: DerivedChange, { applications }: Pick<ReadModelDeps, 'applications'>): string[] {
  if (change.type !== 'render' || !change.after) return [];
  return applications.byRequest(change.after.requestKey).map(({ id }) => id);
}

/** What clusters run without an explanation changes as a whole; only what came or went is told. */
function createAdoptedTeller(told: Told, deps: ReadModelDeps) {
  let known: ReturnType<Adoption['applications']> = new Map();
  return {
    begin: () => {
      known = deps.adopted.applications();
    },
    tell: () => {
      const before = known;
      known = deps.adopted.applications();
      for (const [id, was] of before)
        if (!known.has(id)) told.tell(id, () => formatAdoptedView(was, seenOf(was.cluster, id, deps)));
      for (const id of known.keys()) if (!before.has(id)) told.tell(id);
    },
  };
}

function idsOf(deps: ReadModelDeps): string[] {
  const withdrawn = [...deps.additions.allWithdrawals()].map((one) => one.app);
  const present = [...deps.applications.list()].map((app) => app.id);
  return [...new Set([...present, ...withdrawn, ...deps.adopted.applications().keys()])].sort();
}

/** An Application that nothing asks for any more, as long as its cluster has not confirmed. */
function withdrawnView(id: string, deps: ReadModelDeps): ApplicationView | undefined {
  const withdrawal = deps.additions.withdrawalOf(id);
  if (!withdrawal) return undefined;
  return formatWithdrawnView(withdrawal, seenOf(withdrawal.cluster, id, deps));
}

function adoptedView(id: string, deps: ReadModelDeps): ApplicationView | undefined {
  const adopted = deps.adopted.applications().get(id);
  return adopted && formatAdoptedView(adopted, seenOf(adopted.cluster, id, deps));
}

function seenOf(cluster: string, id: string, { statuses, lastSeen, now }: ReadModelDeps) {
  return { status: statuses.find(cluster, id)?.status, lastSeen: lastSeen(cluster), now: now().getTime() };
}

function viewOf(indexed: IndexedApplication, deps: ReadModelDeps): ApplicationView {
  return formatView(viewInput(indexed, deps));
}

function viewInput(indexed: IndexedApplication, deps: ReadModelDeps): ViewInput {
  const resolution = deps.resolve(indexed);
  const now = deps.now().getTime();
  const onHubOnly = resolution.hubBundle !== undefined && !resolution.app;
  return {
    indexed,
    resolution,
    status: statusOf(indexed, resolution, deps.statuses),
    lastSeen: onHubOnly ? now : deps.lastSeen(indexed.cluster ?? ''),
    now,
    problems: problemsOf(indexed, resolution, deps),
    agent: deps.heartbeat(indexed.cluster ?? ''),
    reportedWith: (app) => orphansWith(app, indexed, deps),
    isRollingSync: () => deps.gate.isRollingSync(indexed),
    whyWaiting: () => deps.gate.whyWaiting(indexed, resolution),
    hydration: indexed.hydration && deps.hydrations.find(indexed.hydration.key),
    leaving: deps.leaving(indexed.id, indexed.cluster ?? ''),
  };
}

function notEnrolled(cluster: string): Problem {
  return {
    code: 'ClusterUnavailable',
    message: `the agent of cluster ${cluster} has not enrolled yet: make a token with 'wheelhouse cluster token ${cluster}' and start it there`,
  };
}

function problemsOf(indexed: IndexedApplication, resolution: Resolution, deps: ReadModelDeps): Problem[] {
  const { cluster } = indexed;
  if (cluster !== undefined && deps.isAnnounced(cluster)) return [...resolution.problems, notEnrolled(cluster)];
  const unfetched = revisionProblem(indexed, deps);
  if (!unfetched || resolution.problems.some((problem) => problem.message === unfetched.message))
    return resolution.problems;
  return [...resolution.problems, unfetched];
}

/** What its cluster reported; for a parent what the hub itself did, and the worse of both where there are both. */
function statusOf(
  indexed: IndexedApplication,
  resolution: Resolution,
  statuses: Pick<Statuses, 'find'>,
): AppStatus | undefined {
  const find = (cluster: string) => {
    const status = statuses.find(cluster, indexed.id)?.status;
    return status?.removed ? undefined : status;
  };
  const onHub = resolution.hubBundle ? find(hubCluster) : undefined;
  if (resolution.hubBundle && !resolution.app) return onHub;
  const reported = indexed.cluster === undefined ? undefined : find(indexed.cluster);
  return onHub && reported ? mergeStatus(onHub, reported) : (onHub ?? reported);
}

const badness: HealthStatus[] = ['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'];

function mergeStatus(onHub: AppStatus, reported: AppStatus): AppStatus {
  const worse = badness.indexOf(onHub.health.status) > badness.indexOf(reported.health.status) ? onHub : reported;
  return {
    ...reported,
    sync: onHub.sync === 'Synced' ? reported.sync : onHub.sync,
    health: worse.health,
    resources: [...onHub.resources, ...reported.resources],
    total: onHub.total + reported.total,
    conditions: [...onHub.conditions, ...reported.conditions],
  };
}

function revisionProblem(app: IndexedApplication, deps: ReadModelDeps): Problem | undefined {
  if (app.problem) return undefined;
  for (const source of renderedParts(app).flatMap(({ sources }) => sources)) {
    const found = deps.derived.revision(locationOf(source))?.problem;
    if (found) return found;
  }
  return undefined;
}

function summarizeCluster(cluster: string, deps: ReadModelDeps) {
  const { total, stale, sync, health } = summarize(deps.applications.byCluster(cluster), deps);
  return { total, stale, synced: sync['Synced'] ?? 0, healthy: health['Healthy'] ?? 0 };
}

function summarize(apps: Iterable<IndexedApplication>, deps: ReadModelDeps) {
  const counts = {
    total: 0,
    stale: 0,
    orphans: 0,
    sync: {} as Record<string, number>,
    health: {} as Record<string, number>,
  };
  for (const app of apps) {
    const input = viewInput(app, deps);
    const { sync, health, stale } = formatBrief(input);
    counts.total += 1;
    counts.orphans += orphansOf(input)?.total ?? 0;
    if (stale) counts.stale += 1;
    else {
      counts.sync[sync] = (counts.sync[sync] ?? 0) + 1;
      counts.health[health] = (counts.health[health] ?? 0) + 1;
    }
  }
  return counts;
}
