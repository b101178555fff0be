import type { Inventory } from './inventory.ts';
import type { OrphanReport } from './orphans.ts';

export type SyncStatus = 'Synced' | 'OutOfSync' | 'Unknown';
export type HealthStatus = 'Healthy' | 'Suspended' | 'Progressing' | 'Missing' | 'Degraded' | 'Unknown';
/** Argo CD: operation phases. */
export type OperationPhase = 'Running' | 'Terminating' | 'Succeeded' | 'Failed' | 'Error';

/** What a spoke says of one Application. Ordered by `(gen, seq)`: a reader drops what is older. */
export interface AppStatus {
  v: 1;
  app: string;
  /** Generation of the document that this describes. */
  gen: number;
  /** Grows with each status that this agent sends of this Application, across restarts. */
  seq: number;
  revision: string;
  bundle: string;
  sync: SyncStatus;
  health: { status: HealthStatus; message?: string };
  operation?: OperationState;
  /** At most 100, failing ones first; `total` says how many there are. */
  resources: ResourceStatus[];
  total: number;
  firstBad?: ResourceStatus;
  conditions: { type: string; message: string }[];
  /** Absent where its project does not ask for orphaned resources, and until they were looked for. */
  orphans?: OrphanReport;
  /** RFC 3339: when the spoke looked. */
  observedAt: string;
  traceparent?: string;
  /** What is reported is the Application as a standby. */
  standby?: true;
  /** The tombstone was carried out: the Application is no longer here. */
  removed?: true;
}

export interface OperationState {
  /** Id of the operation asked for, or absent for an automated one. */
  id?: string;
  phase: OperationPhase;
  message: string;
  revision: string;
  startedAt: string;
  finishedAt?: string;
  retryCount: number;
}

export interface ResourceStatus {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  sync: SyncStatus;
  health?: HealthStatus;
  message?: string;
  /** true: on the cluster and ours, but no longer desired. */
  requiresPruning?: true;
  hook?: true;
}

/** Sent every 30 s as a request; the reply may ask for more. */
export interface Heartbeat {
  v: 1;
  cluster: string;
  /** Identity of the installation (uid of the kube-system namespace): two for one key are clones. */
  uid: string;
  /** Random, one for each process: one that speaks again after another has spoken shares its identity with it. */
  instance?: string;
  /** Its credentials are those of a cluster that waits for approval. */
  pending?: true;
  /** Those that it uses; RFC 3339, by the hub's clock, which issued them. */
  credentials?: { issuedAt: string; expiresAt: string };
  appliedGen: number;
  /** `statusDigest` of everything reported. */
  statusDigest: string;
  agentVersion: string;
  kubernetesVersion: string;
  /** Highest version of a document that it reads; absent from agents that read no more than 2. */
  documents?: number;
  at: string;
  /** Documents and bundles refused since the agent started, and the last of them. */
  rejected?: { count: number; code: string; message: string; at: string } | undefined;
  /** Absent until everything in it is known. */
  inventory?: Inventory;
  /** Why the inventory is not known, or may be old. */
  inventoryProblem?: string;
  /** Absent from agents that cannot look for orphaned resources. `surveyedAt`: when all namespaces were looked at last (RFC 3339); `problem`: why that could not be done since. */
  orphans?: { surveyedAt?: string; problem?: string };
}

export interface HeartbeatReply {
  /** Newest generation the hub published for this cluster. */
  gen: number;
  /** The hub's picture differs: send every status again. */
  resend: boolean;
  /** With `resend`: the highest `seq` that the hub knows of this cluster; what is sent again must be above it. */
  seqFloor?: number;
  /** Something about its identity changed (approved, renamed, a new key is wanted): renew credentials now. */
  renew?: true;
}
