import type { AssignedWindow } from '../schedule/sync-window.ts';
import type { OrphanPolicy } from './orphans.ts';
import type { Registration } from './registration.ts';

/**
 * The document of a cluster: everything it should run, signed by the hub.
 * Generations only grow; what is absent is left alone; only a tombstone deletes.
 */
export interface AssignmentDocument {
  /**
   * 2 when anything in it is to be written as a service account: an agent that knows version 1 only would write it with all
   * of its own rights, and refuses the document instead. 3 when rules of what is ignored travel once (`packRules`): for
   * agents whose heartbeats say that they read it, for one that does not would ignore no difference.
   */
  v: 1 | 2 | 3;
  cluster: string;
  gen: number;
  /** Id of the key that signed it. */
  kid: string;
  /** RFC 3339. Not part of the comparison that decides whether to publish. */
  issuedAt: string;
  apps: AssignedApp[];
  ops: AssignedOperation[];
  tombstones: Tombstone[];
  /** For the hub itself, should it lose its store. */
  registration?: Registration;
  /** By project: what is to be looked for in the namespaces of its Applications. Agents that do not know it do not say `orphans` in heartbeats. */
  orphans?: Record<string, OrphanPolicy>;
  /** Gzipped bundles (base64, by digest) that changed since the last generation, when they fit 64 KB together. */
  inline?: Record<string, string>;
}

/** What this version reads, as an agent says it in heartbeats. */
export const newestDocument = 3;

export interface AssignedApp {
  /** Application id, see `applicationId`. */
  app: string;
  /** Destination namespace: given to namespaced manifests that name none. May be ''. */
  ns: string;
  project: string;
  /** Commit SHA, or chart version. */
  revision: string;
  /** `sha256:<hex>` of the uncompressed canonical manifests. */
  bundle: string;
  /** Facts bound at the spoke rather than in the render, so that clusters share one bundle. */
  vars: Record<string, string>;
  policy: AssignedPolicy;
  /** Order among the Applications of this cluster; lower first. */
  wave: number;
  /** W3C trace context of the commit that led here. */
  traceparent?: string;
}

/** The part of an Application's spec that the spoke acts upon. */
export interface AssignedPolicy {
  /** Absent: never synced without an operation. */
  automated?: { prune: boolean; selfHeal: boolean; allowEmpty: boolean };
  /** It is kept ready and does nothing: no replicas, suspended CronJobs and Jobs. */
  standby?: true;
  /** Argo CD: impersonation. Absent: written with the agent's own rights; `problem`: the project names nobody, and nothing is written. */
  actAs?: { user: string } | { problem: string };
  /** Argo CD sync options of the Application, as written (`CreateNamespace=true`). */
  syncOptions: string[];
  retry?: { limit: number; backoff: { durationMs: number; factor: number; maxDurationMs: number } };
  /** The project's sync windows that apply to it; the spoke keeps to them by its own clock. */
  windows?: AssignedWindow[];
  managedNamespaceMetadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  ignoreDifferences?: IgnoreDifference[];
  /** Kinds (`group/Kind`, '*' allowed) that the project permits; checked again at the spoke for what hooks and prunes touch. */
  revisionHistoryLimit?: number;
}

export interface IgnoreDifference {
  group?: string;
  kind: string;
  name?: string;
  namespace?: string;
  jsonPointers?: string[];
  jqPathExpressions?: string[];
  managedFieldsManagers?: string[];
}

/** Something a person asked for once. The spoke remembers the last 100 ids and acts on each once. */
export interface AssignedOperation {
  id: string;
  type: 'sync' | 'refresh' | 'terminate';
  app: string;
  /** RFC 3339; ignored after that. */
  expiresAt: string;
  /** Who asked, for the record. */
  by: string;
  sync?: {
    prune: boolean;
    dryRun: boolean;
    force: boolean;
    syncOptions: string[];
    /** Its Jobs are made anew, and it ends when they have, or as Failed at `expiresAt`: a failover hook. */
    runJobs?: true;
    resources?: { group: string; kind: string; namespace: string; name: string }[];
  };
}

/** The only thing that deletes: it stays in the document until the spoke reports the Application as removed. */
export interface Tombstone {
  app: string;
  reason: string;
  /** true: delete its resources; false: leave them running and forget them. */
  cascade: boolean;
  /** Whom its project names now; absent: as whom it was written last. */
  actAs?: { user: string };
}

/** Argo CD's name of an Application in tracking ids: its name, or `<namespace>_<name>` outside the control namespace. */
export function applicationId(namespace: string, name: string, controlNamespace = 'argocd'): string {
  return namespace === controlNamespace ? name : `${namespace}_${name}`;
}
