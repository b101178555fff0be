/**
 * Brings what runs in one cluster to what its assignment says, and keeps it there. Inputs: assignments, the cluster's
 * watches, time. Level-based: one Application at a time per key, the newest assignment wins, nothing is remembered that
 * cannot be found again. What an assignment does not name is left alone; only a tombstone deletes. While nothing
 * changes it sends nothing to the API server but watches.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@wheelhouse/shared/async/clock';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignedApp, AssignedOperation, Tombstone } from '@wheelhouse/shared/protocol/document';
import type { OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import { isOfRollout } from '@wheelhouse/shared/protocol/rollout-operation';
import type { Cluster } from '../cluster/cluster.ts';
import type { ResourceDiff } from '../diff/resource-diff.ts';
import type { Claims } from '../orphans/survey.ts';
import type { HealthOf } from '../watch/live-entry.ts';
import { createLiveIndex } from '../watch/live-index.ts';
import { createWatches } from '../watch/watches.ts';
import { diffApp } from './app-diff.ts';
import { type AppState, createAppState, readPolicy, type SyncContext } from './app-state.ts';
import { createExpectations } from './expectations.ts';
import { reconcileApp } from './reconcile-app.ts';
import { type AppRecord, emptyRecord, type RecordStore } from './records.ts';
import type { ReportedStatus } from './status.ts';
import { createStatusReporter } from './status-reporter.ts';
import { createWithdrawFirst, type WithdrawFirst } from './withdraw-first.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

export interface DesiredState {
  gen: number;
  apps: AssignedApp[];
  ops: AssignedOperation[];
  tombstones: Tombstone[];
  /** The manifests of a bundle. May take long, and may throw: then the last bundle goes on being healed. */
  manifests(digest: string): Promise<KubeObject[]>;
}

export interface ReconcilerDeps {
  cluster: Cluster;
  logger: Logger;
  clock: Clock;
  random: () => number;
  records: RecordStore;
  report: (status: ReportedStatus) => void;
  healthOf: HealthOf;
}

export interface ReconcilerOptions {
  /** Applications at work at a time. Default 32. */
  concurrency?: number;
  /** Least time between two statuses of one Application. Default 200. */
  minStatusIntervalMs?: number;
}

export interface Reconciler extends AsyncDisposable {
  /** Takes the newest verified assignment; returns at once. */
  assign(desired: DesiredState): void;
  /** Throws NotFound for an Application that is not assigned here. */
  diff(app: string, signal: AbortSignal): Promise<ResourceDiff[]>;
  /** What the Applications of this cluster call their own. */
  claims(): Claims;
  /** What an Application's namespace holds that belongs to nobody; reported with its next status. */
  tellOrphans(app: string, found: OrphanReport | undefined): void;
}

export function createReconciler(deps: ReconcilerDeps, options: ReconcilerOptions = {}): Reconciler {
  return new AppReconciler(deps, options);
}

const bundleReads = 16;

class AppReconciler implements Reconciler {
  readonly #context: SyncContext;
  readonly #states = new Map<string, AppState>();
  readonly #queue: WorkQueue<string>;
  readonly #statuses: ReturnType<typeof createStatusReporter>;
  readonly #withdrawFirst: WithdrawFirst;
  #desired: DesiredState | undefined;

  constructor(deps: ReconcilerDeps, { concurrency = 32, minStatusIntervalMs = 200 }: ReconcilerOptions) {
    const { cluster, logger, clock, healthOf } = deps;
    const expectations = createExpectations();
    const wake = (app: string) => {
      if (this.#states.has(app)) this.#queue.add(app);
    };
    const index = createLiveIndex({ healthOf, isDrifted: expectations.isDrifted, onChange: wake });
    const watches = createWatches({ cluster, index, logger, onChange: wake });
    this.#statuses = createStatusReporter({ clock, report: deps.report }, { minIntervalMs: minStatusIntervalMs });
    this.#context = {
      cluster,
      clock,
      random: deps.random,
      logger,
      records: deps.records,
      index,
      watches,
      expectations,
      namespaces: new Set(),
      limit: createLimit(bundleReads),
      manifests: async (digest) => await this.#manifests(digest),
      wake,
    };
    this.#withdrawFirst = createWithdrawFirst({ clock }, { onOpen: wake });
    this.#queue = createWorkQueue({
      clock,
      concurrency,
      priorityOf: (app) => this.#priorityOf(app),
      work: async (app) => await this.#work(app),
    });
    for (const record of deps.records.all()) this.#restore(createAppState(record));
  }

  assign(desired: DesiredState): void {
    this.#desired = desired;
    const assigned = new Set(desired.apps.map(({ app }) => app));
    for (const app of desired.apps) this.#assignApp(app, desired.gen);
    const tombstones = new Map(desired.tombstones.map((tombstone) => [tombstone.app, tombstone]));
    for (const tombstone of tombstones.values())
      if (assigned.has(tombstone.app))
        this.#context.logger.warn({ app: tombstone.app }, 'assigned and to be removed at once; it stays');
      else this.#bury(tombstone, desired.gen);
    for (const state of this.#states.values()) {
      if (state.tombstone && !tombstones.has(state.app)) this.#drop(state);
      // What the document lost stays as it is: it goes on with its last assignment.
      else if (!assigned.has(state.app)) this.#queue.add(state.app);
    }
    for (const operation of desired.ops) this.#ask(operation);
  }

  async diff(app: string, signal: AbortSignal): Promise<ResourceDiff[]> {
    const state = this.#states.get(app);
    if (!state?.assigned) throw new FleetError('NotFound', `Application ${app} is not assigned to this cluster`);
    return await diffApp(this.#context, state, signal);
  }

  claims(): Claims {
    const states = [...this.#states.values()];
    const keys = states.flatMap(({ target, record }) => [...(target?.keys ?? []), ...Object.keys(record.resources)]);
    return { apps: new Set(this.#states.keys()), keys: new Set(keys) };
  }

  tellOrphans(app: string, found: OrphanReport | undefined): void {
    const state = this.#states.get(app);
    if (!state || isSameFound(state.orphans, found)) return;
    state.orphans = found;
    this.#queue.add(app);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pass } of this.#states.values()) pass?.abort();
    await this.#queue[Symbol.asyncDispose]();
    await this.#context.watches[Symbol.asyncDispose]();
    this.#statuses[Symbol.dispose]();
    await this.#context.records.flush();
  }

  async #manifests(digest: string): Promise<KubeObject[]> {
    if (!this.#desired) throw new FleetError('NotFound', 'no assignment was received yet');
    return await this.#desired.manifests(digest);
  }

  /** What the disk still knows: applied resources, and the last assignment, for Applications that a document lacks. */
  #restore(state: AppState): void {
    state.assigned = state.record.assigned;
    state.policy = readPolicy(state.assigned);
    endCutOff(state.record, this.#context.clock.now());
    for (const record of Object.values(state.record.resources)) this.#context.expectations.put(state, record);
    this.#states.set(state.app, state);
  }

  /** What leaves goes before anything is applied: a cluster that was cut off may hold what runs elsewhere by now. */
  #priorityOf(app: string): number {
    const state = this.#states.get(app);
    return state?.tombstone ? Number.NEGATIVE_INFINITY : (state?.assigned?.wave ?? 0);
  }

  #stateOf(app: string): AppState {
    const known = this.#states.get(app);
    if (known) return known;
    const created = createAppState(emptyRecord(app));
    this.#states.set(app, created);
    return created;
  }

  #assignApp(assigned: AssignedApp, gen: number): void {
    const state = this.#stateOf(assigned.app);
    const isFirst = state.gen === 0;
    state.gen = gen;
    const isRevived = state.tombstone !== undefined || state.record.removed === true;
    if (!isFirst && !isRevived && state.assigned && isSameAssignment(state.assigned, assigned)) return;
    if (isRevived) this.#revive(state);
    if (assigned.traceparent && !isSameContent(assigned, state.record.assigned))
      state.trace = { traceparent: assigned.traceparent, since: this.#context.clock.now() };
    state.assigned = assigned;
    this.#interrupt(state);
  }

  #revive(state: AppState): void {
    this.#withdrawFirst.begun(state.app);
    state.tombstone = undefined;
    state.removal = undefined;
    delete state.record.removed;
    this.#statuses.forget(state.app);
  }

  #bury(tombstone: Tombstone, gen: number): void {
    const state = this.#stateOf(tombstone.app);
    state.gen = gen;
    if (state.tombstone?.cascade === tombstone.cascade) {
      const isSomebodyElse = state.tombstone.actAs?.user !== tombstone.actAs?.user;
      state.tombstone = tombstone;
      // asked again: what was carried out is reported again, as of this document
      if (state.record.removed) this.#reportAgain(state);
      else if (isSomebodyElse) this.#queue.add(state.app);
      return;
    }
    // it may wait already, behind others
    this.#queue.remove(tombstone.app);
    if (!state.record.removed) this.#withdrawFirst.add(tombstone.app);
    state.tombstone = tombstone;
    state.assigned = undefined;
    state.trace = undefined;
    this.#interrupt(state);
  }

  #reportAgain({ app }: AppState): void {
    this.#statuses.forget(app);
    this.#queue.add(app);
  }

  /** The tombstone was reported as carried out and is gone from the document, or was taken back. */
  #drop(state: AppState): void {
    this.#withdrawFirst.begun(state.app);
    state.pass?.abort();
    this.#queue.remove(state.app);
    this.#statuses.forget(state.app);
    this.#states.delete(state.app);
    if (state.record.removed) this.#context.records.delete(state.app);
    else this.#restore(createAppState(state.record));
  }

  #ask(operation: AssignedOperation): void {
    const state = this.#states.get(operation.app);
    if (!state || state.tombstone || Date.parse(operation.expiresAt) <= this.#context.clock.now()) return;
    if (state.record.operations.includes(operation.id) || state.asked.some(({ id }) => id === operation.id)) return;
    state.asked.push(operation);
    if (operation.type === 'terminate') this.#interrupt(state);
    else this.#queue.add(operation.app);
  }

  /** What is newest wins: the pass that runs ends, another begins. */
  #interrupt(state: AppState): void {
    state.pass?.abort();
    this.#queue.add(state.app);
  }

  async #work(app: string): Promise<number | undefined> {
    const state = this.#states.get(app);
    if (!state) return undefined;
    const waitMs = state.tombstone ? undefined : this.#withdrawFirst.waitMs(app);
    if (waitMs !== undefined) return waitMs;
    const pass = new AbortController();
    state.pass = pass;
    const { status, afterMs, withdraws } = await reconcileApp(this.#context, state, pass.signal);
    state.pass = undefined;
    if (withdraws) this.#withdrawFirst.begun(app);
    if (status && this.#states.get(app) === state) this.#statuses.offer(status);
    return afterMs;
  }
}

/** What a person asked for and was under way when the agent ended is not taken up again; automation, and steps of rollouts, begin anew. */
function endCutOff(record: AppRecord, now: number): void {
  const { operation } = record;
  if (operation?.id === undefined || operation.phase !== 'Running') return;
  if (isOfRollout(operation.id)) {
    record.operations = record.operations.filter((id) => id !== operation.id);
    delete record.operation;
    return;
  }
  const message = `cut off when the agent ended; sync again. Before: ${operation.message}`;
  Object.assign(operation, { phase: 'Failed', message, finishedAt: new Date(now).toISOString() });
}

function isSameContent(a: AssignedApp, b: AssignedApp | undefined): boolean {
  return a.revision === b?.revision && a.bundle === b.bundle;
}

/** Whether only the trace of the commit differs. */
function isSameAssignment({ traceparent: _a, ...a }: AssignedApp, { traceparent: _b, ...b }: AssignedApp): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** An age alone is no news: the heartbeat says when the cluster looked last. */
function isSameFound(before: OrphanReport | undefined, after: OrphanReport | undefined): boolean {
  const withoutAge = (report: OrphanReport | undefined) => report && { ...report, surveyedAt: undefined };
  return isDeepStrictEqual(withoutAge(before), withoutAge(after));
}
