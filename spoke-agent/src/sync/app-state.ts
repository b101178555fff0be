import type { Clock } from '@wheelhouse/shared/async/clock';
import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp, AssignedOperation, AssignedPolicy, Tombstone } from '@wheelhouse/shared/protocol/document';
import type { OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import { type AssignedWindow, compileWindow, type Window } from '@wheelhouse/shared/schedule/sync-window';
import type { Cluster } from '../cluster/cluster.ts';
import { compileIgnore, type IgnoreRule } from '../diff/ignore.ts';
import type { LiveIndex } from '../watch/live-index.ts';
import type { Watches } from '../watch/watches.ts';
import type { Expectations } from './expectations.ts';
import type { Operation } from './operation.ts';
import type { AppRecord, RecordStore } from './records.ts';
import type { HealHistory } from './self-heal.ts';
import { parseSyncOptions, type SyncOptions, unsupportedOptions } from './sync-options.ts';
import type { Target } from './target.ts';

/** What every step of a sync works with; one per cluster. */
export interface SyncContext {
  cluster: Cluster;
  clock: Clock;
  random: () => number;
  logger: Logger;
  records: RecordStore;
  index: LiveIndex;
  watches: Watches;
  /** The manifests of a bundle, by digest. */
  manifests: (digest: string) => Promise<KubeObject[]>;
  /** Bounds how many bundles are read at a time. */
  limit: <T>(task: () => Promise<T>) => Promise<T>;
  expectations: Expectations;
  /** Namespaces that are known to exist. */
  namespaces: Set<string>;
  /** Looks at the Application soon. */
  wake: (app: string) => void;
}

/** One Application of this cluster, between two looks at it. Changed by its own pass and by what is assigned, nothing else. */
export interface AppState {
  readonly app: string;
  gen: number;
  assigned?: AssignedApp | undefined;
  tombstone?: Tombstone | undefined;
  /** Bundle and policy that are in force: those of the newest assignment whose bundle could be read. */
  target?: Target | undefined;
  policy: Policy;
  loading?: Loading | undefined;
  /** Read since the last pass; the next one takes it. */
  loaded?: Target | undefined;
  /** Operations that people asked for and that did not begin yet. */
  asked: AssignedOperation[];
  operation?: Operation | undefined;
  /** Compare everything with the API server once. */
  refresh: boolean;
  record: AppRecord;
  /** By resource key. */
  resources: Map<string, ResourceState>;
  /** Why the cluster could not be worked with in the last pass, and how often in a row. */
  failure?: { error: FleetError; count: number } | undefined;
  /** The trace of the newest assignment, until it became healthy. */
  trace?: { traceparent: string; since: number } | undefined;
  /** Kinds whose objects a tombstone may have to delete. */
  removal?: { kinds: ObjectRef[] } | undefined;
  /** What its namespace holds that belongs to nobody, as it was looked for last. */
  orphans?: OrphanReport | undefined;
  /** Aborts the pass that runs; absent between passes. */
  pass?: AbortController | undefined;
}

export interface ResourceState {
  heal?: HealHistory;
  /** What the API server said to the last apply or dry run. */
  error?: string | undefined;
  /** It was compared with the API server as these versions, and differs. */
  differs?: { manifest: string; resourceVersion: string } | undefined;
  /** It was looked for by name while this manifest was desired. */
  soughtFor?: string;
}

export interface Loading {
  bundle: string;
  namespace: string;
  standby: boolean;
  /** Set once it failed. */
  error?: FleetError;
  failures: number;
  retryAt?: number;
}

/** An assignment's policy, read once. */
export interface Policy {
  assigned: AssignedApp | undefined;
  options: SyncOptions;
  ignore: (ref: Omit<ObjectRef, 'version'>) => IgnoreRule | undefined;
  /** What of it is not done as written. */
  unsupported: string[];
  /** When it may be synced. */
  windows: readonly Window[];
  /** What one attempt is made of: when it changes, the Application is synced anew. */
  attemptKey: string;
}

export function createAppState(record: AppRecord): AppState {
  return {
    app: record.app,
    gen: 0,
    policy: readPolicy(undefined),
    asked: [],
    refresh: false,
    record,
    resources: new Map(),
  };
}

export function readPolicy(assigned: AssignedApp | undefined): Policy {
  const policy: AssignedPolicy = assigned?.policy ?? { syncOptions: [] };
  const options = parseSyncOptions(policy.syncOptions);
  const ignore = compileIgnore(policy.ignoreDifferences);
  return {
    assigned,
    options,
    ignore: ignore.find,
    unsupported: [...unsupportedOptions(options), ...ignore.unsupported],
    windows: (policy.windows ?? []).map(readWindow),
    attemptKey: assigned ? attemptKey(assigned) : '',
  };
}

/** The hub refuses what cannot be read; one that comes nevertheless forbids every sync. */
function readWindow(window: AssignedWindow): Window {
  const compiled = compileWindow(window);
  if (typeof compiled !== 'string') return compiled;
  return { ...window, kind: 'deny', isActive: () => true, changesAt: () => undefined };
}

function attemptKey({ revision, bundle, ns, policy }: AssignedApp): string {
  const { automated, standby, actAs, syncOptions, managedNamespaceMetadata, ignoreDifferences } = policy;
  const spec = {
    ns,
    standby,
    actAs,
    prune: automated?.prune,
    allowEmpty: automated?.allowEmpty,
    syncOptions,
    managedNamespaceMetadata,
    ignoreDifferences,
  };
  return `${revision} ${bundle} ${digestOf(canonicalJson(spec)).slice(7, 23)}`;
}

export function resourceState(state: AppState, key: string): ResourceState {
  const known = state.resources.get(key);
  if (known) return known;
  const created: ResourceState = {};
  state.resources.set(key, created);
  return created;
}
