/**
 * The inventory of the fleet: who is enrolled, with which labels, and who was heard of when.
 * It reports what is; it never decides what runs where, and silence of a cluster changes nothing in it but its state.
 */
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isLabelKey, isLabelValue } from '@wheelhouse/shared/kube/label-syntax';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { AuditLog } from '../store/audit.ts';
import type { DocumentHead } from '../store/documents.ts';
import type { Heard, Presence } from './presence.ts';
import type { ClusterChange, ClusterRecord, FleetRecords } from './records.ts';

/** Expected: a token waits for it. Stale: silent for 90 s. Lost: silent for 10 minutes. */
export type ClusterState = 'Expected' | 'Connected' | 'Stale' | 'Lost';

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
}

export interface Clusters {
  /** Ordered by name; with those that are expected. */
  list(): FleetCluster[];
  find(name: string): FleetCluster | undefined;
  /** Enrolled clusters only: what a cluster generator may choose from. */
  enrolled(): ClusterRecord[];
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

const staleAfterMs = 90_000;
const lostAfterMs = 600_000;
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
    enrolled: () => records.clusters.list(),
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
  records: FleetRecords,
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

function viewOf(record: ClusterRecord, deps: ClustersDeps): FleetCluster {
  const { publicKey: _key, uid: _uid, ...shown } = record;
  const heard = deps.presence.find(record.name);
  const head = deps.head(record.name);
  return {
    ...shown,
    state: stateOf(heard?.at ?? Date.parse(record.enrolledAt), deps.now().getTime()),
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

function stateOf(lastSeen: number, now: number): ClusterState {
  const silentMs = now - lastSeen;
  if (silentMs <= staleAfterMs) return 'Connected';
  return silentMs <= lostAfterMs ? 'Stale' : 'Lost';
}

/** Clusters that a good token waits for. */
function expected({ records, now }: ClustersDeps): Map<string, FleetCluster> {
  const waiting = records.tokens
    .list()
    .filter((token) => !token.usedAt && Date.parse(token.expiresAt) > now().getTime())
    .filter((token) => !records.clusters.find(token.cluster));
  return new Map(
    waiting.map(({ cluster: name, server, labels }) => [
      name,
      { name, server, labels, annotations: {}, state: 'Expected' },
    ]),
  );
}

function merge(current: Record<string, string>, labels: Record<string, string | null>): Record<string, string> {
  const kept = Object.entries(current).filter(([key]) => labels[key] === undefined);
  const set = Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries([...kept, ...set].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Kubernetes: syntax of labels. */
function assertLabels(name: string, labels: Record<string, string | null>): void {
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
