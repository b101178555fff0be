import type { Http } from './http/http.ts';

/** A repository as a host lists it. */
export interface ListedRepository {
  /** Owner, group, workspace, project or account. */
  organization: string;
  repository: string;
  /** What to clone, by the protocol asked for. */
  url: string;
  defaultBranch: string;
  labels: string[];
  /** As the host has it: a number, or text. */
  repositoryId: number | string | null;
}

/** A branch of a repository: what the generator scmProvider makes an element of. */
export interface HostRepository extends Omit<ListedRepository, 'defaultBranch'> {
  branch: string;
  /** Empty where the host does not tell (AWS CodeCommit). */
  sha: string;
}

export interface HostPullRequest {
  number: number;
  title: string;
  branch: string;
  targetBranch: string;
  headSha: string;
  labels: string[];
  author: string;
}

/** One host's account of repositories. Every method gives everything or throws. */
export interface RepositoryHost {
  list(): Promise<ListedRepository[]>;
  /** The default branch, or all of them, as the generator says; none of an empty repository. */
  branches(repository: ListedRepository): Promise<{ name: string; sha: string }[]>;
  hasPath(repository: HostRepository, path: string): Promise<boolean>;
}

/** What hosts need to be asked: connections, and secrets of the ApplicationSet's namespace. */
export interface HostAccess {
  http: Pick<Http, 'open'>;
  signal: AbortSignal;
  /** Value of a Secret's entry. Throws NotFound or Invalid that name the Secret. */
  secret(ref: { secretName: string; key: string }): string;
  /** Every entry of a Secret. */
  secretEntries(name: string): Record<string, string>;
  /** Value of a ConfigMap's entry, for certificate authorities. */
  configMap(ref: { configMapName: string; key: string }): string;
  /** Environment of the hub, for AWS. */
  environment: Readonly<Record<string, string | undefined>>;
  now(): number;
}

export type CloneProtocol = 'ssh' | 'https';
