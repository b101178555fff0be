import type { Logger } from '@wheelhouse/shared/logging/logger';
import { rolloutKeyPrefix } from '@wheelhouse/shared/protocol/rollout-operation';
import type { Bucket } from '../store/bucket.ts';
import { packJson, unpackJson } from '../store/packed-json.ts';
import { refuseNewer, tellNewer } from '../store/record-format.ts';
import type { RolloutRecord } from './record.ts';

export interface RolloutChange {
  key: string;
  before: RolloutRecord | undefined;
  after: RolloutRecord | undefined;
}

/** Rollout records in KV `fleet`, with a copy in memory by watch, filled before anything may be assigned. */
export interface RolloutStore {
  list(): RolloutRecord[];
  find(key: string): RolloutRecord | undefined;
  /** Key of the rollout whose record pins this Application. */
  ownerOf(app: string): string | undefined;
  /** From the store itself, not from the copy. */
  read(key: string): Promise<{ value: RolloutRecord; revision: number } | undefined>;
  /** `expectedRevision` 0: must not exist. Returns once the copy has it. Throws Conflict. */
  put(record: RolloutRecord, expectedRevision: number): Promise<void>;
  /** Only what was read: throws Conflict when somebody wrote meanwhile. */
  delete(key: string, expectedRevision: number): Promise<void>;
  onChange(listener: (change: RolloutChange) => void): Disposable;
}

/** Keys of records, which are those of their jobs too. */
export function rolloutKey(kind: keyof typeof rolloutKeyPrefix, namespace: string, name: string): string {
  return `${rolloutKeyPrefix[kind]}.${namespace}.${name.replaceAll(':', '=3A')}`;
}

export async function createRolloutStore(bucket: Bucket, logger: Logger): Promise<RolloutStore> {
  const records = new Map<string, RolloutRecord>();
  const owners = new Map<string, string>();
  const listeners = new Set<(change: RolloutChange) => void>();
  await bucket.watchAll(({ key, value }) => {
    if (!Object.values(rolloutKeyPrefix).some((prefix) => key.startsWith(`${prefix}.`))) return;
    const before = records.get(key);
    const after = value && (unpackJson(value) as RolloutRecord);
    if (after) records.set(key, after);
    else records.delete(key);
    tellNewer({ kind: 'rollout', name: key }, { before, after }, logger);
    own(owners, { key, before, after });
    for (const listener of listeners) listener({ key, before, after });
  });
  return {
    list: () => [...records.values()],
    find: (key) => records.get(key),
    ownerOf: (app) => owners.get(app),
    read: async (key) => {
      const entry = await bucket.get(key);
      return entry && { value: unpackJson(entry.value) as RolloutRecord, revision: entry.revision };
    },
    put: async (record, expectedRevision) => {
      refuseNewer('rollout', record.key, record);
      await bucket.caughtUp(await bucket.put(record.key, packJson(record), expectedRevision));
    },
    delete: async (key, expectedRevision) => await bucket.delete(key, expectedRevision),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

function own(owners: Map<string, string>, { key, before, after }: RolloutChange): void {
  for (const app of appsOf(before)) if (owners.get(app) === key) owners.delete(app);
  for (const app of appsOf(after)) owners.set(app, key);
}

function appsOf(record: RolloutRecord | undefined): string[] {
  return record ? Object.keys(record.pins) : [];
}
