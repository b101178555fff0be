import { sleep } from '@wheelhouse/shared/async/abort';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { parseDocumentKeys } from '@wheelhouse/shared/protocol/document-key';
import type { AppStatus, Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { Statuses } from '../status/statuses.ts';
import type { AuditEntry, AuditLog } from '../store/audit.ts';
import type { DocumentHead } from '../store/documents.ts';
import type { HubNats } from '../store/nats.ts';
import type { Stores } from '../store/open-stores.ts';
import { consumeStatus, type StatusFeed } from '../store/status-stream.ts';
import { purgeReports } from '../store/streams.ts';
import { type Adoption, createAdoption } from './adoption.ts';
import { createAgentLabels, type OwnLabelsJudge } from './agent-labels.ts';
import { appsRelabelled } from './app-labels.ts';
import { type Attempts, createAttempts } from './attempts.ts';
import type { Authority } from './authority.ts';
import { createCloneDetector } from './clones.ts';
import { type Clusters, createClusters } from './clusters.ts';
import { createCommands } from './commands.ts';
import { createHearing, watchContact } from './contact.ts';
import { createDepartures, type Departures } from './departure.ts';
import { isDocumentDue } from './document-due.ts';
import { createEnrolment, defaultJwtLifeMs, type Enrolment, serveRenewals } from './enrolment.ts';
import { type FloodGuardDeps, guardFromFloods } from './flood-guard.ts';
import { type FormerNamesDeps, findCluster, findHeard, forgetOrCarry, presentName } from './former-names.ts';
import { createIdentities, type Identities } from './identities.ts';
import { createImports, type Imports } from './imports.ts';
import { type Heard, type Presence, serveHeartbeats, watchPresence } from './presence.ts';
import type { ClusterChange, ClusterRecord, FleetRecords } from './records.ts';
import { createRenames, type Renames } from './rename.ts';
import { createRevocations, type Revocations } from './revocations.ts';
import { shutOut } from './shut-out.ts';
import { type Suspicions, watchSuspicions } from './suspicions.ts';
import { createSystemAccount } from './system-account.ts';
import { createTokens, type Tokens } from './tokens.ts';

/** What changed of a cluster. */
export interface LabelsChange {
  name: string;
  labelsChanged: boolean;
  /** Selectors of Applications that alone see other labels of it now. */
  appsRelabelled?: readonly string[];
}

/** The hub's side of the conversation with spokes: inventory, tokens, enrolment, heartbeats and statuses. */
export interface Fleet {
  clusters: Clusters;
  tokens: Tokens;
  enrolment: Enrolment;
  identities: Identities;
  departures: Departures;
  renames: Renames;
  adoption: Adoption;
  /** Who knows what labels would do: until then those that agents report wait. */
  judgeOwnLabels(judge: OwnLabelsJudge): void;
  /** ms since the epoch; undefined for a cluster that was never heard of. */
  lastSeen(cluster: string): number | undefined;
  /** What its agent said last. */
  heartbeat(cluster: string): Heartbeat | undefined;
  /** Clusters by state. */
  states(): Record<string, number>;
  /** How often this replica was the one that told of a cluster's contact, by what it told. */
  contacts(): Readonly<Record<'connected' | 'stale' | 'lost', number>>;
  /** After a change of what assignment depends upon: labels, or a generation ahead of what was published. */
  onChange(listener: (change: LabelsChange) => void): Disposable;
  /** After a cluster came, went or changed its address. */
  onDestinationsChange(listener: () => void): Disposable;
  audit(entry: AuditEntry): void;
}

export interface FleetDeps {
  nats: HubNats;
  /** Connected to NATS' system account. */
  systemNats: HubNats;
  stores: Stores;
  authority: Authority;
  statuses: Statuses;
  /** Generated Applications of a cluster that hold its name in theirs. */
  namedAfter(cluster: string): string[];
  /** What is at work on a cluster, by its id (`RenameDeps`). */
  planOn(cluster: string): string | undefined;
  rolloutOn(cluster: string): string | undefined;
  /** Where an Application goes, as far as that is known. */
  clusterOf(app: string): string | undefined;
  logger: Logger;
  now: () => Date;
}

export interface FleetOptions {
  hubUrl: string;
  natsUrls: string[];
  /** Keeps the list of revoked keys outside of NATS. */
  revocationsFile: string;
  jwtLifeMs?: number;
  keyLifeMs?: number;
  /** Silence after which a cluster is Lost. */
  lostAfterMs?: number;
  /** nats-server's log file, where it can be read: what it refuses is told nowhere else. */
  natsLog?: string | undefined;
  /** Messages a second of one connection that are a flood. */
  floodPerSecond?: number;
}

const settleMs = 2_000;

/** An unknown cluster that was silent for longer is gone. */
const heardMs = 600_000;

export async function startFleet(deps: FleetDeps, options: FleetOptions, signal: AbortSignal): Promise<Fleet> {
  const { nats, stores, logger, now } = deps;
  const { records, documents, audit } = stores;
  const listeners = new Set<(change: LabelsChange) => void>();
  const emit = (change: LabelsChange) => {
    for (const listener of listeners) listener(change);
  };
  const keeping = await keepIdentities(deps, options, signal);
  const { revocations, attempts } = keeping;
  const head = (cluster: string) => documents.head(cluster);
  const { presence, feed } = listenToSpokes({ ...deps, ...keeping, head, emit }, options, signal);
  const imports = followImports(stores, emit);
  const clusters = createClusters({ records, presence, imports, head, audit, lostAfterMs: options.lostAfterMs, now });
  const adoption = openAdoption({ ...deps, revocations, presence, emit }, signal);
  const agentLabels = createAgentLabels({ clusters, logger }, signal);
  const onAnswered = (cluster: string, heartbeat: Heartbeat) => {
    adoption.onHeartbeat(cluster, heartbeat);
    agentLabels.onHeartbeat(cluster, heartbeat.inventory?.labels);
  };
  const shouldRenew = (cluster: string, heartbeat: Heartbeat) => isIdentityNew(records, cluster, heartbeat);
  serveHeartbeats({ nats, logger, head, feed, shouldRenew, onAnswered }, signal);
  const { tokens, enrolment } = openDoor(
    { ...deps, records, audit, revocations, attempts, imported: imports.find },
    options,
  );
  serveRenewals({ nats, enrolment, logger }, signal);
  const life = createLife({ ...deps, records, clusters, revocations, presence });
  guard({ ...deps, ...keeping }, options, signal);
  clusters.onChange((change) => {
    const { name, after } = change;
    if (!after) forgetOrCarry(change, { presence, feed, statuses: deps.statuses, records });
    emit({ name, labelsChanged: isLabelledAnew(change), appsRelabelled: appsRelabelled(change.before, after) });
  });
  await Promise.all([presence.loaded(), feed.loaded()]);
  void settleAgain(life, { logger, signal });
  const elapsedMs = () => performance.now();
  const hearing = { hearingSince: createHearing(nats, elapsedMs), elapsedMs };
  const contacts = { connected: 0, stale: 0, lost: 0 };
  const told = (state: keyof typeof contacts) => void (contacts[state] += 1);
  void watchContact({ clusters, contacts: records.contacts, ...hearing, audit, told, logger, now }, {}, signal);
  hearAgain(presence, adoption, now().getTime() - heardMs);
  return {
    clusters,
    tokens,
    enrolment,
    ...life,
    adoption,
    judgeOwnLabels: agentLabels.judgedBy,
    lastSeen: (cluster) => findHeard(cluster, { records, presence })?.at,
    heartbeat: (cluster) => findHeard(cluster, { records, presence })?.heartbeat,
    contacts: () => contacts,
    states: () => countBy(clusters.list().map((cluster) => cluster.state)),
    onChange: (listener) => register(listeners, listener),
    onDestinationsChange: (listener) => onDestinationsChange({ clusters, imports }, listener),
    audit: (entry) => void appendQuietly({ audit, logger }, entry),
  };
}

/** Heartbeats that nobody answered, while no hub was there, need not come again first. */
function hearAgain(presence: Presence, adoption: Adoption, since: number): void {
  for (const cluster of presence.heardSince(since)) {
    const heard = presence.find(cluster);
    if (heard) adoption.onHeartbeat(cluster, heard.heartbeat);
  }
}

function openAdoption(
  deps: FleetDeps & {
    revocations: Revocations;
    presence: Presence;
    emit(change: LabelsChange): void;
  },
  signal: AbortSignal,
): Adoption {
  const { nats, stores, authority, presence, now } = deps;
  return createAdoption(
    {
      ...deps,
      ...stores,
      head: (cluster) => stores.documents.head(cluster),
      commands: createCommands({ nats }),
      keys: parseDocumentKeys(authority.documentKeys),
      signingKeyId: authority.documentKey.kid,
      whyRevoked: (publicKey) => deps.revocations.find(publicKey)?.reason,
      heard: () => presence.heardSince(now().getTime() - heardMs),
      onTakenOver: (name) => deps.emit({ name, labelsChanged: false }),
    },
    signal,
  );
}

type Keeping = Awaited<ReturnType<typeof keepIdentities>>;

/** Which keys are let in no longer, and what is tried all the same. */
async function keepIdentities(deps: FleetDeps, options: FleetOptions, signal: AbortSignal) {
  const { stores, authority, logger, now } = deps;
  const system = createSystemAccount({ nats: deps.systemNats });
  const revocations = await createRevocations(
    { records: stores.records, system, authority, logger, now },
    { file: options.revocationsFile, jwtLifeMs: options.jwtLifeMs ?? defaultJwtLifeMs },
    signal,
  );
  return { system, revocations, attempts: createAttempts({ audit: stores.audit, logger }, {}, signal) };
}

type Emit = (change: LabelsChange) => void;

/** Heartbeats and statuses: kept, answered, and looked at for what no honest agent sends. */
function listenToSpokes(
  deps: FleetDeps & Keeping & { head(cluster: string): DocumentHead | undefined; emit: Emit },
  options: FleetOptions,
  signal: AbortSignal,
): { presence: Presence; feed: StatusFeed } {
  const { nats, stores, revocations, head, logger, now } = deps;
  const { records, documents, audit } = stores;
  const heard = (cluster: string) => presence.find(cluster);
  const suspicions = watchSuspicions({ ...deps, records, documents, heard }, options.natsLog, signal);
  const { onRefused } = suspicions;
  const detectClone = createCloneDetector({ records, revocations, audit, logger, now });
  const onHeartbeat = (cluster: string, beat: Heard) => {
    detectClone(cluster, beat);
    if (isDocumentDue(beat.heartbeat, head(cluster)?.gen)) deps.emit({ name: cluster, labelsChanged: false });
  };
  const presence: Presence = watchPresence({ nats, logger }, { onHeartbeat, onRefused }, signal);
  const feed = consumeStatus(
    { nats, logger },
    { onStatus: receiver({ ...deps, records, presence }, suspicions), onRefused },
    signal,
  );
  return { presence, feed };
}

function guard(deps: FleetDeps & Keeping, { floodPerSecond }: FleetOptions, signal: AbortSignal): void {
  const account = deps.authority.fleetAccount({ keys: {}, changedAt: 0 }).publicKey;
  const limit = floodPerSecond === undefined ? {} : { maxPerSecond: floodPerSecond };
  const shut: FloodGuardDeps['shutOut'] = async (holder, why) =>
    await shutOut({ ...deps, ...deps.stores }, holder, why);
  void guardFromFloods({ ...deps, account, shutOut: shut, now: () => deps.now().getTime() }, limit, signal);
}

/** Keeps a status, and looks whether an honest agent would have sent it. */
function receiver({ statuses, ...names }: FormerNamesDeps & Pick<FleetDeps, 'statuses'>, suspicions: Suspicions) {
  return (cluster: string, status: AppStatus, at: number): void => {
    statuses.record(presentName(cluster, names), status, at);
    suspicions.onStatus(cluster, status);
  };
}

/** What lets agents in: tokens, and credentials for those who have used one. */
function openDoor(
  deps: Pick<FleetDeps, 'authority' | 'logger' | 'now'> & {
    records: FleetRecords;
    audit: AuditLog;
    revocations: Revocations;
    imported: Imports['find'];
    attempts: Attempts;
  },
  { hubUrl, natsUrls, jwtLifeMs, keyLifeMs }: FleetOptions,
): Pick<Fleet, 'tokens' | 'enrolment'> {
  const tokens = createTokens(deps, { hubUrl, caFingerprint: deps.authority.ca.fingerprint });
  return { tokens, enrolment: createEnrolment({ ...deps, tokens }, { natsUrls, jwtLifeMs, keyLifeMs }) };
}

async function appendQuietly({ audit, logger }: { audit: AuditLog; logger: Logger }, entry: AuditEntry): Promise<void> {
  await audit
    .append(entry)
    .catch((error: unknown) => logger.error({ err: toFleetError(error), entry }, 'audit entry was not stored'));
}

type Life = Pick<Fleet, 'identities' | 'departures' | 'renames'>;

/** What people do to clusters beyond their labels. */
function createLife(
  deps: FleetDeps & {
    records: FleetRecords;
    clusters: Clusters;
    revocations: Revocations;
    presence: { find(cluster: string): Heard | undefined };
  },
): Life {
  const { nats, stores, statuses, presence } = deps;
  const { documents, additions, audit } = stores;
  const shared = { ...deps, documents, audit, purge: async (cluster: string) => await purgeReports(nats, cluster) };
  return {
    identities: createIdentities(shared),
    departures: createDepartures({
      ...shared,
      additions,
      statusOf: (cluster, app) => statuses.find(cluster, app)?.status,
    }),
    renames: createRenames({
      ...shared,
      withdrawals: (cluster) => additions.withdrawals(cluster),
      isHeard: (cluster) => presence.find(cluster)?.heartbeat.cluster === cluster,
    }),
  };
}

/** Every replica does: each step is written with compare-and-set, so that doing it twice is doing it once. */
async function settleAgain(
  { identities, departures, renames }: Life,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<void> {
  while (await sleep(settleMs, signal))
    for (const { settle } of [identities, departures, renames])
      await settle().catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ err: toFleetError(error) }, 'a change of identities waits to be finished');
      });
}

/** Approved, renamed, or asked for a new key since the agent got its credentials. */
function isIdentityNew(records: FleetRecords, cluster: string, { pending }: Heartbeat): boolean {
  const record = findCluster(records, cluster);
  if (!record || record.revoked) return false;
  const isKeyAsked = record.rekey !== undefined && record.rekey.at >= (record.keyedAt ?? record.enrolledAt);
  return record.name !== cluster || (pending === true && !record.pending) || (isKeyAsked && !record.pending);
}

/** Generators read announced clusters as they read others. */
function followImports({ specs }: Stores, emit: (change: LabelsChange) => void): Imports {
  const imports = createImports({ specs });
  imports.onChange(() => emit({ name: '', labelsChanged: true }));
  return imports;
}

function onDestinationsChange(
  { clusters, imports }: { clusters: Clusters; imports: Imports },
  listener: () => void,
): Disposable {
  const subscriptions = [
    clusters.onChange(({ before, after }) => {
      if (destinationOf(before) !== destinationOf(after)) listener();
    }),
    imports.onChange(listener),
  ];
  return { [Symbol.dispose]: () => subscriptions.forEach((one) => one[Symbol.dispose]()) };
}

function register<T>(listeners: Set<T>, listener: T): Disposable {
  listeners.add(listener);
  return { [Symbol.dispose]: () => void listeners.delete(listener) };
}

/** What generators and places read of a record. */
function isLabelledAnew({ before, after }: ClusterChange): boolean {
  const read = (record: ClusterRecord | undefined) => JSON.stringify([record?.labels, record?.annotations]);
  return read(before) !== read(after);
}

function destinationOf(
  record: { name: string; server: string; project?: string; leaving?: object; pending?: object } | undefined,
): string {
  if (!record) return '';
  const { name, server, project, leaving, pending } = record;
  return JSON.stringify([name, server, project, leaving !== undefined, pending !== undefined]);
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
