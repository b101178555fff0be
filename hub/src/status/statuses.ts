/** The newest status of every Application on every cluster, as spokes reported it. Older ones, by (gen, seq), are dropped. */
import type { AppStatus } from '@wheelhouse/shared/protocol/status';

export interface ReportedStatus {
  cluster: string;
  status: AppStatus;
  /** When NATS got it, in ms since the epoch: by a clock of ours, whatever the cluster's says. */
  receivedAt: number;
}

export interface Statuses {
  /** Keeps it if it is newer; false when it is not. */
  record(cluster: string, status: AppStatus, receivedAt?: number): boolean;
  /** The cluster has left. */
  forget(cluster: string): void;
  /** The cluster has another name: what it reported counts for that one, until it reports under it. */
  carry(cluster: string, name: string): void;
  find(cluster: string, app: string): ReportedStatus | undefined;
  /** Everything a cluster reported, for its digest. */
  ofCluster(cluster: string): Iterable<AppStatus>;
  onChange(
    listener: (change: { cluster: string; status: AppStatus; before: AppStatus | undefined }) => void,
  ): Disposable;
}

export function createStatuses(now: () => Date): Statuses {
  const clusters = new Map<string, Map<string, ReportedStatus>>();
  const listeners = new Set<(change: { cluster: string; status: AppStatus; before: AppStatus | undefined }) => void>();
  return {
    record: (cluster, reported, receivedAt = now().getTime()) => {
      const status = withinOurTime(reported, receivedAt);
      const apps = clusters.get(cluster) ?? new Map<string, ReportedStatus>();
      const before = apps.get(status.app)?.status;
      if (before && !isNewer(status, before)) return false;
      apps.set(status.app, { cluster, status, receivedAt });
      clusters.set(cluster, apps);
      for (const listener of listeners) listener({ cluster, status, before });
      return true;
    },
    forget: (cluster) => void clusters.delete(cluster),
    carry: (cluster, name) => {
      const apps = clusters.get(name) ?? new Map<string, ReportedStatus>();
      for (const [app, reported] of clusters.get(cluster) ?? [])
        if (!apps.has(app)) apps.set(app, { ...reported, cluster: name });
      clusters.set(name, apps);
      clusters.delete(cluster);
    },
    find: (cluster, app) => clusters.get(cluster)?.get(app),
    ofCluster: function* (cluster) {
      for (const { status } of clusters.get(cluster)?.values() ?? []) yield status;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** A cluster whose clock is ahead cannot make its news look younger than they are. */
function withinOurTime(status: AppStatus, receivedAt: number): AppStatus {
  return Date.parse(status.observedAt) <= receivedAt
    ? status
    : { ...status, observedAt: new Date(receivedAt).toISOString() };
}

/** `seq` alone orders one agent's reports; a new generation wins over an old one. */
function isNewer(status: AppStatus, before: AppStatus): boolean {
  return status.gen > before.gen || (status.gen === before.gen && status.seq > before.seq);
}
