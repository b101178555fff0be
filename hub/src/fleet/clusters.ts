/**
 * The inventory of the fleet: who is enrolled, with which labels, and who was heard of when.
 * It reports what is; it never decides what runs where, and silence of a cluster changes nothing in it but its state.
 */
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isLabelKey, isLabelValue } from '@wheelhouse/shared/kube/label-syntax';
import { isClusterPattern } from '@wheelhouse/shared/protocol/cluster-name';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { AuditLog } from '../store/audit.ts';
import type { DocumentHead } from '../store/documents.ts';
import { type ClusterState, clockSkewOf, stateOf } from './cluster-state.ts';
import type { Heard, Presence } from './presence.ts';
import type { ClusterChange, ClusterRecord, FleetRecords } from './records.ts';

export interface FleetCluster {
  name: string;
  server: string;
  project?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: ClusterState;
  /** RFC 3339, as NATS saw it. */
  lastSeenAt?: string;
  agentVersion?: string;
  kubernetesVersion?: string;
  /** Newest generation that was published for it. */
  generation?: number;
  /** Generation that it says it acts upon. A generation is only ever chosen above both. */
  appliedGeneration?: number;
  /** Documents and bundles that it refused. */
  rejected?: Heartbeat['rejected'];
  /** What it says that it has, as of `lastSeenAt`. */
  inventory?: Inventory;
  /** Why the inventory is absent, or may be old. */
  inventoryProblem?: string;
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

export interface Clusters {
  /** Ordered by name; with those that are expected. */
  list(): FleetCluster[];
  find(name: string): FleetCluster | undefined;
  /** What a cluster generator may choose from: not those that wait for a first approval, or that leave. */
  enrolled(): ClusterRecord[];
  /** Enrolled ones and those that leave: who may have a document. */
  assignable(): ClusterRecord[];
  /** Sets labels; null removes one. Throws NotFound, Invalid, Forbidden for a label of the hub, Conflict. */
  setLabels(name: string, labels: Record<string, string | null>, by: string): Promise<FleetCluster>;
  /** After each change of a record (not of a state, which follows from time). */
  onChange(listener: (change: ClusterChange) => void): Disposable;
}

export interface ClustersDeps {
  records: FleetRecords;
  presence: Presence;
  head(cluster: string): DocumentHead | undefined;
  audit: AuditLog;
  now: () => Date;
}

const attempts = 5;

export function createClusters(deps: ClustersDeps): Clusters {
  const { records, audit, now } = deps;
  const find = (name: string): FleetCluster | undefined => {
    const record = records.clusters.find(name);
    return record ? viewOf(record, deps) : expected(deps).get(name);
  };
  return {
    list: () => {
      const known = records.clusters.list().map((record) => viewOf(record, deps));
      return [...known, ...expected(deps).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    find,
    enrolled: () => assignable(records).filter((record) => !record.leaving),
    assignable: () => assignable(records),
    setLabels: async (name, labels, by) => {
      assertLabels(name, labels);
      const record = await change(records, name, (current) => ({
        ...current,
        labels: merge(current.labels, labels),
        labelled: { at: now().toISOString(), by },
      }));
      await audit.append({ by, action: 'label cluster', object: name, details: { labels } });
      return viewOf(record, deps);
    },
    onChange: (listener) => records.onClusterChange(listener),
  };
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
    try {
      await records.clusters.put(name, next, stored.revision);
      return next;
    } catch (error) {
      if (!isFleetError(error, 'Conflict') || attempt === attempts) throw error;
    }
  }
}

/** While a cluster is renamed, there are two records of it for a moment: the one with the new name counts. */
function assignable({ clusters }: FleetRecords): ClusterRecord[] {
  const all = clusters.list();
  const former = new Map(
    all.flatMap(({ formerNames = [], publicKey }) => formerNames.map((name) => [name, publicKey])),
  );
  const isNew = ({ pending }: ClusterRecord) => pending !== undefined && !pending.replaces;
  return all.filter((record) => !isNew(record) && former.get(record.name) !== record.publicKey);
}

/** Under its name, or, before its agent has followed a renaming, under the one before. */
function heardFrom({ name, formerNames = [] }: ClusterRecord, presence: Presence): Heard | undefined {
  return presence.find(name) ?? presence.find(formerNames.at(-1) ?? '');
}

function viewOf(record: ClusterRecord, deps: ClustersDeps): FleetCluster {
  const { publicKey: _key, previousKey: _previous, uid: _uid, ...shown } = record;
  const heard = heardFrom(record, deps.presence);
  const skewMs = heard && clockSkewOf(heard);
  const head = deps.head(record.name);
  return {
    ...shown,
    state: stateOf(record, heard, deps.now().getTime()),
    ...(skewMs === undefined ? {} : { clockSkewMs: skewMs }),
    ...(head ? { generation: head.gen } : {}),
    ...(heard ? heardOf(heard) : {}),
  };
}

function heardOf({ at, heartbeat }: Heard): Partial<FleetCluster> {
  const { agentVersion, kubernetesVersion, appliedGen, rejected, inventory, inventoryProblem } = heartbeat;
  return {
    lastSeenAt: new Date(at).toISOString(),
    agentVersion,
    kubernetesVersion,
    appliedGeneration: appliedGen,
    ...(rejected ? { rejected } : {}),
    ...(inventory ? { inventory } : {}),
    ...(inventoryProblem === undefined ? {} : { inventoryProblem }),
  };
}

/** Clusters that a good token waits for. */
function expected({ records, now }: ClustersDeps): Map<string, FleetCluster> {
  const waiting = records.tokens
    .list()
    .filter((token) => !token.usedAt && Date.parse(token.expiresAt) > now().getTime())
    .filter(({ cluster }) => !isClusterPattern(cluster) && !records.clusters.find(cluster));
  return new Map(
    waiting.map(({ cluster: name, server, labels }) => [
      name,
      { name, server: server ?? '', labels, annotations: {}, state: 'Expected' },
    ]),
  );
}

function merge(current: Record<string, string>, labels: Record<string, string | null>): Record<string, string> {
  const kept = Object.entries(current).filter(([key]) => labels[key] === undefined);
  const set = Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries([...kept, ...set].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Kubernetes: syntax of labels; null removes one. Throws Invalid, and Forbidden for a label of the hub. */
export function assertLabels(name: string, labels: Readonly<Record<string, string | null>>): void {
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith('wheelhouse.dev/'))
      throw new FleetError('Forbidden', `label ${key} of ${name} belongs to the hub`);
    if (!isLabelKey(key))
      throw new FleetError('Invalid', `label ${JSON.stringify(key)} of ${name} is not a valid label name`);
    if (value !== null && !isLabelValue(value))
      throw new FleetError(
        'Invalid',
        `value ${JSON.stringify(value)} of label ${key} of ${name} is not a valid label value`,
      );
  }
}
