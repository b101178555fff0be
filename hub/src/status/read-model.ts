/**
 * What the API answers from: every Application with its newest status and its age. A copy in memory of specs,
 * evaluations and statuses; it decides nothing.
 */
import type { AppStatus, HealthStatus } from '@wheelhouse/shared/protocol/status';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import { hubCluster } from '../assign/hub-cluster.ts';
import type { Resolution } from '../assign/resolve.ts';
import type { ApplicationFilter } from '../api/application-filter.ts';
import { type ApplicationPage, listPage } from './list-page.ts';
import type { Additions } from '../store/additions.ts';
import type { Derived, Problem } from '../store/derived.ts';
import type { Statuses } from './statuses.ts';
import { type ApplicationView, formatView, formatWithdrawnView } from './view.ts';

export interface ReadModelDeps {
  applications: Applications;
  additions: Pick<Additions, 'allWithdrawals' | 'onChange'>;
  derived: Pick<Derived, 'revision'>;
  statuses: Statuses;
  resolve(app: IndexedApplication): Resolution;
  lastSeen(cluster: string): number | undefined;
  now(): Date;
}

export interface ViewChange {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  view: ApplicationView;
}

export interface ReadModel {
  /** Ordered by Application id. Views are made for the page only, unless the filter asks for health or sync. */
  list(filter: ApplicationFilter, page: { limit: number; continue?: string }): ApplicationPage;
  find(namespace: string, name: string): ApplicationView | undefined;
  /** Counts by sync and health, stale ones apart. */
  summary(): { total: number; stale: number; sync: Record<string, number>; health: Record<string, number> };
  /** The same for one cluster, by what matters in a table. */
  clusterSummary(cluster: string): { total: number; synced: number; healthy: number; stale: number };
  onChange(listener: (change: ViewChange) => void): Disposable;
  /** Differs after every change. */
  revision(): string;
}

export function createReadModel(deps: ReadModelDeps): ReadModel & Disposable {
  const listeners = new Set<(change: ViewChange) => void>();
  let sorted: string[] | undefined;
  let revision = 0;
  const withdrawn = () =>
    new Map(
      [...deps.additions.allWithdrawals()]
        .filter((one) => !deps.applications.find(one.app))
        .map((one) => [one.app, one]),
    );
  const view = (id: string): ApplicationView | undefined => {
    const indexed = deps.applications.find(id);
    if (indexed) return viewOf(indexed, deps);
    const withdrawal = withdrawn().get(id);
    return withdrawal
      ? formatWithdrawnView(withdrawal, deps.statuses.find(withdrawal.cluster, id)?.status, deps.now().getTime())
      : undefined;
  };
  const emit = (type: ViewChange['type'], shown: ApplicationView | undefined) => {
    if (shown) for (const listener of listeners) listener({ type, view: shown });
  };

  const subscriptions = [
    deps.applications.onChange((changes) => {
      sorted = undefined;
      revision += 1;
      if (listeners.size === 0) return;
      for (const { before, after } of changes)
        emit(
          after ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED',
          after ? view(after.id) : before && viewOf(before, deps),
        );
    }),
    deps.additions.onChange(() => {
      sorted = undefined;
    }),
    deps.statuses.onChange(({ status }) => {
      revision += 1;
      if (listeners.size > 0) emit('MODIFIED', view(status.app));
    }),
  ];

  const ids = () =>
    (sorted ??= [...new Set([...[...deps.applications.list()].map((app) => app.id), ...withdrawn().keys()])].sort());

  return {
    list: (filter, page) => listPage(ids(), { filter, page, view, find: deps.applications.find }),
    revision: () => String(revision),
    find: (namespace, name) => view(applicationId(namespace, name)),
    summary: () => summarize([...deps.applications.list()].map((app) => viewOf(app, deps))),
    clusterSummary: (cluster) => summarizeCluster(cluster, deps),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]: () => {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

function viewOf(indexed: IndexedApplication, deps: ReadModelDeps): ApplicationView {
  const resolution = deps.resolve(indexed);
  const status = statusOf(indexed, resolution, deps.statuses);
  const lastSeen =
    resolution.hubBundle && !resolution.app ? deps.now().getTime() : deps.lastSeen(indexed.cluster ?? '');
  const problems = [...resolution.problems, ...revisionProblem(indexed, deps)].filter(
    (problem, index, all) => all.findIndex((one) => one.message === problem.message) === index,
  );
  return formatView({ indexed, resolution, status, lastSeen, now: deps.now().getTime(), problems });
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

function revisionProblem({ source, request }: IndexedApplication, deps: ReadModelDeps): Problem[] {
  const problem = source && request && deps.derived.revision(source.repoURL, source.targetRevision)?.problem;
  return problem ? [problem] : [];
}

function summarizeCluster(cluster: string, deps: ReadModelDeps) {
  const { total, stale, sync, health } = summarize(
    deps.applications.byCluster(cluster).map((app) => viewOf(app, deps)),
  );
  return { total, stale, synced: sync['Synced'] ?? 0, healthy: health['Healthy'] ?? 0 };
}

function summarize(views: ApplicationView[]) {
  const sync: Record<string, number> = {};
  const health: Record<string, number> = {};
  let stale = 0;
  for (const view of views) {
    if (view.stale) {
      stale += 1;
      continue;
    }
    const status = view.application.status as { sync: { status: string }; health: { status: string } };
    sync[status.sync.status] = (sync[status.sync.status] ?? 0) + 1;
    health[status.health.status] = (health[status.health.status] ?? 0) + 1;
  }
  return { total: views.length, stale, sync, health };
}
