/**
 * Whatever sources may name, behind one interface: which revision a location stands for, and its files. Git repositories, charts of
 * Helm repositories and registries, OCI artifacts: each kind has its own fetcher, and this file only says which one it is.
 */
import type { IntegrityPolicy } from '../project/integrity.ts';
import { type ChartSource, isChartLocation } from './charts/chart-source.ts';
import { type GithubAppLogins, withAppLogin } from './github-app.ts';
import type { Lfs } from './lfs/lfs.ts';
import type { SourceLocation } from './location.ts';
import { prefixedRevision } from './refs.ts';
import { placeOf } from './remote.ts';
import type { RemoteFiles } from './remote-files.ts';
import type { Keys } from './signatures/keyring.ts';
import type { Signatures } from './signatures/signatures.ts';
import type { Fetched, GitSource, Repository, Snapshot } from './source.ts';
import { withSubmodules } from './submodules.ts';

/** A revision that is on this machine. `sha` is a commit, a chart's version, or an artifact's digest. */
export interface FetchedSource extends Fetched {
  /** sha256 (hex) of a chart's archive: a version that was published again is another one. */
  digest?: string;
}

export interface Sources {
  /** Resolves the target revision and brings what it stands for here. Throws what its fetcher throws. */
  fetch(location: SourceLocation, signal: AbortSignal): Promise<FetchedSource>;
  /** The files of a revision that `fetch` gave, fetched again if they are not here. */
  open(
    location: SourceLocation,
    fetched: Pick<FetchedSource, 'sha' | 'digest'>,
    signal: AbortSignal,
  ): Promise<Snapshot & Disposable>;
  /** Throws SignatureInvalid when the revision of a repository is not signed as the policy wants it; else as `fetch`. */
  verify(
    location: SourceLocation,
    signed: { sha: string; policy: IntegrityPolicy },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface SourcesDeps {
  git: Pick<GitSource, 'listRefs' | 'fetch' | 'open'>;
  charts: ChartSource;
  githubApps: GithubAppLogins;
  lfs: Lfs;
  files: RemoteFiles;
  signatures: Signatures;
  /** Public keys that signatures are checked with. */
  keys(): Keys;
  /** With its credentials. */
  repository(url: string): Repository;
}

export function createSources(deps: SourcesDeps): Sources {
  const repositoryOf = async (location: SourceLocation, signal: AbortSignal): Promise<Repository> =>
    await withAppLogin(deps.repository(location.repoURL), deps.githubApps, signal);
  return {
    fetch: async (location, signal) => {
      if (location.file) return await deps.files.fetch(deps.repository(location.repoURL), signal);
      const repository = await repositoryOf(location, signal);
      if (isChartLocation(location)) {
        const { revision, digest } = await deps.charts.fetch(location, repository, signal);
        return { sha: revision, digest };
      }
      const { targetRevision, tagPrefix } = location;
      const revision = tagPrefix
        ? prefixedRevision(await deps.git.listRefs(repository, signal), location)
        : targetRevision;
      return await deps.git.fetch(repository, revision, signal);
    },
    open: async (location, { sha, digest }, signal) => {
      if (location.file) return await deps.files.open(deps.repository(location.repoURL), sha, signal);
      const repository = await repositoryOf(location, signal);
      if (!isChartLocation(location)) return await openGit(deps, { repository, sha }, signal);
      const known =
        digest ?? (await deps.charts.fetch({ ...location, targetRevision: sha }, repository, signal)).digest;
      const snapshot = await deps.charts.open(location, { revision: sha, digest: known, repository }, signal);
      return { ...snapshot, [Symbol.dispose]: () => undefined };
    },
    verify: async (location, { sha, policy }, signal) => {
      const repository = await repositoryOf(location, signal);
      const { targetRevision, tagPrefix } = location;
      await deps.signatures.verify(
        { repository, targetRevision, tagPrefix, sha },
        { policy, keys: deps.keys() },
        signal,
      );
    },
  };
}

/**
 * A commit with its submodules, which are read with the login of the repository itself, and only where that one is read (scheme,
 * host and port): a repository cannot have others read for it that whoever may read it could not.
 */
async function openGit(
  deps: Pick<SourcesDeps, 'git' | 'lfs'>,
  { repository, sha }: { repository: Repository; sha: string },
  signal: AbortSignal,
): Promise<Snapshot & Disposable> {
  const stack = new DisposableStack();
  const open = async (of: Repository, commit: string) => {
    const opened = stack.use(await deps.git.open(of, commit, signal));
    return repository.enableLfs ? deps.lfs.open(opened, of, signal) : opened;
  };
  const dispose = { [Symbol.dispose]: () => stack.dispose() };
  const own = await open(repository, sha);
  if (!(await own.entry('.gitmodules'))) return { ...own, ...dispose };
  const home = placeOf(repository.url);
  const snapshot = withSubmodules(own, {
    repoURL: repository.url,
    open: async (url, commit) => {
      const isNear = home !== undefined && placeOf(url) === home && repository.credentials;
      return await open({ url, ...(isNear ? { credentials: repository.credentials } : {}) }, commit);
    },
  });
  return { ...snapshot, ...dispose };
}
