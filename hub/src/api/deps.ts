/**
 * What the API needs from the rest of the hub, as narrow ports: `hub.ts` composes them, tests fake them.
 * Nothing here knows of HTTP; every promise may reject with a FleetError, whose code decides the status.
 */
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Credentials, EnrolRequest, RenewRequest } from '@wheelhouse/shared/protocol/enrolment';
import type { Registry } from 'prom-client';
import type { Access } from '../access/access.ts';
import type { Failover } from '../failover/failover.ts';
import type { Adoption, AdoptionView } from '../fleet/adoption.ts';
import type { FleetCluster as KnownCluster } from '../fleet/clusters.ts';
import type { HistoryEntry } from '../fleet/metadata.ts';
import type { Preview, PreviewRequest } from '../preview/preview.ts';
import type { WindowState } from '../project/window.ts';
import type { DescribeSource } from '../render/source-details.ts';
import type { Person, RolloutCommands } from '../rollout/commands.ts';
import type { RolloutDetail, RolloutView, RolloutViews } from '../rollout/rollout-view.ts';
import type { ApplicationFilter } from '../status/application-filter.ts';
import type { ApplicationPage } from '../status/list-page.ts';
import type { ApplicationView } from '../status/view.ts';
import type { PutOptions, StoredSpec } from '../store/specs.ts';

export type { PlanView } from '../failover/plan-view.ts';
export type {
  AdoptionView,
  ApplicationPage,
  ApplicationView,
  HistoryEntry,
  Person,
  PutOptions,
  RolloutDetail,
  RolloutView,
  StoredSpec,
};

export interface ApiDeps {
  access: Access;
  logger: Logger;
  /** Where `/metrics` reads from; the API adds its request histogram to it. */
  metrics: Registry;
  specs: SpecStore;
  applications: ReadModel;
  actions: Actions;
  /** What merging a revision would do. Throws NotFound, what fetching throws, and Aborted. */
  preview: (request: PreviewRequest, signal: AbortSignal) => Promise<Preview>;
  /** What a source of an Application is; asks its plugin. Throws NotFound, and what renders throw. */
  describeSource: DescribeSource;
  clusters: ClusterInventory;
  identities: ClusterIdentities;
  /** Changes of labels that move Applications. */
  plans: Failover;
  adoption: Pick<Adoption, 'view' | 'open' | 'close' | 'release'>;
  tokens: EnrolmentTokens;
  enrolment: Enrolment;
  /** By the key of `rolloutKey`. */
  rollouts: Pick<RolloutViews, 'list' | 'find'> & RolloutCommands;
  /** Argo CD's `status` of an ApplicationSet (conditions, resources, health); undefined before its first evaluation. */
  applicationSetStatus: (set: ObjectKey) => Record<string, unknown> | undefined;
  /** How the last contact with a repository went; undefined before the first. */
  repositoryState: (url: string) => ConnectionState | undefined;
  /** How the last writing to a branch of it went. */
  writeState: (url: string) => ConnectionState | undefined;
  /** A Git host's call. Throws Unauthenticated or Forbidden for a missing or wrong signature, Malformed for a bad body. */
  webhook: (headers: Record<string, string | string[] | undefined>, body: Buffer) => Promise<void>;
  /** One entry for each thing the hub cannot do without. */
  readiness: () => Promise<ReadinessCheck[]>;
  version: VersionInfo;
}

export interface ObjectKey {
  namespace: string;
  name: string;
}

/** Every object that people wrote or that an App of Apps created; generated Applications are not in it. */
export interface SpecStore {
  /** Of one kind, or of all. */
  list(kind?: string): StoredSpec[];
  find(kind: string, namespace: string, name: string): StoredSpec | undefined;
  /** Writes unless nothing changed; throws Conflict when `expectedRevision` is no longer the stored one (0: must not exist). */
  put(resource: KubeObject, options: PutOptions): Promise<StoredSpec>;
  /** A set with `deletionOrder: Reverse` is deleted step by step, unless `allAtOnce`. */
  delete(kind: string, namespace: string, name: string, options: { by: string; allAtOnce?: boolean }): Promise<void>;
}

/** Every Application, stored or generated, with the status that its cluster reported. */
export interface ReadModel {
  /** Ordered by namespace and name; `continue` is where the next page starts, whatever changed in between. */
  list(filter: ApplicationFilter, page: { limit: number; continue?: string }): ApplicationPage;
  find(namespace: string, name: string): ApplicationView | undefined;
  onChange(listener: (change: ApplicationChange) => void): Disposable;
  /** Opaque; differs after every change. Answered as a list's resourceVersion. */
  revision(): string;
}

export interface ApplicationChange {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  view: ApplicationView;
}

/** What a person may ask for; each is recorded with `by`. */
export interface Actions {
  sync(application: ObjectKey, options: SyncOptions, by: string): Promise<{ id: string }>;
  /** Ends the running operation; throws Invalid when none runs. */
  terminate(application: ObjectKey, by: string): Promise<void>;
  /** Its sync windows as they stand now. */
  windows(application: ObjectKey): WindowState;
  /** Looks at the source again; `hard` renders again as well. Resolves when it is under way. */
  refresh(application: ObjectKey, options: { hard: boolean }, by: string): Promise<void>;
  /** Asks the cluster; throws ClusterUnavailable when it does not answer in time. */
  diff(application: ObjectKey, signal: AbortSignal): Promise<ResourceDiff[]>;
  /** Deletes an Application, and with `cascade` its resources; a generated one comes back with its generator's next run. */
  deleteApplication(application: ObjectKey, options: { cascade: boolean; by: string }): Promise<void>;
  /** Lets a deletion go ahead that a budget holds, or that was rejected; throws Invalid when nothing is held. */
  releaseHold(applicationSet: ObjectKey, options: { by: string; rejected: boolean }): Promise<void>;
  /** Keeps what a budget holds until it is generated again; throws Invalid when nothing is held. */
  rejectHold(applicationSet: ObjectKey, options: { by: string; reason: string }): Promise<void>;
}

export interface SyncOptions {
  prune: boolean;
  dryRun: boolean;
  force: boolean;
  syncOptions: string[];
  resources?: { group: string; kind: string; namespace: string; name: string }[];
}

/** One resource that a sync would change, as its spoke compared it. Secret values are masked before they come here. */
export interface ResourceDiff {
  ref: ObjectRef;
  /** added: not on the cluster yet; removed: on it, but no longer desired. */
  kind: 'added' | 'changed' | 'removed';
  live?: Record<string, unknown>;
  /** What live would be after an apply. */
  desired?: Record<string, unknown>;
  /** Unified diff of the YAML, live first. */
  text: string;
}

export interface ClusterInventory {
  /** Ordered by name. */
  list(): FleetCluster[];
  find(name: string): FleetCluster | undefined;
  /** Changes of its labels and annotations, oldest first. Throws NotFound. */
  history(name: string): HistoryEntry[];
}

/** What people do to a cluster's identity. Each throws NotFound, and Conflict or Invalid where it is not possible now. */
export interface ClusterIdentities {
  approve(name: string, by: string): Promise<void>;
  revoke(name: string, options: { by: string; reason: string }): Promise<void>;
  requestKey(name: string, by: string): Promise<void>;
  rename(from: string, to: string, options: { by: string; force: boolean }): Promise<void>;
  remove(name: string, options: { by: string; removeWorkloads: boolean; force: boolean }): Promise<void>;
}

export interface FleetCluster extends KnownCluster {
  /** How many are assigned to it; `synced` and `healthy` leave out those that are stale. */
  applications?: { total: number; synced: number; healthy: number; stale: number };
}

export interface EnrolmentTokens {
  list(): Promise<EnrolmentTokenRecord[]>;
  create(request: {
    cluster: string;
    labels: Record<string, string>;
    /** The store's default when absent. */
    expiresInMs?: number;
    allowedLabels?: Record<string, string[]>;
    /** Lets another installation take the place of an enrolled cluster. */
    replace?: boolean;
    /** The cluster gets nothing before a person has approved it. */
    approval?: boolean;
    by: string;
  }): Promise<EnrolmentTokenRecord & { token: string }>;
  /** Throws NotFound. */
  revoke(id: string, by: string): Promise<void>;
}

export interface EnrolmentTokenRecord {
  id: string;
  cluster: string;
  labels: Record<string, string>;
  /** RFC 3339, all three. */
  createdAt: string;
  expiresAt: string;
  usedAt?: string;
  by: string;
  /** Name that the agent took, where `cluster` is a pattern. */
  usedFor?: string;
  allowedLabels?: Record<string, string[]>;
  approval?: boolean;
}

/** What an agent calls before it has an identity: the token, or the proof of its key, is judged behind this port. */
export interface Enrolment {
  /** Throws TokenInvalid. */
  enrol(request: EnrolRequest): Promise<Credentials>;
  renew(request: RenewRequest): Promise<Credentials>;
  /** The hub's CA certificate; a token carries its fingerprint. */
  caPem(): string;
}

/** Argo CD's words. */
export interface ConnectionState {
  status: 'Successful' | 'Failed' | 'Unknown';
  message: string;
  /** RFC 3339. */
  attemptedAt?: string;
}

export interface ReadinessCheck {
  name: string;
  /** Why not, or undefined when ready. */
  problem?: string;
}

export interface VersionInfo {
  version: string;
  /** Of the tools, when known. */
  gitCommit?: string;
  kustomizeVersion?: string;
  helmVersion?: string;
}
