/**
 * The inventory of the fleet: who is enrolled, with which labels, and who was heard of when.
 * It reports what is; it never decides what runs where, and silence of a cluster changes nothing in it but its state.
 */
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isClusterPattern } from '@wheelhouse/shared/protocol/cluster-name';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';
import type { Registration } from '@wheelhouse/shared/protocol/registration';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { ImportedCluster } from '@wheelhouse/shared/resources/cluster-secret';
import type { AuditLog } from '../store/audit.ts';
import type { DocumentHead } from '../store/documents.ts';
import { type AppLabels, type AppLabelsChange, changeAppLabels } from './app-labels.ts';
import { type ClusterState, clockSkewOf, stateOf } from './cluster-state.ts';
import { assumedDocument } from './document-due.ts';
import { heardFrom } from './former-names.ts';
import type { Imports } from './imports.ts';
import {
  type Author,
  assertAnnotations,
  assertLabels,
  type ChangedMetadata,
  changeMetadata,
  type HistoryEntry,
  type MetadataChange,
} from './metadata.ts';
import { allowedLabels, newOwnLabels, stillHeld } from './own-labels.ts';
import type { Heard, Presence } from './presence.ts';
import type { AdoptedRecord, ClusterChange, ClusterRecord, FleetRecords, HeldLabels } from './records.ts';

export interface FleetCluster {
  name: string;
  server: string;
  project?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Labels that only some Applications see. */
  appLabels?: AppLabels[];
  state: ClusterState;
  /** RFC 3339, as NATS saw it. */
  lastSeenAt?: string;
  agentVersion?: string;
  kubernetesVersion?: string;
  /** Newest generation that was published for it. */
  generation?: number;
  /** Generation that it says it acts upon. A generation is only ever chosen above both. */
  appliedGeneration?: number;
  /** Highest version of a document that its agent reads, as of `lastSeenAt`. */
  readsDocuments?: number;
  /** Documents and bundles that it refused. */
  rejected?: Heartbeat['rejected'];
  /** What it says that it has, as of `lastSeenAt`. */
  inventory?: Inventory;
  /** Why the inventory is absent, or may be old. */
  inventoryProblem?: string;
  /** Labels that its agent reports and that its token did not allow. */
  refusedLabels?: string[];
  /** Labels that its agent reports and that would have moved Applications: a person sets them, by a plan. */
  heldLabels?: HeldLabels;
  /** Credentials that its agent used as of `lastSeenAt`. */
  credentials?: NonNullable<Heartbeat['credentials']>;
  /** What became of what it held when the hub had lost its store, or an older copy of that came back. */
  adoption?: ClusterAdoption;
  enrolledAt?: string;
  labelled?: { at: string; by: string };
  cloned?: { uid: string; at: string };
  /** How far its clock is ahead of NATS' (negative: behind), when that is more than 30 s. */
  clockSkewMs?: number;
  pending?: NonNullable<ClusterRecord['pending']>;
  approved?: NonNullable<ClusterRecord['approved']>;
  revoked?: NonNullable<ClusterRecord['revoked']>;
  leaving?: NonNullable<ClusterRecord['leaving']>;
  rekey?: NonNullable<ClusterRecord['rekey']>;
  /** When its key was made known. */
  keyedAt?: string;
  allowedLabels?: Record<string, string[]>;
  /** Names that it had before; destinations that use them still mean it. */
  formerNames?: string[];
}

export interface SettledLabels {
  taken: Readonly<Record<string, string>>;
  held: Readonly<Record<string, string>>;
  /** What those that are held would do. */
  reason: string;
}

export interface ClusterAdoption {
  /** WaitsForConfirmation: it runs Applications that nothing explains, until a person decides. */
  state: 'Adopted' | 'WaitsForConfirmation' | 'Failed';
  /** When its document was taken over, and which. */
  adoptedAt?: string;
  generation?: number;
  /** Applications that nothing explains. */
  unexplained: number;
  /** Why its document could not be taken over. */
  problem?: { code: string; message: string; at: string };
}

export interface Clusters {
  /** Ordered by name; with those that are expected. */
  list(): FleetCluster[];
  find(name: string): FleetCluster | undefined;
  /** What a cluster generator may choose from: not those that wait for a first approval, or that leave. */
  enrolled(): ClusterRecord[];
  /** Those, and clusters that are announced and whose agent has not enrolled yet: what may be generated for and named. */
  registered(): (ClusterRecord | ImportedCluster)[];
  /** A Secret announces it and its agent has not enrolled. */
  isAnnounced(name: string): boolean;
  /** Enrolled ones and those that leave: who may have a document. */
  assignable(): ClusterRecord[];
  /**
   * The one way in which labels change; null removes one. Throws NotFound, Invalid, Forbidden for a label of the hub,
   * Conflict.
   */
  setLabels(name: string, labels: MetadataChange, who: string | Author): Promise<FleetCluster>;
  /** As `setLabels`, as only the selected Applications see them; what is as the cluster's own is let go of. */
  setAppLabels(name: string, change: AppLabelsChange, who: Author): Promise<FleetCluster>;
  /** As `setLabels`. */
  setAnnotations(name: string, annotations: MetadataChange, who: string | Author): Promise<FleetCluster>;
  /** What an agent reports, as far as it is allowed and new: neither taken over nor held. */
  newOwnLabels(name: string, reported: Readonly<Record<string, string>> | undefined): Record<string, string>;
  /** Takes over some of an agent's labels, and remembers why others are held. */
  settleOwnLabels(name: string, settled: SettledLabels): Promise<void>;
  /** Changes of its labels and annotations, oldest first. Throws NotFound. */
  history(name: string): HistoryEntry[];
  /** What its document says of it, for a hub that lost its store. */
  registration(name: string): Registration | undefined;
  /** After each change of a record (not of a state, which follows from time). */
  onChange(listener: (change: ClusterChange) => void): Disposable;
}

export interface ClustersDeps {
  records: Pick<FleetRecords, 'clusters' | 'tokens' | 'adopted' | 'onClusterChange'>;
  presence: Presence;
  /** Clusters that Secrets of Argo CD announce. */
  imports?: Pick<Imports, 'list' | 'find'>;
  head(cluster: string): DocumentHead | undefined;
  audit: AuditLog;
  /** Silence after which a cluster is Lost; default 10 minutes. */
  lostAfterMs?: number | undefined;
  now: () => Date;
}

const attempts = 5;

export function createClusters(deps: ClustersDeps): Clusters {
  const { records, imports, audit, now } = deps;
  const find = (name: string): FleetCluster | undefined => {
    const record = records.clusters.find(name);
    return record ? viewOf(record, deps) : expected(deps).get(name);
  };
  const edit = async (name: string, changed: ChangedMetadata & { settled?: SettledLabels }, author: Author) => {
    const { settled, ...metadata } = changed;
    const before = records.clusters.find(name);
    const record = await change(records, name, (current) => {
      const next = changeMetadata(current, metadata, { ...author, at: now().toISOString() });
      return settled ? withSettled(next, settled, now()) : next;
    });
    const action = metadata.annotations ? 'annotate cluster' : 'label cluster';
    if (record.history !== before?.history)
      await audit.append({
        by: author.by,
        action,
        object: name,
        details: { ...metadata, reason: author.reason ?? '' },
      });
    return viewOf(record, deps);
  };
  return {
    list: () => {
      const known = records.clusters.list().map((record) => viewOf(record, deps));
      return [...known, ...expected(deps).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    find,
    enrolled: () => assignable(records).filter((record) => !record.leaving),
    registered: () => [...assignable(records).filter((record) => !record.leaving), ...announced(deps)],
    isAnnounced: (name) => imports?.find(name) !== undefined && announced(deps).some((one) => one.name === name),
    assignable: () => assignable(records),
    setLabels: async (name, labels, who) => {
      assertLabels(name, labels);
      return await edit(name, { labels }, authorOf(who));
    },
    setAppLabels: async (name, appLabels, who) => await setAppLabels(name, appLabels, { ...deps, who }),
    setAnnotations: async (name, annotations, who) => {
      assertAnnotations(name, annotations);
      return await edit(name, { annotations }, authorOf(who));
    },
    newOwnLabels: (name, reported) => {
      const known = records.clusters.find(name);
      return known ? newOwnLabels(known, reported, now()) : {};
    },
    settleOwnLabels: async (name, settled) => {
      const by = `the agent of ${name}`;
      const before = records.clusters.find(name)?.heldLabels?.labels ?? {};
      await edit(name, { labels: settled.taken, settled }, { by, reason: 'its own labels' });
      const { held: labels, reason } = settled;
      if (Object.entries(labels).some(([key, value]) => before[key] !== value))
        await audit.append({ by, action: 'hold labels', object: name, details: { labels, reason } });
    },
    history: (name) => historyOf(name, records),
    registration: (name) => registrationOf(records.clusters.find(name)),
    onChange: (listener) => records.onClusterChange(listener),
  };
}

function withSettled(record: ClusterRecord, { taken, held, reason }: SettledLabels, now: Date): ClusterRecord {
  const labels = { ...record.heldLabels?.labels, ...held };
  for (const key of Object.keys(taken)) delete labels[key];
  const { heldLabels, ...rest } = record;
  const isHeldAnew = Object.keys(held).length > 0;
  const next = isHeldAnew || !heldLabels ? { labels, at: now.toISOString(), reason } : { ...heldLabels, labels };
  return {
    ...rest,
    ownLabels: { ...record.ownLabels, ...taken },
    ...(Object.keys(labels).length > 0 ? { heldLabels: next } : {}),
  };
}

async function setAppLabels(
  name: string,
  appLabels: AppLabelsChange,
  { who, ...deps }: ClustersDeps & { who: Author },
): Promise<FleetCluster> {
  const { records, audit, now } = deps;
  assertLabels(name, appLabels.labels);
  const before = records.clusters.find(name);
  const record = await change(records, name, (current) =>
    changeAppLabels(current, appLabels, { ...who, at: now().toISOString() }),
  );
  const details = { ...appLabels, reason: who.reason ?? '' };
  if (record.history !== before?.history)
    await audit.append({ by: who.by, action: 'label cluster for some applications', object: name, details });
  return viewOf(record, deps);
}

/** Changes a record by compare-and-set, again when somebody was faster. Throws NotFound, Conflict. */
export async function change(
  records: Pick<FleetRecords, 'clusters'>,
  name: string,
  edit: (current: ClusterRecord) => ClusterRecord,
): Promise<ClusterRecord> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await records.clusters.read(name);
    if (!stored) throw new FleetError('NotFound', `there is no enrolled cluster ${name}`);
    const next = edit(stored.value);
    if (next === stored.value) return next;
    try {
      await records.clusters.put(name, next, stored.revision);
      return next;
    } catch (error) {
      if (!isFleetError(error, 'Conflict') || attempt === attempts) throw error;
    }
  }
}

/** While a cluster is renamed, there are two records of it for a moment: the one with the new name counts. */
function assignable({ clusters }: Pick<FleetRecords, 'clusters'>): ClusterRecord[] {
  const all = clusters.list();
  const former = new Map(
    all.flatMap(({ formerNames = [], publicKey }) => formerNames.map((name) => [name, publicKey])),
  );
  const isNew = ({ pending }: ClusterRecord) => pending !== undefined && !pending.replaces;
  return all.filter((record) => !isNew(record) && former.get(record.name) !== record.publicKey);
}

function viewOf(record: ClusterRecord, deps: ClustersDeps): FleetCluster {
  const { publicKey: _key, previousKey: _previous, uid: _uid, history: _history, ...visible } = record;
  const { ownLabels: _own, heldLabels: _held, ...shown } = visible;
  const heard = heardFrom(record, deps.presence);
  const skewMs = heard && clockSkewOf(heard);
  const head = deps.head(record.name);
  const held = stillHeld(record, heard?.heartbeat.inventory?.labels);
  return {
    ...shown,
    state: stateOf(record, heard, { now: deps.now().getTime(), lostAfterMs: deps.lostAfterMs }),
    ...(skewMs === undefined ? {} : { clockSkewMs: skewMs }),
    ...(head ? { generation: head.gen } : {}),
    ...(held ? { heldLabels: held } : {}),
    ...adoptionOf(deps.records.adopted.find(record.name)),
    ...(heard ? heardOf(heard, record) : {}),
  };
}

function adoptionOf(record: AdoptedRecord | undefined): Pick<FleetCluster, 'adoption'> {
  if (!record) return {};
  const { adoptedAt, generation, problem, unexplained } = record;
  const state = problem ? 'Failed' : unexplained.length > 0 ? 'WaitsForConfirmation' : 'Adopted';
  if (state === 'Adopted' && adoptedAt === undefined) return {};
  return {
    adoption: {
      state,
      ...(adoptedAt === undefined ? {} : { adoptedAt }),
      ...(generation === undefined ? {} : { generation }),
      unexplained: unexplained.length,
      ...(problem ? { problem } : {}),
    },
  };
}

function heardOf({ at, heartbeat }: Heard, record: ClusterRecord): Partial<FleetCluster> {
  const { documents = assumedDocument } = heartbeat;
  const { agentVersion, kubernetesVersion, appliedGen, rejected, inventory, inventoryProblem, credentials } = heartbeat;
  const { refused } = allowedLabels(record, inventory?.labels);
  return {
    lastSeenAt: new Date(at).toISOString(),
    agentVersion,
    kubernetesVersion,
    appliedGeneration: appliedGen,
    readsDocuments: documents,
    ...(rejected ? { rejected } : {}),
    ...(credentials ? { credentials } : {}),
    ...(inventory ? { inventory: withAllowed(inventory, record) } : {}),
    ...(refused.length > 0 ? { refusedLabels: refused } : {}),
    ...(inventoryProblem === undefined ? {} : { inventoryProblem }),
  };
}

function withAllowed({ labels, ...inventory }: Inventory, record: ClusterRecord): Inventory {
  return labels ? { ...inventory, labels: allowedLabels(record, labels).accepted } : inventory;
}

function authorOf(who: string | Author): Author {
  return typeof who === 'string' ? { by: who } : who;
}

function historyOf(name: string, records: Pick<FleetRecords, 'clusters'>): HistoryEntry[] {
  const record = records.clusters.find(name);
  if (record) return record.history ?? [];
  throw new FleetError('NotFound', `there is no enrolled cluster ${name}`);
}

/** All but its name, which the document says, and its history. */
function registrationOf(record: ClusterRecord | undefined): Registration | undefined {
  if (!record) return undefined;
  const { name: _name, history: _history, ...registration } = record;
  return registration;
}

/** Clusters that Secrets announce and that nobody has enrolled. */
function announced({ records, imports }: ClustersDeps): ImportedCluster[] {
  const taken = new Set(records.clusters.list().flatMap(({ name, formerNames = [] }) => [name, ...formerNames]));
  return (imports?.list() ?? []).filter(({ name }) => !taken.has(name));
}

/** Clusters that a good token waits for, or that a Secret announces: what the Secret says counts until they enrol. */
function expected(deps: ClustersDeps): Map<string, FleetCluster> {
  const { records, now } = deps;
  const waiting = records.tokens
    .list()
    .filter((token) => !token.usedAt && Date.parse(token.expiresAt) > now().getTime())
    .filter(({ cluster }) => !isClusterPattern(cluster) && !records.clusters.find(cluster))
    .map(({ cluster: name, server, labels }) => ({ name, server: server ?? '', labels, annotations: {} }));
  return new Map([...waiting, ...announced(deps)].map((one) => [one.name, { ...one, state: 'Expected' }]));
}
