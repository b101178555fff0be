/** A small last-value table (JetStream KV) of which every hub replica holds a copy by watch. */
export interface Bucket {
  get(key: string): Promise<BucketEntry | undefined>;
  /** Writes; with `expectedRevision` (0: must not exist) only if nothing came between, else throws Conflict. Returns the revision. */
  put(key: string, value: Uint8Array, expectedRevision?: number): Promise<number>;
  /** With `expectedRevision` only if nothing came between, else throws Conflict. */
  delete(key: string, expectedRevision?: number): Promise<void>;
  /** Calls back for every entry, then for every change; resolves once the present entries were delivered. */
  watchAll(onEntry: (entry: BucketChange) => void): Promise<void>;
  /** Resolves once the watch has delivered this revision: read your own writes. Throws Timeout, and when the bucket is lost. */
  caughtUp(revision: number): Promise<void>;
}

export interface BucketEntry {
  key: string;
  value: Uint8Array;
  revision: number;
}

/** `value` undefined: the key was deleted. */
export interface BucketChange {
  key: string;
  value: Uint8Array | undefined;
  revision: number;
}
