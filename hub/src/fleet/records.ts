import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Claims } from '../failover/claims.ts';
import type { Plan } from '../failover/plan-record.ts';
import type { RuleRecord } from '../failover/rule-record.ts';
import type { Bucket } from '../store/bucket.ts';
import { packJson, unpackJson } from '../store/packed-json.ts';
import { type Formatted, type FormattedKind, refuseNewer, tellNewer } from '../store/record-format.ts';
import type { AppLabels } from './app-labels.ts';
import type { ContactRecord } from './contact.ts';
import type { HistoryEntry } from './metadata.ts';

/** What the hub keeps of a cluster, in KV `fleet`. */
export interface ClusterRecord {
  name: string;
  /** What `destination.server` names it by. */
  server: string;
  /** Argo CD: a cluster that belongs to one project. */
  project?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Labels that only some Applications see. */
  appLabels?: AppLabels[];
  /** NATS user key that it enrolled with. */
  publicKey: string;
  /** uid of its kube-system namespace. */
  uid: string;
  enrolledAt: string;
  /** Who changed the labels last. */
  labelled?: { at: string; by: string };
  /** Labels of the agent as they were last taken over. */
  ownLabels?: Record<string, string>;
  /** Labels of the agent that would have moved Applications: a person sets them, by a plan. */
  heldLabels?: HeldLabels;
  /** Changes of labels and annotations, oldest first. */
  history?: HistoryEntry[];
  /** Its identity was also used by another installation; both are revoked until one is enrolled anew. */
  cloned?: { uid: string; at: string };
  /** It waits for a person: nothing is assigned to it, and it can read nothing. */
  pending?: {
    since: string;
    /** It takes the place of a cluster whose Applications stay assigned meanwhile. */
    replaces?: true;
  };
  approved?: { at: string; by: string };
  /** It may not connect any more. What it runs stays, and its Applications stay assigned. */
  revoked?: { at: string; by: string; reason: string };
  /** It is on its way out; `cascade` says whether its workloads go with it. */
  leaving?: {
    at: string;
    by: string;
    cascade: boolean;
    /** Somebody insisted: it is forgotten without a word of it. */
    forced?: true;
  };
  /** Labels that its token lets the agent choose: name → values, '*' for any. */
  allowedLabels?: Record<string, string[]>;
  /** Names that it had before; destinations that use them still mean it. */
  formerNames?: string[];
  /** When its key was made known; `enrolledAt` when absent. */
  keyedAt?: string;
  /** The key before the present one: its answer may have been lost. */
  previousKey?: string;
  /** Somebody asked for a new key. */
  rekey?: { at: string; by: string };
}

export interface HeldLabels {
  labels: Record<string, string>;
  /** RFC 3339, of the last of them. */
  at: string;
  /** What they would do. */
  reason: string;
}

/** A key that NATS no longer lets in. */
export interface RevocationRecord {
  publicKey: string;
  cluster: string;
  kind: 'revoked' | 'cloned' | 'replaced' | 'rotated' | 'removed' | 'flooding';
  reason: string;
  by: string;
  /** RFC 3339, both. */
  at: string;
  /** No JWT of this key lives longer. */
  until: string;
}

/** An enrolment token without its secret. */
export interface TokenRecord {
  id: string;
  /** A name, or a pattern with '*' that the agent's chosen name must match. */
  cluster: string;
  /** Absent: made from the cluster's name. */
  server?: string;
  labels: Record<string, string>;
  /** Labels that the agent may choose: name → values, '*' for any. */
  allowedLabels?: Record<string, string[]>;
  /** The cluster gets nothing before a person has approved it. */
  approval?: boolean;
  createdAt: string;
  expiresAt: string;
  by: string;
  /** SHA-256 of the secret, hexadecimal. */
  hash: string;
  /** May take the place of a cluster of that name that is enrolled already. */
  replaces: boolean;
  usedAt?: string;
  /** Public key that used it. */
  usedBy?: string;
  /** Name that the agent took. */
  usedFor?: string;
}

/** Which store this is, and whether what clusters hold is being taken over into it. One record, `current`. */
export interface StoreRecord {
  /** Random; the hub's data directory holds it too, so that a store that was lost is noticed. */
  id: string;
  since: string;
  /** Id of the store that this one took the place of. */
  previous?: string;
  /** While it is open, clusters that the hub does not know but once signed for are taken over. */
  adoption?: { openedAt: string; by: string; reason: string; closedAt?: string; closedBy?: string };
}

/** An Application that a cluster runs and that nothing explains. */
export interface AdoptedApplication {
  app: string;
  ns: string;
  project: string;
  revision: string;
  bundle: string;
}

/** What was taken over from a cluster, or why it could not be. */
export interface AdoptedRecord {
  cluster: string;
  /** When its document was taken over. */
  adoptedAt?: string;
  /** Generation that it held then. */
  generation?: number;
  /** It was not known to the hub before. */
  registered?: true;
  problem?: { code: string; message: string; at: string };
  unexplained: AdoptedApplication[];
}

export interface Stored<T> {
  value: T;
  revision: number;
}

export interface ClusterChange {
  name: string;
  before: ClusterRecord | undefined;
  after: ClusterRecord | undefined;
}

/** The KV bucket `fleet` as tables in memory, by one watch: what was written first is seen first, in whichever table. */
export interface FleetRecords {
  clusters: Table<ClusterRecord>;
  tokens: Table<TokenRecord>;
  revocations: Table<RevocationRecord>;
  plans: Table<Plan>;
  claims: Table<Claims>;
  rules: Table<RuleRecord>;
  onRevocation(listener: (record: RevocationRecord) => void): Disposable;
  store: Table<StoreRecord>;
  adopted: Table<AdoptedRecord>;
  contacts: Table<ContactRecord>;
  onClusterChange(listener: (change: ClusterChange) => void): Disposable;
  onPlanChange(listener: (id: string) => void): Disposable;
  onAdoptedChange(listener: () => void): Disposable;
}

export interface Table<T> {
  list(): T[];
  names(): string[];
  find(name: string): T | undefined;
  /** From the store itself, not from the copy. */
  read(name: string): Promise<Stored<T> | undefined>;
  /** `expectedRevision` 0: must not exist. Returns once the copy has it. Throws Conflict. */
  put(name: string, value: T, expectedRevision: number): Promise<void>;
  /** With `expectedRevision` only if nothing came between, else throws Conflict. */
  delete(name: string, expectedRevision?: number): Promise<void>;
}

export async function createFleetRecords(bucket: Bucket, logger: Logger): Promise<FleetRecords> {
  const clusters = new Map<string, ClusterRecord>();
  const tokens = new Map<string, TokenRecord>();
  const revocations = new Map<string, RevocationRecord>();
  const plans = new Map<string, Plan>();
  const claims = new Map<string, Claims>();
  const rules = new Map<string, RuleRecord>();
  const listeners = new Set<(change: ClusterChange) => void>();
  const onRevoked = new Set<(record: RevocationRecord) => void>();
  const onPlan = new Set<(id: string) => void>();
  const store = new Map<string, StoreRecord>();
  const adopted = new Map<string, AdoptedRecord>();
  const contacts = new Map<string, ContactRecord>();
  const adoptedListeners = new Set<() => void>();
  const takePlan = taker('plan', plans, logger);
  const takers: Record<string, (name: string, value: Uint8Array | undefined) => void> = {
    token: (name, value) => void replace(tokens, name, value),
    rule: taker('rule', rules, logger),
    claim: (name, value) => void replace(claims, name, value),
    store: (name, value) => void replace(store, name, value),
    contact: (name, value) => void replace(contacts, name, value),
    revocation: (name, value) => {
      const record = replace(revocations, name, value);
      if (record) for (const listener of onRevoked) listener(record);
    },
    plan: (name, value) => {
      takePlan(name, value);
      for (const listener of onPlan) listener(name);
    },
    adopted: (name, value) => {
      replace(adopted, name, value);
      for (const listener of adoptedListeners) listener();
    },
    cluster: (name, value) => {
      const before = clusters.get(name);
      const change = { name, before, after: replace(clusters, name, value) };
      for (const listener of listeners) listener(change);
    },
  };
  await bucket.watchAll(({ key, value }) => {
    const dot = key.indexOf('.');
    takers[key.slice(0, dot)]?.(key.slice(dot + 1), value);
  });
  return {
    clusters: createTable(bucket, 'cluster', clusters),
    tokens: createTable(bucket, 'token', tokens),
    revocations: createTable(bucket, 'revocation', revocations),
    plans: formatted('plan', createTable(bucket, 'plan', plans)),
    claims: createTable(bucket, 'claim', claims),
    rules: formatted('rule', createTable(bucket, 'rule', rules)),
    onClusterChange: (listener) => register(listeners, listener),
    onRevocation: (listener) => register(onRevoked, listener),
    onPlanChange: (listener) => register(onPlan, listener),
    store: createTable(bucket, 'store', store),
    adopted: createTable(bucket, 'adopted', adopted),
    contacts: createTable(bucket, 'contact', contacts),
    onAdoptedChange: (listener) => register(adoptedListeners, listener),
  };
}

function register<T>(listeners: Set<T>, listener: T): Disposable {
  listeners.add(listener);
  return { [Symbol.dispose]: () => void listeners.delete(listener) };
}

function createTable<T>(bucket: Bucket, prefix: string, copy: ReadonlyMap<string, T>): Table<T> {
  return {
    list: () => [...copy.values()],
    names: () => [...copy.keys()],
    find: (name) => copy.get(name),
    read: async (name) => {
      const entry = await bucket.get(`${prefix}.${name}`);
      return entry && { value: unpackJson(entry.value) as T, revision: entry.revision };
    },
    put: async (name, value, expectedRevision) => {
      await bucket.caughtUp(await bucket.put(`${prefix}.${name}`, packJson(value), expectedRevision));
    },
    delete: async (name, expectedRevision) => await bucket.delete(`${prefix}.${name}`, expectedRevision),
  };
}

function taker<T extends Formatted>(kind: FormattedKind, copy: Map<string, T>, logger: Logger) {
  return (name: string, value: Uint8Array | undefined): void => {
    const before = copy.get(name);
    tellNewer({ kind, name }, { before, after: replace(copy, name, value) }, logger);
  };
}

/** What is written was made of what was read: a newer record is not written over by who knows only a part of it. */
function formatted<T extends Formatted>(kind: FormattedKind, table: Table<T>): Table<T> {
  return {
    ...table,
    put: async (name, value, expectedRevision) => {
      refuseNewer(kind, name, value);
      await table.put(name, value, expectedRevision);
    },
  };
}

function replace<T>(copy: Map<string, T>, name: string, value: Uint8Array | undefined): T | undefined {
  if (!value) {
    copy.delete(name);
    return undefined;
  }
  const parsed = unpackJson(value) as T;
  copy.set(name, parsed);
  return parsed;
}
