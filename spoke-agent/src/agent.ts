/**
 * A spoke agent, composed: the link to the fleet, the desired state with its copy on disk, the reconciler, the reports.
 * It has no global state and opens no port, so that many run in one process; it reconciles from disk before, and whether
 * or not, a connection stands.
 */
import { join } from 'node:path';
import { type Clock, systemClock } from '@wheelhouse/shared/async/clock';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { DiffCommand } from '@wheelhouse/shared/protocol/command';
import { type AssignmentDocument, newestDocument } from '@wheelhouse/shared/protocol/document';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import { createAnswer } from './answer.ts';
import type { Cluster, ClusterInfo } from './cluster/cluster.ts';
import { createDesired, type DesiredDocument } from './desired/desired.ts';
import { healthOf } from './health/health.ts';
import type { Link } from './link/link.ts';
import { createOrphans } from './orphans/orphans.ts';
import { continueTraces } from './receive.ts';
import { credentialsOf, startHeartbeats } from './report/heartbeats.ts';
import { followInventory } from './report/inventory.ts';
import { createReporter } from './report/reporter.ts';
import { openFileRecords } from './sync/file-records.ts';
import { createReconciler } from './sync/reconciler.ts';
import type { ReportedStatus } from './sync/status.ts';

export interface AgentDeps {
  cluster: Cluster;
  link: Link;
  logger: Logger;
  clock?: Clock;
  random?: () => number;
}

export interface AgentOptions {
  /** Where documents, bundles and records are kept. */
  stateDir: string;
  /** What the cluster says of itself, for heartbeats. */
  info: ClusterInfo;
  agentVersion: string;
  /** Labels that it asks the hub to give its cluster. */
  labels?: Record<string, string>;
  /** Default 30 s. */
  heartbeatMs?: number;
  /** Shortest wait between two questions for the newest document, which are at most twice that apart; default 5 minutes. */
  pollMs?: number;
  /** How often orphaned resources are looked for, where a project asks for them; default 3 minutes. */
  orphansIntervalMs?: number | undefined;
  /** Random; one for each process that runs this agent. */
  instance?: string;
}

/** Disposing stops it and writes what is to be kept; link and cluster stay open: they are the caller's. */
export interface Agent extends AsyncDisposable {
  /** Generation that it acts upon, 0 before the first document. */
  appliedGen(): number;
}

const defaultHeartbeatMs = 30_000;

/** Starts reconciling what is on disk before it returns. */
export async function createAgent(deps: AgentDeps, options: AgentOptions): Promise<Agent> {
  const { cluster, link, logger, clock = systemClock, random = Math.random } = deps;
  const { stateDir, info, agentVersion, labels, instance, pollMs, heartbeatMs = defaultHeartbeatMs } = options;
  const { orphansIntervalMs: intervalMs } = options;
  const shared = { link, logger, clock, random };
  await using open = new AsyncDisposableStack();
  const stop = new AbortController();
  open.defer(() => stop.abort());
  const records = await openFileRecords({ clock, logger }, { directory: join(stateDir, 'records') });
  open.defer(async () => await records.flush());
  const reporter = open.use(createReporter(shared));
  const report = (status: ReportedStatus) => reporter.report(status);
  const reconciler = open.use(createReconciler({ cluster, logger, clock, random, records, healthOf, report }));
  const orphans = open.use(createOrphans({ ...shared, cluster, applications: reconciler }, { intervalMs }));
  let current: AssignmentDocument | undefined;
  const onDocument = ({ document, manifests, restored }: DesiredDocument) => {
    const { gen, ops, tombstones } = document;
    const apps = continueTraces(document, current, { restored, receivedAt: new Date(clock.now()) });
    current = document;
    reporter.forgetRemoved(new Set(tombstones.map(({ app }) => app)));
    reconciler.assign({ gen, apps, ops, tombstones, manifests });
    orphans.follow(document);
  };
  const heldBundles = () => [...records.all()].flatMap(({ assigned }) => assigned?.bundle ?? []);
  const desired = open.use(await createDesired({ ...shared, onDocument, heldBundles }, { stateDir, pollMs }));
  const diff = async ({ app }: DiffCommand) => await reconciler.diff(app, stop.signal);
  open.use(link.onCommand(createAnswer({ desired, diff })));
  const inventory = followInventory({ cluster, logger }, { info, labels }, stop.signal);
  const compose = (): Heartbeat => ({
    v: 1,
    cluster: link.cluster,
    uid: info.uid,
    ...(instance === undefined ? {} : { instance }),
    ...credentialsOf(link),
    appliedGen: desired.appliedGen(),
    statusDigest: reporter.digest(),
    agentVersion,
    documents: newestDocument,
    at: new Date(clock.now()).toISOString(),
    rejected: desired.rejected(),
    ...inventory(),
    orphans: orphans.age(),
  });
  const onGeneration = (gen: number) => desired.newestIs(gen);
  const onResend = (seqFloor: number) => reporter.resend(seqFloor);
  const onConfirmed = () => reporter.confirm();
  const onRenew = () => link.renewSoon();
  open.use(
    startHeartbeats({ ...shared, compose, onGeneration, onResend, onConfirmed, onRenew }, { intervalMs: heartbeatMs }),
  );
  const opened = open.move();
  return { appliedGen: () => desired.appliedGen(), [Symbol.asyncDispose]: async () => await opened.disposeAsync() };
}
