/**
 * Writes rendered manifests to branches, with git and the logins that are kept for writing. One writer at a time for each branch
 * here; against writers elsewhere every push says which commit it comes after, and begins anew where that is another one. It must
 * never force a push, and never write with a login that is only for reading.
 */
import { withTimeout } from '@wheelhouse/shared/async/abort';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createGitCommand, type NativeOptions } from '../source/engines/native/git-command.ts';
import { type Repository, type Rewrite, toRemote } from '../source/remote.ts';
import { type BranchCopy, commitTo, fetchBranch, initCopy, listPaths, pushTo, refusesPush } from './branch-copy.ts';
import { createCopies, type SizeWatch, watchSize } from './copies.ts';
import { branchKey } from './hydration-spec.ts';
import { type Folder, foldersToWrite, pathsToList } from './plan-write.ts';

export interface BranchWrite {
  branch: string;
  /** Where the branch begins when it does not exist; without that branch it begins with nothing. */
  syncBranch: string;
  folders: readonly Folder[];
  /** Files at the root that go with any change, by name. */
  root: Readonly<Record<string, string>>;
  /** Files at the root that are made where there are none of these names. */
  initial: Readonly<Record<string, string>>;
  message: string;
  /** `Name <email>` */
  author: string;
  /** Called with every commit before it is pushed, and again when it is made anew. */
  announce(push: Written): Promise<void>;
}

export interface Written {
  /** Newest commit of the branch. */
  sha: string;
  /** Folders that changed; none when the branch had it all. */
  changed: string[];
}

export interface Branches {
  /**
   * Throws PushRefused for what the server does not take, Conflict for folders that are somebody else's or a branch that others
   * write all the time, and RepositoryUnreachable, RepositoryAuthentication, Timeout, ToolMissing, Aborted.
   */
  write(
    at: { repoURL: string; projects: ReadonlySet<string> },
    wanted: BranchWrite,
    signal: AbortSignal,
  ): Promise<Written>;
  /** Removes copies of branches that are nobody's any more. */
  tidy(): Promise<void>;
}

export interface BranchesDeps {
  /** With the login for writing on behalf of these projects. Throws RepositoryAuthentication when there is none. */
  repository(repoURL: string, projects: ReadonlySet<string>, signal: AbortSignal): Promise<Repository>;
  now(): number;
}

export interface BranchesOptions extends NativeOptions {
  /** For copies of branches while they are written; replicas may share it. */
  directory: string;
  rewrites: readonly Rewrite[];
  /** Of one attempt. */
  timeoutMs: number;
  /** What the newest commit of a branch may take on the disk; 1 GiB. */
  maxCopyBytes?: number;
}

const maxAttempts = 5;
/** Copies that are read and written at the same time. */
const atOnce = 4;
/** A write is over, or hangs, long before. */
const graceMs = 60 * 60_000;

export function createBranches(deps: BranchesDeps, options: BranchesOptions): Branches {
  const { directory, timeoutMs, rewrites, allowFile, maxCopyBytes = 1 << 30 } = options;
  const git = createGitCommand(options);
  const limit = createLimit(atOnce);
  const maxAgeMs = maxAttempts * timeoutMs + graceMs;
  const copies = createCopies({ directory, maxAgeMs, now: Date.now });
  return {
    tidy: copies.tidy,
    write: async ({ repoURL, projects }, wanted, signal) => {
      const remote = toRemote(await deps.repository(repoURL, projects, signal), { rewrites, allowFile });
      const { branch } = wanted;
      return await copies.use(branchKey({ repoURL, branch }), signal, async (copy) =>
        limit(
          async () =>
            await attempts(
              { git, remote, branch, directory: copy, signal },
              { ...wanted, timeoutMs, maxCopyBytes, now: deps.now },
            ),
          signal,
        ),
      );
    },
  };
}

type Wanted = BranchWrite & { timeoutMs: number; maxCopyBytes: number; now(): number };

async function attempts(copy: BranchCopy, wanted: Wanted): Promise<Written> {
  await initCopy(copy);
  const seen = new Set<string | undefined>();
  let reason = '';
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const outcome = await attemptWithin(copy, wanted);
    if ('sha' in outcome) return outcome;
    ({ reason } = outcome);
    seen.add(outcome.tip);
  }
  if (seen.size === 1) throw refusesPush(copy, reason);
  throw new FleetError(
    'Conflict',
    `branch ${copy.branch} of ${copy.remote.display} was changed by others during each of ${maxAttempts} attempts to write it: the next look tries again`,
    { retryable: true },
  );
}

/** The commit that the branch had, and what its server said when it was another one by then. */
interface Overtaken {
  tip: string | undefined;
  reason: string;
}

async function attemptWithin(copy: BranchCopy, wanted: Wanted): Promise<Written | Overtaken> {
  const what = `branch ${copy.branch} of ${copy.remote.display}`;
  await using size = watchSize(copy.directory, { maxBytes: wanted.maxCopyBytes, what });
  const timeout = withTimeout(copy.signal, wanted.timeoutMs);
  try {
    const signal = AbortSignal.any([timeout, size.signal]);
    return await attemptOnce({ ...copy, signal }, { ...wanted, check: size.check });
  } catch (error) {
    if (copy.signal.aborted) throw error;
    if (size.signal.aborted) await size.check();
    if (!timeout.aborted) throw error;
    const message = `${what} could not be written within ${wanted.timeoutMs / 1_000} s`;
    throw new FleetError('Timeout', message, { cause: error });
  }
}

async function attemptOnce(copy: BranchCopy, wanted: Wanted & Pick<SizeWatch, 'check'>): Promise<Written | Overtaken> {
  const { branch, syncBranch, announce } = wanted;
  const tip = await fetchBranch(copy, branch);
  const start = tip ?? (syncBranch === branch ? undefined : await fetchBranch(copy, syncBranch));
  await wanted.check();
  const roots = Object.keys(wanted.initial);
  const listed = start === undefined ? [] : await listPaths(copy, start, [...pathsToList(wanted.folders), ...roots]);
  const folders = foldersToWrite(wanted.folders, listed);
  if (folders.length === 0 && tip !== undefined) return { sha: tip, changed: [] };
  const present = new Set(listed.map((entry) => entry.path));
  const initial = Object.entries(wanted.initial).filter(([name]) => !present.has(name));
  const files = new Map([...Object.entries(wanted.root), ...initial, ...filesOf(folders)]);
  const { message, author, now } = wanted;
  const content = { message, author, files, at: Math.floor(now() / 1_000), parent: start };
  const sha = folders.length === 0 && start !== undefined ? start : await commitTo(copy, content);
  const written = { sha, changed: folders.map((folder) => folder.path) };
  await announce(written);
  const reason = await pushTo(copy, { sha, tip });
  return reason === undefined ? written : { tip, reason };
}

function filesOf(folders: readonly Folder[]): [string, string][] {
  return folders.flatMap(({ path: folder, files }) =>
    Object.entries(files).map(([name, content]): [string, string] => [`${folder}/${name}`, content]),
  );
}
