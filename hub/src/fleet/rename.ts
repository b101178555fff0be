import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { assertClusterName } from '@wheelhouse/shared/protocol/cluster-name';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import type { AuditLog } from '../store/audit.ts';
import type { Clusters } from './clusters.ts';
import { emptied } from './emptied.ts';
import type { ClusterRecord, FleetRecords, Stored } from './records.ts';

export interface RenameDeps {
  records: Pick<FleetRecords, 'clusters' | 'adopted'>;
  clusters: Pick<Clusters, 'find'>;
  documents: {
    find(cluster: string): Promise<{ document: AssignmentDocument; seq: number } | undefined>;
    publish(document: AssignmentDocument, expectedSeq: number): Promise<number>;
    clusters(): string[];
    head(cluster: string): { seq: number } | undefined;
  };
  withdrawals(cluster: string): { app: string }[];
  /** Generated Applications of this cluster that hold its name in theirs: their set would make others in their place. */
  namedAfter(cluster: string): string[];
  /** A failover plan that is at work on this cluster, and a rollout whose run has it, by their ids. */
  planOn(cluster: string): string | undefined;
  rolloutOn(cluster: string): string | undefined;
  /** Whether its agent speaks under this name. */
  isHeard(cluster: string): boolean;
  purge(cluster: string): Promise<void>;
  audit: AuditLog;
  now: () => Date;
}

export interface Renames {
  /**
   * Gives a cluster another name; its address, labels, workloads and statuses stay. Destinations that use the old name still
   * mean it. Its agent follows at its next heartbeat. Throws NotFound, Conflict, Invalid.
   */
  rename(from: string, to: string, options: { by: string; force?: boolean }): Promise<void>;
  /** Finishes what was interrupted, and clears away what is left of names that are no longer used. */
  settle(): Promise<void>;
}

export function createRenames(deps: RenameDeps): Renames {
  const { records, audit } = deps;
  const cleared = new Set<string>();
  const clearLeftovers = createClearing(deps);
  return {
    rename: async (from, to, { by, force = false }) => {
      const stored = await records.clusters.read(from);
      if (!stored) throw new FleetError('NotFound', `there is no enrolled cluster ${from}`);
      assertMayRename(deps, { stored, to, force });
      await carryDocument(deps, from, to);
      const formerNames = [...(stored.value.formerNames ?? []).filter((name) => name !== to), from];
      await records.clusters.put(to, { ...stored.value, name: to, formerNames }, 0);
      await records.clusters.delete(from);
      await carryAdoption(deps, from, to);
      // it may have been cleared when the cluster had this name before
      cleared.delete(from);
      await audit.append({ by, action: 'rename cluster', object: to, details: { from } });
    },
    settle: async () => {
      for (const { name, formerNames = [], publicKey } of records.clusters.list())
        for (const former of formerNames) {
          const left = records.clusters.find(former);
          if (left?.publicKey === publicKey) await records.clusters.delete(former);
          if (!left) await carryAdoption(deps, former, name);
          if (left || cleared.has(former) || !deps.isHeard(name)) continue;
          await clearFormer(deps, former);
          cleared.add(former);
        }
      await clearLeftovers();
    },
  };
}

function assertMayRename(
  deps: RenameDeps,
  { stored, to, force }: { stored: Stored<ClusterRecord>; to: string; force: boolean },
): void {
  const { name, revoked, leaving, pending } = stored.value;
  assertClusterName(to);
  if (name === to) throw new FleetError('Invalid', `cluster ${name} has that name already`);
  assertNameIsFree(deps.records, to, name);
  const state = revoked ? 'revoked' : leaving ? 'being removed' : pending ? 'waiting for approval' : undefined;
  if (state) throw new FleetError('Conflict', `cluster ${name} is ${state}: it cannot be renamed now`);
  assertIsIdle(deps, name);
  const named = deps.namedAfter(name);
  if (named.length > 0 && !force)
    throw new FleetError(
      'Conflict',
      `generated Applications hold the name ${name} in theirs (${list(named)}): their sets would remove them and make others; change the templates, or insist with --force`,
    );
}

/** What is under way on a cluster names it. Throws Conflict. */
function assertIsIdle(deps: RenameDeps, name: string): void {
  const plan = deps.planOn(name);
  if (plan)
    throw new FleetError(
      'Conflict',
      `plan ${plan} is at work on cluster ${name}: rename it when the plan is over, or abort it with 'wheelhouse plan abort ${plan}'`,
    );
  const rollout = deps.rolloutOn(name);
  if (rollout)
    throw new FleetError(
      'Conflict',
      `a run of ${rollout} has cluster ${name}: rename it when the run has ended, or abort it with 'wheelhouse rollout abort'`,
    );
  const going = deps.withdrawals(name).map(({ app }) => app);
  if (going.length > 0)
    throw new FleetError('Conflict', `Applications are leaving ${name} (${list(going)}); rename it when they are gone`);
}

/** A name that a cluster once had is not given to another: credentials under it may still be about. Throws Conflict. */
export function assertNameIsFree(records: Pick<FleetRecords, 'clusters'>, name: string, except?: string): void {
  const holder = records.clusters
    .list()
    .find((one) => one.name !== except && (one.name === name || one.formerNames?.includes(name)));
  if (!holder) return;
  const was =
    holder.name === name ? 'is enrolled already' : `was the name of ${holder.name}, which still answers to it`;
  throw new FleetError('Conflict', `the name ${name} is taken: it ${was}`);
}

/** What was taken over from the cluster, and what a person has still to decide of it, belongs to its new name. */
async function carryAdoption({ records: { adopted } }: RenameDeps, from: string, to: string): Promise<void> {
  const before = adopted.find(from);
  if (!before) return;
  const there = await adopted.read(to);
  try {
    // what was found under the new name since is newer
    await adopted.put(to, { ...before, ...there?.value, cluster: to }, there?.revision ?? 0);
    await adopted.delete(from);
  } catch (error) {
    // another replica was faster, or something was found just now: it is looked at again
    if (!isFleetError(error, 'Conflict')) throw error;
  }
}

/** The same assignment under the new name and above both generations, so that the agent changes nothing when it follows. */
async function carryDocument({ documents, clusters, now }: RenameDeps, from: string, to: string): Promise<void> {
  const [before, there] = await Promise.all([documents.find(from), documents.find(to)]);
  if (!before) return;
  const reported = clusters.find(from)?.appliedGeneration ?? 0;
  const gen = Math.max(before.document.gen, there?.document.gen ?? 0, reported) + 1;
  await documents.publish({ ...before.document, cluster: to, gen, issuedAt: now().toISOString() }, there?.seq ?? 0);
}

async function clearFormer({ documents, purge, now }: RenameDeps, name: string): Promise<void> {
  const stored = await documents.find(name);
  if (!stored || stored.document.apps.length === 0) return;
  await documents.publish(emptied(stored.document, now()), stored.seq);
  await purge(name);
}

/** A renaming is over long before, or was interrupted. */
const interruptedAfterMs = 60_000;

/**
 * Clears what was carried to a name that its cluster then never got: whoever took the name would be given what that cluster
 * runs. Nothing is cleared under a name that is in use or heard of, nor what no other cluster has.
 */
function createClearing(deps: RenameDeps): () => Promise<void> {
  const { records, documents, now } = deps;
  /** By name, the document that is no leftover. */
  const seen = new Map<string, number>();
  const look = async (name: string, seq: number) => {
    const document = (await documents.find(name))?.document;
    if (!document || !isOfAnother(document, records)) seen.set(name, seq);
    else if (now().getTime() - Date.parse(document.issuedAt) > interruptedAfterMs) await clearFormer(deps, name);
  };
  return async () => {
    const taken = new Set(records.clusters.list().flatMap(({ name, formerNames = [] }) => [name, ...formerNames]));
    for (const name of documents.clusters()) {
      const seq = documents.head(name)?.seq ?? 0;
      if (!taken.has(name) && seen.get(name) !== seq && !deps.isHeard(name)) await look(name, seq);
    }
  };
}

/** Whether it asks for something, and says that it is for a cluster that has another name. */
function isOfAnother(
  { apps, cluster, registration }: AssignmentDocument,
  { clusters }: Pick<FleetRecords, 'clusters'>,
): boolean {
  if (apps.length === 0 || !registration) return false;
  const isIts = ({ publicKey, previousKey }: ClusterRecord) =>
    [publicKey, previousKey].includes(registration.publicKey);
  return clusters.list().some((record) => record.name !== cluster && isIts(record));
}

function list(names: string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
