/**
 * Small entries that people add to one Application, and withdrawals in progress; both in the KV bucket `fleet`.
 * A withdrawal is written before the Application disappears from what is desired: a document never drops an
 * Application because something is merely absent.
 */
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatJson, parseJson } from '@wheelhouse/shared/kube/json';
import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import { formatToken, parseToken } from '@wheelhouse/shared/protocol/subjects';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { Bucket } from './bucket.ts';

export interface Withdrawal {
  app: string;
  cluster: string;
  reason: string;
  /** Whether its resources go with it. */
  cascade: boolean;
  by: string;
  /** RFC 3339. */
  at: string;
  /** Generation of the cluster's document when this was written: only a report on a newer one confirms it. Default 0. */
  after?: number;
  /** As it last was, so that it can be shown while it goes. */
  application: Application;
  /** `namespace/name` of the set that generated it. */
  applicationSet?: string;
}

export interface Additions {
  withdrawals(cluster: string): Withdrawal[];
  allWithdrawals(): Iterable<Withdrawal>;
  /** Of an Application that leaves several clusters, the first. */
  withdrawalOf(app: string): Withdrawal | undefined;
  operations(app: string): AssignedOperation[];
  putWithdrawals(withdrawals: readonly Withdrawal[]): Promise<void>;
  deleteWithdrawal(cluster: string, app: string): Promise<void>;
  /** Adds an operation; those that expired are dropped. Throws RateLimited when too many have not. */
  addOperation(operation: AssignedOperation, now: Date): Promise<void>;
  /** The Application is deleted: one that takes its name shall not do what this one was asked. */
  deleteOperations(app: string): Promise<void>;
  /** Forgets operations of Applications of which all have expired. */
  deleteExpired(now: Date): Promise<void>;
  /** Called with the cluster of a changed withdrawal, or the Application of a changed operation. */
  onChange(listener: (change: AdditionChange) => void): Disposable;
}

export interface AdditionChange {
  cluster?: string;
  app: string;
  /** The withdrawal as it was, where there was one. */
  before?: Withdrawal;
}

/** NATS takes them one after the other anyway; a cluster's thousands at once would only fill its connection. */
const writesAtOnce = 64;
/** Each travels in the cluster's document until it expires. */
const operationsAtOnce = 50;

interface StoredOperations {
  list: AssignedOperation[];
  revision: number;
}

export async function createAdditions(bucket: Bucket): Promise<Additions> {
  const withdrawals = new Map<string, Map<string, Withdrawal>>();
  const operations = new Map<string, StoredOperations>();
  const leaving = new Map<string, Map<string, Withdrawal>>();
  const listeners = new Set<(change: AdditionChange) => void>();

  const emit = (change: AdditionChange) => {
    for (const listener of listeners) listener(change);
  };

  await bucket.watchAll(({ key, value, revision }) => {
    const [type, first = '', token = ''] = key.split('.');
    if (type === 'withdrawal') {
      const withdrawal = parse<Withdrawal>(value);
      const before = withdrawals.get(first)?.get(token);
      keep(withdrawals, [first, token], withdrawal);
      keep(leaving, [token, first], withdrawal);
      emit({ cluster: first, app: parseToken(token), ...(before ? { before } : {}) });
    } else if (type === 'operation') {
      const list = parse<AssignedOperation[]>(value);
      if (list) operations.set(first, { list, revision });
      else operations.delete(first);
      emit({ app: parseToken(first) });
    }
  });

  return {
    withdrawals: (cluster) => [...(withdrawals.get(cluster)?.values() ?? [])],
    allWithdrawals: () => [...withdrawals.values()].flatMap((apps) => [...apps.values()]),
    withdrawalOf: (app) => leaving.get(formatToken(app))?.values().next().value,
    operations: (app) => operations.get(formatToken(app))?.list ?? [],
    putWithdrawals: async (list) => {
      // nothing may go that has no withdrawal: where one is not written the caller stops, and a repetition writes all of them
      const revisions = await mapLimit(
        list,
        writesAtOnce,
        async (one) => await bucket.put(withdrawalKey(one), format(one)),
      );
      for (const revision of revisions) await bucket.caughtUp(revision);
    },
    deleteWithdrawal: async (cluster, app) => {
      if (withdrawals.get(cluster)?.has(formatToken(app)))
        await bucket.delete(`withdrawal.${cluster}.${formatToken(app)}`);
    },
    addOperation: async (operation, now) => {
      const key = `operation.${formatToken(operation.app)}`;
      const present = await bucket.get(key);
      const kept = (parse<AssignedOperation[]>(present?.value) ?? []).filter((one) => !isExpired(one, now));
      if (kept.length >= operationsAtOnce) throw tooMany(operation.app, kept);
      await bucket.caughtUp(await bucket.put(key, format([...kept, operation]), present?.revision ?? 0));
    },
    deleteOperations: async (app) => {
      if (operations.has(formatToken(app))) await bucket.delete(`operation.${formatToken(app)}`);
    },
    deleteExpired: async (now) => {
      for (const [token, { list, revision }] of operations)
        if (list.every((one) => isExpired(one, now))) await deleteUnlessChanged(bucket, `operation.${token}`, revision);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

function keep<T>(table: Map<string, Map<string, T>>, [row, column]: [string, string], value: T | undefined): void {
  const cells = table.get(row) ?? new Map<string, T>();
  if (value === undefined) cells.delete(column);
  else cells.set(column, value);
  if (cells.size === 0) table.delete(row);
  else table.set(row, cells);
}

function isExpired({ expiresAt }: AssignedOperation, now: Date): boolean {
  return Date.parse(expiresAt) <= now.getTime();
}

function tooMany(app: string, operations: readonly AssignedOperation[]): FleetError {
  const [first] = operations.map(({ expiresAt }) => expiresAt).sort();
  const message = `application ${app} has ${operations.length} operations that have not expired, as many as there may be: the first expires at ${first}`;
  return new FleetError('RateLimited', message);
}

async function deleteUnlessChanged(bucket: Bucket, key: string, revision: number): Promise<void> {
  try {
    await bucket.delete(key, revision);
  } catch (error) {
    // somebody asked for another one meanwhile, or another replica was faster
    if (!isFleetError(error, 'Conflict')) throw error;
  }
}

function withdrawalKey({ cluster, app }: Withdrawal): string {
  return `withdrawal.${cluster}.${formatToken(app)}`;
}

function format(value: unknown): Buffer {
  return Buffer.from(formatJson(value));
}

function parse<T>(value: Uint8Array | undefined): T | undefined {
  return value && (parseJson(Buffer.from(value).toString()) as T);
}
