import type { ObjectRef } from '@wheelhouse/shared/kube/object';
import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import type { OperationState } from '@wheelhouse/shared/protocol/status';
import type { Applied } from '../diff/drift.ts';

/** What was applied of one manifest, so that drift is seen without asking the API server. */
export interface ResourceRecord extends Applied {
  ref: ObjectRef;
  /** Digest of the manifest that was applied. */
  manifest: string;
  /** Digest of the rule by which differences were ignored; absent: none were. */
  ignore?: string;
}

/** The sync that was made of one target; there is one attempt per target until that changes. */
export interface Attempt {
  /** What was attempted: revision, bundle and the policy that matters to it. */
  key: string;
  phase: 'Succeeded' | 'Failed';
  message: string;
}

export interface AppRecord {
  v: 1;
  app: string;
  /** The assignment whose bundle was last read; healed from when a newer one cannot be read, or the document lost it. */
  assigned?: AssignedApp;
  /** By `group/Kind:namespace/name`. */
  resources: Record<string, ResourceRecord>;
  /** Ids of operations that were acted upon, newest last, at most 100. */
  operations: string[];
  attempt?: Attempt;
  /** The last operation, as reported. */
  operation?: OperationState;
  /** The tombstone that was carried out. */
  removed?: boolean;
}

/** Keeps one record per Application over restarts. Losing one costs dry runs, never correctness. */
export interface RecordStore {
  all(): Iterable<AppRecord>;
  find(app: string): AppRecord | undefined;
  /** The record may be changed further and saved again; what is written is its newest state. */
  save(record: AppRecord): void;
  delete(app: string): void;
  /** Resolves when everything is written. */
  flush(): Promise<void>;
}

export function createMemoryRecords(): RecordStore {
  const records = new Map<string, AppRecord>();
  return {
    all: () => records.values(),
    find: (app) => records.get(app),
    save: (record) => void records.set(record.app, record),
    delete: (app) => void records.delete(app),
    flush: async () => {},
  };
}

export function emptyRecord(app: string): AppRecord {
  return { v: 1, app, resources: {}, operations: [] };
}
