import type { SourceHydrator } from '@wheelhouse/shared/resources/application-source';
import { createGroups } from '../assign/groups.ts';
import type { Bucket } from '../store/bucket.ts';
import { packJson, unpackJson } from '../store/packed-json.ts';

/** What is written of one Application. */
export interface HydratedApplication {
  hydrator: SourceHydrator;
  /** Of the bundle that was written. */
  digest?: string;
  /** The value of its annotation `hydrate`, which was acted upon. */
  asked?: string;
}

/** A push that was refused, which is tried again by itself, less and less often. */
export interface HydrationRetry {
  /** What was to be pushed, and with which login: anything else is tried at once. */
  cause: string;
  /** Of the error. */
  code: string;
  /** Refusals in a row. */
  failures: number;
  /** Not before; RFC 3339. */
  at: string;
}

/** What the audit stream says of a push. */
export interface PushedCommit {
  commit: string;
  drySHA: string;
  /** Without a login. */
  dryRepository: string;
  /** Some of those that changed. */
  folders: string[];
}

/**
 * How far the manifests are that one branch gets from one revision. What is in the branch is the truth: a record that is lost is
 * made again by the next look, which finds nothing to push.
 */
export interface HydrationRecord {
  key: string;
  /** Of the jobs that write it. */
  branchKey: string;
  /** Without a login. */
  repoURL: string;
  branch: string;
  phase: 'Hydrating' | 'Hydrated' | 'Failed';
  /** RFC 3339. */
  startedAt: string;
  finishedAt?: string;
  /** Why it failed, for those Applications of which `failures` says nothing of their own. */
  message?: string;
  /** By Application id. */
  failures?: Readonly<Record<string, string>>;
  /** Why those are left out that cannot have their folder, by id; the others are written without them. */
  refused?: Readonly<Record<string, string>>;
  drySHA?: string;
  hydratedSHA?: string;
  retry?: HydrationRetry;
  /** Keys of stage `source` that are to be looked at because of what was written, and are not enqueued yet. */
  follow?: readonly string[];
  /** A push that was begun and has no line in the audit stream yet, since one like it was refused before. */
  untold?: PushedCommit;
  /** Of this attempt, by id. */
  apps: Record<string, HydratedApplication>;
  /** The last that went well. */
  last?: { drySHA: string; hydratedSHA: string; at: string; apps: Record<string, HydratedApplication> };
}

export interface FolderOwner {
  /** Of an Application. */
  id: string;
  /** Since when it is not there any more; RFC 3339. */
  goneAt?: string;
}

/** Whose the folders of a branch are, by path. */
export interface FolderClaims {
  branchKey: string;
  owners: Readonly<Record<string, FolderOwner>>;
}

/** Somebody wants a branch to be looked at, whatever is known of it. */
export interface HydrationRequest {
  branchKey: string;
  /** RFC 3339. */
  at: string;
}

export interface HydrationChange {
  key: string;
  before: HydrationRecord | undefined;
  after: HydrationRecord | undefined;
}

/** Records of hydrations in KV `fleet`, with a copy in memory by watch. */
export interface HydrationStore {
  find(key: string): HydrationRecord | undefined;
  list(): HydrationRecord[];
  /** Keys of branches of which anything is kept. */
  branchKeys(): string[];
  /** Those that the jobs of a branch write; a sweep asks for each of thousands. */
  ofBranch(branchKey: string): HydrationRecord[];
  /** From the store itself, not from the copy. */
  read(key: string): Promise<{ value: HydrationRecord; revision: number } | undefined>;
  /** `expectedRevision` 0: must not exist. Returns its new revision once the copy has it. Throws Conflict. */
  put(record: HydrationRecord, expectedRevision: number): Promise<number>;
  delete(key: string): Promise<void>;
  /** From the store itself. */
  readClaims(branchKey: string): Promise<{ value: FolderClaims; revision: number } | undefined>;
  /** `expectedRevision` 0: must not exist. Throws Conflict. */
  putClaims(claims: FolderClaims, expectedRevision: number): Promise<void>;
  deleteClaims(branchKey: string, expectedRevision: number): Promise<void>;
  /** The newest request for a branch. */
  requested(branchKey: string): HydrationRequest | undefined;
  request(request: HydrationRequest): Promise<void>;
  withdrawRequest(branchKey: string): Promise<void>;
  onChange(listener: (change: HydrationChange) => void): Disposable;
}

const recordPrefix = 'hydration.';
const requestPrefix = 'hydrate.';
const claimsPrefix = 'hydrated-folders.';

export async function createHydrationStore(bucket: Bucket): Promise<HydrationStore> {
  const records = new Map<string, HydrationRecord>();
  const branches = createGroups();
  const requests = new Map<string, HydrationRequest>();
  const claimed = new Set<string>();
  const listeners = new Set<(change: HydrationChange) => void>();
  await bucket.watchAll(({ key: entry, value }) => {
    if (entry.startsWith(requestPrefix)) replace(requests, entry.slice(requestPrefix.length), value);
    if (entry.startsWith(claimsPrefix)) claimed[value ? 'add' : 'delete'](entry.slice(claimsPrefix.length));
    if (!entry.startsWith(recordPrefix)) return;
    const key = entry.slice(recordPrefix.length);
    const change = { key, ...replace(records, key, value) };
    if (change.before) branches.remove(change.before.branchKey, key);
    if (change.after) branches.add(change.after.branchKey, key);
    for (const listener of listeners) listener(change);
  });
  return {
    find: (key) => records.get(key),
    list: () => [...records.values()],
    branchKeys: () => [...new Set([...claimed, ...[...records.values()].map(({ branchKey }) => branchKey)])],
    ofBranch: (key) => [...branches.of(key)].flatMap((one) => records.get(one) ?? []),
    read: async (key) => await read<HydrationRecord>(recordPrefix + key, bucket),
    put: async (record, expectedRevision) => {
      const revision = await bucket.put(recordPrefix + record.key, packJson(record), expectedRevision);
      await bucket.caughtUp(revision);
      return revision;
    },
    delete: async (key) => await bucket.delete(recordPrefix + key),
    readClaims: async (key) => await read<FolderClaims>(claimsPrefix + key, bucket),
    putClaims: async (claims, expectedRevision) => {
      await bucket.caughtUp(await bucket.put(claimsPrefix + claims.branchKey, packJson(claims), expectedRevision));
    },
    deleteClaims: async (key, expectedRevision) => await bucket.delete(claimsPrefix + key, expectedRevision),
    requested: (key) => requests.get(key),
    request: async (request) => {
      await bucket.caughtUp(await bucket.put(requestPrefix + request.branchKey, packJson(request)));
    },
    withdrawRequest: async (key) => await bucket.delete(requestPrefix + key),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

async function read<T>(key: string, bucket: Bucket): Promise<{ value: T; revision: number } | undefined> {
  const entry = await bucket.get(key);
  return entry && { value: unpackJson(entry.value) as T, revision: entry.revision };
}

/** Applications of which a record says anything. */
export function applicationsOf(record: Pick<HydrationRecord, 'apps' | 'refused'> | undefined): string[] {
  return record ? Object.keys({ ...record.apps, ...record.refused }) : [];
}

function replace<T>(table: Map<string, T>, key: string, value: Uint8Array | undefined) {
  const before = table.get(key);
  const after = value && (unpackJson(value) as T);
  if (after === undefined) table.delete(key);
  else table.set(key, after);
  return { before, after };
}
