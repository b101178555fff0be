import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { isStandby } from '@wheelhouse/shared/resources/standby';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import type { Resolution } from '../assign/resolve.ts';
import { labelsFor } from '../fleet/app-labels.ts';
import type { FleetCluster } from '../fleet/clusters.ts';
import type { Table } from '../fleet/records.ts';
import type { Statuses } from '../status/statuses.ts';
import type { Additions } from '../store/additions.ts';
import type { Observation, Seen } from './decide.ts';
import { broughtSince, type Plan, wantedAnnotations, wantedLabels } from './plan-record.ts';

export interface ObserveDeps {
  applications: Pick<Applications, 'find'>;
  statuses: Pick<Statuses, 'find'>;
  additions: Pick<Additions, 'withdrawals'>;
  plans: Pick<Table<Plan>, 'list'>;
  findCluster(name: string): FleetCluster | undefined;
  resolve(app: IndexedApplication): Resolution;
}

/** What is seen of a plan's clusters and Applications now. */
export function observe(plan: Plan, deps: ObserveDeps): Observation {
  const leaving = new Map<string, Set<string>>();
  const leavingOf = (cluster: string) => {
    const known = leaving.get(cluster) ?? new Set(deps.additions.withdrawals(cluster).map(({ app }) => app));
    leaving.set(cluster, known);
    return known;
  };
  let brought: Map<string, string> | undefined;
  return {
    unlabelled: unlabelled(plan, deps),
    broughtBackBy: ({ app, cluster }) => (brought ??= broughtSince(plan, deps.plans.list())).get(`${cluster}/${app}`),
    of: ({ app, cluster, standby }) => {
      const there = seen(app, cluster, deps);
      if (!standby) return { ...there, leaving: leavingOf(cluster).has(app) };
      const runs = there.desired && !isStandbyThere(app, deps);
      const status = deps.statuses.find(cluster, app)?.status;
      const hasStopped = status?.standby === true && status.sync === 'Synced';
      const why = runs ? there.why : 'still a standby';
      return { ...there, desired: runs, healthy: runs && there.healthy, why, leaving: !runs && !hasStopped };
    },
  };
}

function isStandbyThere(app: string, { applications }: ObserveDeps): boolean {
  const application = applications.find(app)?.application;
  return application !== undefined && isStandby(application);
}

/** A cluster that is gone has nothing to be labelled. */
function unlabelled(plan: Plan, { findCluster }: ObserveDeps): string[] {
  const lacks = (name: string, wanted: Record<string, string | null>, read: (of: FleetCluster) => Labels) => {
    const cluster = findCluster(name);
    if (!cluster || cluster.state === 'Expected') return false;
    const present = read(cluster);
    return Object.entries(wanted).some(([key, value]) => (present[key] ?? null) !== value);
  };
  const names = [
    ...[...wantedLabels(plan)].filter(([name, wanted]) => lacks(name, wanted, (one) => labelsFor(one, plan.apps))),
    ...[...wantedAnnotations(plan)].filter(([name, wanted]) => lacks(name, wanted, ({ annotations }) => annotations)),
  ].map(([name]) => name);
  return [...new Set(names)];
}

type Labels = Readonly<Record<string, string>>;

function seen(app: string, name: string, deps: ObserveDeps): Omit<Seen, 'leaving'> {
  const cluster = deps.findCluster(name);
  const indexed = deps.applications.find(app);
  const desired = indexed?.cluster === name;
  const connected = cluster?.state === 'Connected';
  const why = desired ? whyNotHealthy(indexed, cluster, deps) : 'not assigned';
  return { desired, connected, healthy: why === undefined, why: why ?? 'Healthy' };
}

function whyNotHealthy(
  indexed: IndexedApplication,
  cluster: FleetCluster | undefined,
  deps: ObserveDeps,
): string | undefined {
  if (cluster?.state !== 'Connected') return `its cluster is ${cluster?.state ?? 'gone'}`;
  const { app, problems } = deps.resolve(indexed);
  if (!app) return problems[0]?.message ?? 'not rendered yet';
  return whyNotGood(deps.statuses.find(cluster.name, indexed.id)?.status, app);
}

function whyNotGood(
  status: AppStatus | undefined,
  assigned: Pick<AssignedApp, 'bundle' | 'policy'>,
): string | undefined {
  if (!status || status.removed) return 'not reported yet';
  const { bundle, standby, sync, health } = status;
  if (bundle !== assigned.bundle || standby !== assigned.policy.standby) return 'not updated yet';
  if (sync !== 'Synced') return sync;
  return health.status === 'Healthy' ? undefined : health.status;
}
