/**
 * The port to one Kubernetes cluster, as the spoke needs it. Two adapters: `kubernetes/` (a real API server over one
 * keep-alive agent) and `memory/` (a simulated cluster); `conformance.ts` is what both must do.
 * It must never decide what to apply or delete, and never hand out an object that its caller may change.
 * Failures are FleetErrors whose `retryable` is decided here: ApplyFailed, NotFound, Conflict, Forbidden,
 * Unauthenticated, ClusterUnavailable, Aborted; `details.reason` is the API server's reason when it gave one.
 */

import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';

export interface KubeKind {
  group: string;
  version: string;
  kind: string;
}

export interface ApiResource extends KubeKind {
  plural: string;
  namespaced: boolean;
  verbs: string[];
}

export interface ApplyOptions {
  /** Server-side apply's field manager; conflicts are always forced, as Argo CD does. */
  fieldManager: string;
  /** true: the answer is what would be stored; nothing is. */
  dryRun?: boolean;
  /** Argo CD: sync option `Validate=false` accepts unknown fields. Default 'Strict'. */
  fieldValidation?: 'Strict' | 'Ignore';
  /** User that it is done as, as `system:serviceaccount:shop:deployer`: with his rights, not the agent's. Forbidden names him. */
  actAs?: string;
  signal: AbortSignal;
}

export type Propagation = 'Foreground' | 'Background' | 'Orphan';

export interface RemoveOptions {
  propagation: Propagation;
  /** Only if it is still this very object. */
  uid?: string;
  /** User that it is done as, see `ApplyOptions`. */
  actAs?: string;
  signal: AbortSignal;
}

export interface WatchListener {
  /** A complete list begins. */
  listing(): void;
  /** Exists, as of this version: from the list, or added or modified since. */
  changed(object: KubeObject): void;
  removed(object: KubeObject): void;
  /** The list is complete as of `resourceVersion`: what was not named in it did not exist then. */
  listed(resourceVersion: string): void;
  /** The stream is open; what `failed` said is over. */
  connected(): void;
  /** It could not list or watch, and tries again by itself. NotFound: the cluster does not serve the kind. */
  failed(error: FleetError): void;
}

export interface ClusterInfo {
  /** As `v1.36.3`. */
  kubernetesVersion: string;
  /** uid of the namespace kube-system: the identity of the installation. */
  uid: string;
}

/** What the cluster has and serves, kept up to date in the background. */
export interface LiveInventory {
  /** Undefined until everything in it was listed once; the last that was known while `problem` says that it may be old. */
  current(): Inventory | undefined;
  /** As `v1.36.3`; follows an upgrade of the API server. Undefined until it is known. */
  kubernetesVersion(): string | undefined;
  problem(): FleetError | undefined;
}

export interface Cluster extends AsyncDisposable {
  /** Server-side apply; returns the object as it now is (or, in a dry run, would be). */
  apply(object: KubeObject, options: ApplyOptions): Promise<KubeObject>;
  find(ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | undefined>;
  /** All objects of a kind, in all namespaces, page by page. */
  list(kind: KubeKind, signal: AbortSignal): AsyncIterable<KubeObject>;
  /** As `list`, of one namespace, and of each object only its apiVersion, kind and metadata. */
  listMetadata(kind: KubeKind, namespace: string, signal: AbortSignal): AsyncIterable<KubeObject>;
  /** Lists, then follows, all objects of a kind; reconnects by itself; resolves when the signal aborts and never rejects. */
  watch(kind: KubeKind, listener: WatchListener, signal: AbortSignal): Promise<void>;
  /** Asks for deletion. false: it did not exist (or no longer with that uid). */
  remove(ref: ObjectRef, options: RemoveOptions): Promise<boolean>;
  /** How a kind is served; undefined when it is not. Known kinds cost no request; an unknown one is looked up again. */
  findResource(kind: KubeKind, signal: AbortSignal): Promise<ApiResource | undefined>;
  /** Every kind that is served now, of each group its preferred version first. */
  resources(signal: AbortSignal): Promise<ApiResource[]>;
  info(signal: AbortSignal): Promise<ClusterInfo>;
  /** Starts to follow the inventory, until the signal aborts. */
  followInventory(signal: AbortSignal): LiveInventory;
}

/** `apps/v1/Deployment`; the core group as `/v1/Pod`. */
export function formatKind(kind: KubeKind): string {
  return `${kind.group}/${kind.version}/${kind.kind}`;
}

/** Field manager of everything that Applications own. */
export const fieldManager = 'wheelhouse';

/**
 * Whether resource version `a` is later than `b`. They are numbers on every real API server (promised since
 * Kubernetes 1.35); anything else counts as later when it differs.
 */
export function isLater(a: string | undefined, b: string | undefined): boolean {
  if (!a || !b) return true;
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a !== b : x > y;
}
