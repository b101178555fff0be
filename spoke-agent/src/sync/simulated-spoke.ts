import { createManualClock, type ManualClock } from '@wheelhouse/shared/async/manual-clock';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp, AssignedOperation, AssignedPolicy, Tombstone } from '@wheelhouse/shared/protocol/document';
import { vi } from 'vitest';
import { createMemoryCluster, type MemoryCluster, type MemoryOptions } from '../cluster/memory/memory.ts';
import { healthOf } from '../health/health.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';
import { createMemoryRecords, type RecordStore } from './records.ts';
import type { ReportedStatus } from './status.ts';

/** A reconciler on a simulated cluster, driven by a test: time stands still until it says otherwise. */
export interface SimulatedSpoke extends AsyncDisposable {
  cluster: MemoryCluster;
  clock: ManualClock;
  records: RecordStore;
  reconciler: Reconciler;
  /** Everything reported, oldest first. */
  reports: ReportedStatus[];
  /** Digests that cannot be read now. */
  unreadable: Set<string>;
  assign(document: Partial<SimulatedDocument>): void;
  /** Waits until nothing moves any more, and returns the newest status of the Application. */
  settle(app?: string): Promise<ReportedStatus>;
  find(kind: string, name: string, namespace?: string): Promise<KubeObject | undefined>;
}

export interface SimulatedDocument {
  apps: SimulatedApp[];
  ops: AssignedOperation[];
  tombstones: Tombstone[];
}

export interface SimulatedApp {
  app?: string;
  manifests: KubeObject[];
  revision?: string;
  policy?: Partial<AssignedPolicy>;
  /** Not synced without an operation. */
  isManual?: boolean;
  wave?: number;
  ns?: string;
}

export const automated: AssignedPolicy = {
  automated: { prune: true, selfHeal: true, allowEmpty: false },
  syncOptions: ['CreateNamespace=true'],
};

const { automated: _automated, ...manual } = automated;

/** A sync of `shop` that a person asked for. */
export function syncOf(id: string, wish: Partial<AssignedOperation['sync']> = {}): AssignedOperation {
  const sync = { prune: false, dryRun: false, force: false, syncOptions: [], ...wish };
  return { id, type: 'sync', app: 'shop', expiresAt: '2030-01-01T00:00:00Z', by: 'ann', sync };
}

export interface SimulatedSpokeOptions extends MemoryOptions {
  cluster?: MemoryCluster;
  clock?: ManualClock;
  records?: RecordStore;
  /** Applications at work at a time. */
  concurrency?: number;
}

export function startSpoke(options: SimulatedSpokeOptions = {}): SimulatedSpoke {
  const clock = options.clock ?? createManualClock();
  const cluster = options.cluster ?? createMemoryCluster({ clock }, options);
  const records = options.records ?? createMemoryRecords();
  const reports: ReportedStatus[] = [];
  const unreadable = new Set<string>();
  const bundles = new Map<string, KubeObject[]>();
  const logger = createLogger({ name: 'test', level: 'silent' });
  const report = (status: ReportedStatus) => void reports.push(status);
  const reconciler = createReconciler(
    { cluster, logger, clock, random: () => 0.5, records, report, healthOf },
    options.concurrency === undefined ? {} : { concurrency: options.concurrency },
  );
  let gen = 0;

  async function manifests(digest: string): Promise<KubeObject[]> {
    const bundle = bundles.get(digest);
    if (!bundle || unreadable.has(digest)) throw new FleetError('TransportUnavailable', `no bundle ${digest}`);
    return bundle;
  }

  function assignedApp(simulated: SimulatedApp): AssignedApp {
    const assigned = assignedOf(simulated);
    bundles.set(assigned.bundle, structuredClone(simulated.manifests));
    return assigned;
  }

  return {
    cluster,
    clock,
    records,
    reconciler,
    reports,
    unreadable,
    assign({ apps = [], ops = [], tombstones = [] }) {
      gen += 1;
      reconciler.assign({ gen, apps: apps.map(assignedApp), ops, tombstones, manifests });
    },
    async settle(app = 'shop') {
      await quiet(() => [reports.length, ...Object.values(cluster.requests)].join());
      clock.advance(200);
      await quiet(() => [reports.length, ...Object.values(cluster.requests)].join());
      const last = reports.findLast((status) => status.app === app);
      if (!last) throw new Error(`nothing was reported of ${app}`);
      return last;
    },
    find: async (kind, name, namespace = 'shop') =>
      await cluster.find({ ...kindRef(kind), namespace, name }, new AbortController().signal),
    async [Symbol.asyncDispose]() {
      await reconciler[Symbol.asyncDispose]();
    },
  };
}

function assignedOf(simulated: SimulatedApp): AssignedApp {
  const { app = 'shop', manifests, revision = 'r1', policy, isManual = false, wave = 0, ns = 'shop' } = simulated;
  const bundle = digestOf(canonicalJson(manifests));
  const own = { ...(isManual ? manual : automated), ...policy };
  return { app, ns, project: 'default', revision, bundle, vars: {}, policy: own, wave };
}

/** Waits until `sample` is the same for a few turns of the event loop. */
async function quiet(sample: () => string): Promise<void> {
  let last = '';
  let same = 0;
  await vi.waitUntil(
    () => {
      const now = sample();
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= 3;
    },
    { interval: 2, timeout: 5_000 },
  );
}

const groups: Record<string, string> = { Deployment: 'apps', StatefulSet: 'apps', Job: 'batch' };

export function kindRef(kind: string): Omit<ObjectRef, 'namespace' | 'name'> {
  return { group: groups[kind] ?? '', version: 'v1', kind };
}

export function configMap(
  name: string,
  data: Record<string, string> = { a: '1' },
  annotations: Record<string, string> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    data,
  };
}

export function deployment(name: string, annotations: Record<string, string> = {}, image = 'app:1'): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, annotations },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image }] } },
    },
  };
}
