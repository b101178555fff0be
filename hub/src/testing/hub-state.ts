/**
 * The hub's state as a replica holds it, over buckets in memory: for tests of what is worked out from specs, evaluations,
 * the inventory and what people add. What the stages enqueue is recorded instead of run.
 */
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { createLogger, type Logger } from '@wheelhouse/shared/logging/logger';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { type Applications, createApplications, type IndexedApplication, idOf } from '../assign/applications.ts';
import { type Changes, createChanges } from '../assign/change.ts';
import { createDestinations, type Destinations } from '../assign/destination.ts';
import { createHydrationStore, type HydrationStore } from '../hydrate/hydration-store.ts';
import type { Stage, Trigger } from '../queue/queue.ts';
import { type Additions, createAdditions } from '../store/additions.ts';
import type { AuditEntry } from '../store/audit.ts';
import { createDerived, type Derived, type RenderOutcome, type StoredEvaluation } from '../store/derived.ts';
import { createSeal } from '../store/seal.ts';
import { createSpecStore, type SpecStore, type StoredSpec } from '../store/specs.ts';
import { createMemoryBuckets, type MemoryBuckets } from '../store/testing/memory-bucket.ts';
import { createVerdicts, type Verdicts } from '../store/verdicts.ts';

export interface HubState {
  buckets: MemoryBuckets;
  specs: SpecStore;
  derived: Derived;
  additions: Additions;
  verdicts: Verdicts;
  hydrations: HydrationStore;
  applications: Applications & Disposable;
  destinations: Destinations;
  changes: Changes;
  /** Names of the enrolled clusters; each is served at `https://NAME`. */
  enrol(...clusters: string[]): void;
  /** Takes clusters out of the inventory. */
  retire(...clusters: string[]): void;
  /** Generation of every cluster's newest document. */
  generation: { now: number };
  /** What was audited so far. */
  auditLog: AuditEntry[];
  /** What was enqueued, as `STAGE KEY`; reading it empties it. */
  enqueued(): string[];
  queue: { enqueue(stage: Stage, triggers: readonly Trigger[]): Promise<void> };
  now(): Date;
  /** Moves the time on. */
  pass(ms: number): void;
}

export const repoURL = 'https://git.example.com/shop.git';
export const startedAt = Date.parse('2026-01-01T00:00:00Z');
export const logger: Logger = createLogger({ name: 'test', level: 'silent' });

/** A replica's state with these clusters; `buckets` of another one make both see the same. */
export async function createHubState(
  options: { clusters?: string[]; buckets?: MemoryBuckets } = {},
): Promise<HubState> {
  const buckets = options.buckets ?? createMemoryBuckets();
  let time = startedAt;
  const now = () => new Date(time);
  const inventory = createInventory(options.clusters ?? ['east', 'west']);
  const destinations = createDestinations(inventory);
  const specs = await createSpecStore({ bucket: buckets.open('spec'), seal: createSeal(Buffer.alloc(32)), now });
  const derived = await createDerived(buckets.open('derived'));
  const additions = await createAdditions(buckets.open('fleet'));
  const verdicts = await createVerdicts(buckets.open('fleet'));
  const hydrations = await createHydrationStore(buckets.open('fleet'));
  const applications = createApplications({ specs, derived, destinations, onClustersChange: inventory.onChange });
  const generation = { now: 0 };
  const sent: string[] = [];
  const auditLog: AuditEntry[] = [];
  return {
    buckets,
    specs,
    derived,
    additions,
    verdicts,
    hydrations,
    applications,
    destinations,
    changes: createChanges({
      specs,
      derived,
      additions,
      verdicts,
      applications,
      destinations,
      generation: () => generation.now,
      audit: (entry) => void auditLog.push(entry),
      now,
    }),
    enrol: inventory.enrol,
    retire: inventory.retire,
    generation,
    auditLog,
    enqueued: () => sent.splice(0),
    queue: { enqueue: async (stage, triggers) => void sent.push(...triggers.map(({ key }) => `${stage} ${key}`)) },
    now,
    pass: (ms) => {
      time += ms;
    },
  };
}

function createInventory(names: string[]) {
  let clusters = names;
  const listeners = new Set<() => void>();
  return {
    enrolled: () => clusters.map((name) => ({ name, server: `https://${name}` })),
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    enrol: (...added: string[]) => {
      clusters = [...clusters, ...added];
      for (const listener of listeners) listener();
    },
    retire: (...gone: string[]) => {
      clusters = clusters.filter((name) => !gone.includes(name));
      for (const listener of listeners) listener();
    },
  };
}

export interface ApplicationFields {
  cluster?: string;
  namespace?: string;
  source?: Partial<ApplicationSource>;
  metadata?: Partial<Application['metadata']>;
  spec?: Partial<Application['spec']>;
}

/** An Application that goes from the folder of its name to cluster `east`. */
export function applicationOf(name: string, fields: ApplicationFields = {}): Application {
  const { cluster = 'east', namespace = 'argocd', source, metadata, spec } = fields;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace, ...metadata },
    spec: {
      project: 'default',
      source: { repoURL, path: name, targetRevision: 'main', ...source },
      destination: { name: cluster, namespace: 'default' },
      ...spec,
    },
  };
}

/** What a person wrote, as the hub knows it; it goes to the cluster that its destination names. */
export function indexedOf(application: Application, fields: Partial<IndexedApplication> = {}): IndexedApplication {
  const { name: cluster } = application.spec.destination;
  return {
    id: idOf(application),
    application,
    origin: { type: 'spec', warnings: [] },
    sources: [],
    ...(cluster === undefined ? {} : { cluster }),
    ...fields,
  };
}

/** An object as it is stored; by `ann`. */
export function storedOf(resource: KubeObject, fields: Partial<StoredSpec> = {}): StoredSpec {
  const updatedAt = new Date(startedAt).toISOString();
  return { resource, yaml: '', revision: 1, updatedAt, by: 'ann', warnings: [], ...fields };
}

/** The last good evaluation of the set `argocd/fleet`. */
export function evaluationOf(applications: Application[], fields: Partial<StoredEvaluation> = {}): StoredEvaluation {
  return {
    namespace: 'argocd',
    name: 'fleet',
    applications,
    errors: [],
    warnings: [],
    reads: { repositories: [], clusters: true },
    evaluatedAt: new Date(startedAt).toISOString(),
    ...fields,
  };
}

/** A good render of a bundle; `digest` names it. */
export function outcomeOf(
  requestKey: string,
  digest = 'sha256:one',
  fields: Partial<RenderOutcome> = {},
): RenderOutcome {
  const record = {
    requestKey,
    digest,
    parts: [
      {
        location: { repoURL, targetRevision: 'main' },
        sourceType: 'Directory' as const,
        toolVersion: 'directory 1',
        inputs: [],
      },
    ],
    warnings: [],
  };
  return { requestKey, revisions: ['c0ffee'], record, kinds: [], warnings: [], ...fields };
}

/** A status of a healthy Application. */
export function statusOf(app: string, fields: Partial<AppStatus> = {}): AppStatus {
  return {
    v: 1,
    app,
    gen: 1,
    seq: 1,
    revision: 'c0ffee',
    bundle: 'sha256:one',
    sync: 'Synced',
    health: { status: 'Healthy' },
    resources: [],
    total: 0,
    conditions: [],
    observedAt: new Date(startedAt).toISOString(),
    ...fields,
  };
}
