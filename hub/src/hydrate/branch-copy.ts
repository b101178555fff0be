import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { toNativeFailure } from '../source/engines/native/failure.ts';
import { type GitCommand, noRemote } from '../source/engines/native/git-command.ts';
import { scrub } from '../source/failure.ts';
import type { Remote } from '../source/remote.ts';
import { type CommitContent, formatCommit, type ListedEntry } from './plan-write.ts';

/** A bare copy of the newest commit of a branch. */
export interface BranchCopy {
  git: GitCommand;
  remote: Remote;
  branch: string;
  directory: string;
  signal: AbortSignal;
}

const [base, next] = ['refs/wheelhouse/base', 'refs/wheelhouse/next'];

export async function initCopy({ git, directory, signal }: BranchCopy): Promise<void> {
  const args = ['init', '--quiet', '--bare', '--template=', '--object-format=sha1', '--', directory];
  await git.run(noRemote, { args }, signal);
}

/** Brings the newest commit of a branch here; undefined when there is no such branch. */
export async function fetchBranch(copy: BranchCopy, branch: string): Promise<string | undefined> {
  const { git, remote, directory, signal } = copy;
  const options = ['--quiet', '--force', '--no-tags', '--depth=1', '--no-auto-maintenance', '--end-of-options'];
  const args = [`--git-dir=${directory}`, 'fetch', ...options, remote.url, `+refs/heads/${branch}:${base}`];
  try {
    await git.run(remote, { args }, signal);
  } catch (error) {
    if (isFleetError(error, 'RevisionNotFound')) return undefined;
    throw isFleetError(error, 'RepositoryAuthentication') ? refusesLogin(remote, error) : error;
  }
  return await resolve(copy, base);
}

/** Arguments of one command line. */
const pathsAtATime = 500;

/** What a commit has at these paths; of a path that ends with `/`, what lies in it. */
export async function listPaths(copy: BranchCopy, commit: string, paths: readonly string[]): Promise<ListedEntry[]> {
  const found: ListedEntry[] = [];
  for (let at = 0; at < paths.length; at += pathsAtATime) {
    const some = paths.slice(at, at + pathsAtATime);
    const output = await inCopy(copy, ['ls-tree', '-z', '-t', '--full-tree', commit, '--', ...some]);
    found.push(...output.split('\0').filter(Boolean).map(parseEntry));
  }
  return found;
}

function parseEntry(line: string): ListedEntry {
  const [facts = '', path = ''] = line.split('\t');
  const [, type = '', oid = ''] = facts.split(' ');
  return { path, type, oid };
}

/** Makes a commit, which nobody sees yet, and returns its id. */
export async function commitTo(copy: BranchCopy, content: CommitContent): Promise<string> {
  await inCopy(copy, ['fast-import', '--quiet', '--force'], formatCommit(next, content));
  return await resolve(copy, next);
}

/** What servers and git say when the branch is not what it was. */
const overtaken = /stale info|fetch first|non-fast-forward|cannot lock ref|incorrect old value|failed to update ref/iu;

/** Undefined when it was taken; what the server says when the branch is not `tip` (or, without one, is there) any more. */
export async function pushTo(
  { git, remote, branch, directory, signal }: BranchCopy,
  { sha, tip }: { sha: string; tip: string | undefined },
): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  const lease = `--force-with-lease=${ref}:${tip ?? ''}`;
  const args = [
    `--git-dir=${directory}`,
    'push',
    '--porcelain',
    lease,
    '--end-of-options',
    remote.url,
    `${sha}:${ref}`,
  ];
  const { exitCode, stdout, stderr } = await git.attempt(remote, { args }, signal);
  if (exitCode === 0) return undefined;
  const [, reason] = /^!\t[^\t]*\t\[(?:remote )?rejected\] \((.*)\)$/mu.exec(stdout) ?? [];
  if (reason === undefined) {
    const failure = toNativeFailure(remote, stderr);
    throw failure.code === 'RepositoryAuthentication' ? refusesLogin(remote, failure) : failure;
  }
  if (overtaken.test(reason)) return reason;
  const said = [...stderr.matchAll(/^remote: (.*\S)/gmu)].map(([, line]) => line);
  throw refusesPush({ remote, branch }, [reason, ...said.slice(0, 5)].join('; '));
}

export function refusesPush({ remote, branch }: Pick<BranchCopy, 'remote' | 'branch'>, reason: string): FleetError {
  return new FleetError(
    'PushRefused',
    `${remote.display} does not take a commit on branch ${branch}: ${scrub(reason, remote).slice(0, 1_000)}; let the login of its repository-write Secret push there`,
  );
}

/** The login is at fault, not the one that reads: nobody tries again before it changes. */
function refusesLogin(remote: Remote, cause: FleetError): FleetError {
  return new FleetError(
    'RepositoryAuthentication',
    `repository ${remote.display} does not let the login of its repository-write Secret write: check that it is current and may push`,
    { cause, retryable: false },
  );
}

async function resolve(copy: BranchCopy, ref: string): Promise<string> {
  return (await inCopy(copy, ['rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`])).trim();
}

async function inCopy(
  { git, directory, signal }: BranchCopy,
  args: readonly string[],
  input?: Buffer,
): Promise<string> {
  const call = {
    args: [`--git-dir=${directory}`, ...args],
    env: { GIT_LITERAL_PATHSPECS: '1' },
    ...(input ? { input } : {}),
  };
  return (await git.run(noRemote, call, signal)).stdout;
}
