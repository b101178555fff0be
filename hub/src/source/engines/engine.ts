import type { RefList, Wanted } from '../refs.ts';
import type { Remote } from '../remote.ts';

export type EngineName = 'isomorphic' | 'native';

export interface FetchRequest {
  remote: Remote;
  /** A bare repository that `create` made, or an empty folder's path to be. */
  directory: string;
  wanted: Wanted;
  /** Everything the repository has, with its history: for a commit that the server does not give by itself. */
  everything: boolean;
}

/**
 * Brings objects into a bare repository. An engine must never change or delete an object that is there; it returns only
 * once everything that the fetched commit needs is on the disk. Errors are FleetErrors of failure.ts and HostKeyMismatch.
 */
export interface Engine {
  readonly name: EngineName;
  /** Asks what the repository offers, without cloning. */
  listRefs(remote: Remote, signal: AbortSignal): Promise<RefList>;
  /** Makes an empty bare repository. */
  create(directory: string, signal: AbortSignal): Promise<void>;
  /** Returns the object fetched: a commit, or an annotated tag. It is newer than `wanted.sha` when the ref moved meanwhile. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<string>;
}
