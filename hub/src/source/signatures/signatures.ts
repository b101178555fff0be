/**
 * Whether a revision is signed as its project wants it. git and gpg say so, on commits fetched for that alone, with a keyring of
 * nothing but the keys given. It must never take a revision for signed because something could not be found out.
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withTimeout } from '@wheelhouse/shared/async/abort';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { openTemporaryFolder } from '@wheelhouse/shared/process/temporary-folder';
import type { IntegrityPolicy } from '../../project/integrity.ts';
import { createGitCommand, type NativeOptions } from '../engines/native/git-command.ts';
import type { RecentRefs } from '../recent-refs.ts';
import { findRevision, isFullSha, prefixedRevision, type RefList, type Wanted } from '../refs.ts';
import { type Remote, type Repository, type Rewrite, toRemote } from '../remote.ts';
import { historyToVerify } from './history.ts';
import { createKeyring, type Keys } from './keyring.ts';
import { logFormat, parseLog, parseStatus, type Signature, whyNotAccepted } from './signature.ts';
import { createVerdicts } from './verdicts.ts';

/** A commit, and how it was named. */
export interface Signed {
  repository: Repository;
  targetRevision: string;
  tagPrefix?: string | undefined;
  sha: string;
}

export interface Signatures {
  /**
   * Throws SignatureInvalid that says which commits or tags are not signed as wanted, Invalid for a policy without keys,
   * ToolMissing without git or gpg, and what fetching throws.
   */
  verify(signed: Signed, wanted: { policy: IntegrityPolicy; keys: Keys }, signal: AbortSignal): Promise<void>;
}

export interface SignaturesOptions extends NativeOptions {
  rewrites: readonly Rewrite[];
  /** Of one check, with its fetch. */
  timeoutMs: number;
}

const parallelChecks = 2;
/** Argo CD: problems that one message names. */
const maxProblems = 10;

export function createSignatures(refs: RecentRefs, options: SignaturesOptions): Signatures {
  const git = createGitCommand(options);
  const tools = { git, options };
  const limit = createLimit(parallelChecks);
  const verdicts = createVerdicts();

  return {
    verify: async (signed, wanted, signal) => {
      if (signal.aborted) throw new FleetError('Aborted', 'stopped before signatures were checked');
      const remote = toRemote(signed.repository, { rewrites: options.rewrites, allowFile: options.allowFile });
      const findPlace = async (bounded: AbortSignal) => await placeOf(signed, remote, { refs, signal: bounded });
      // no tag can be meant by an id or HEAD: what is known of their commits is so without asking the server anything
      const place = isName(signed.targetRevision) ? await findPlace(signal) : undefined;
      const judged = { url: remote.url, sha: signed.sha, tag: place?.isTag ? place.from : undefined, ...wanted };
      const judge = async (shared: AbortSignal) => {
        const asked = { ...signed, ...wanted, ...(place ?? (await findPlace(shared))), remote };
        const bounds = { signal: shared, timeoutMs: options.timeoutMs };
        return await limit(
          async () => await bound(remote, bounds, async (bounded) => await checkIn(asked, tools, bounded)),
          shared,
        );
      };
      refuse(await verdicts.reach(judged, signal, judge));
    },
  };
}

/** Throws Timeout after its time, whatever the work then throws. */
async function bound<T>(
  { display }: Remote,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const bounded = withTimeout(signal, timeoutMs);
  try {
    return await work(bounded);
  } catch (error) {
    if (!bounded.aborted || signal.aborted) throw error;
    const message = `signatures of ${display} could not be checked within ${timeoutMs / 1000} s`;
    throw new FleetError('Timeout', message, { cause: error });
  }
}

function refuse(refused: string | undefined): void {
  if (refused !== undefined) throw new FleetError('SignatureInvalid', refused, { retryable: false });
}

async function checkIn(asked: Omit<Check, 'folder'>, tools: Tools, signal: AbortSignal): Promise<string | undefined> {
  await using folder = await openFolder();
  return await check({ ...asked, folder: folder.path }, tools, signal);
}

async function openFolder(): Promise<AsyncDisposable & { path: string }> {
  const folder = await openTemporaryFolder(tmpdir(), 'wheelhouse-signed-');
  return { path: folder, [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }) };
}

/** Where the commit is had: by the ref that stands for it, else by its id. */
interface Place {
  from: string;
  /** Argo CD: a tag is verified itself. HEAD, branches and commits are verified by their commit. */
  isTag: boolean;
}

async function placeOf(
  { repository, sha, ...named }: Signed,
  remote: Remote,
  { refs, signal }: { refs: RecentRefs; signal: AbortSignal },
): Promise<Place> {
  const find = (list: RefList) => findRevision(list, prefixedRevision(list, named));
  const known = find(await refs.recent(repository, signal));
  // what does not fit may have been pushed since
  const found = isAt(known, sha) ? known : find(await refs.fresh(repository, signal));
  const ref = found?.ref;
  const isTag = isName(named.targetRevision) && ref !== undefined && ref.startsWith('refs/tags/');
  if (isAt(found, sha)) return { from: found.ref, isTag };
  if (isTag) throw movedOn(ref, sha, remote);
  return { from: sha, isTag };
}

function isAt(found: Wanted | undefined, sha: string): found is Required<Wanted> {
  return found?.sha === sha && found.ref !== undefined;
}

function isName(revision: string): boolean {
  const name = revision.trim();
  return name !== '' && name !== 'HEAD' && !isFullSha(name);
}

function movedOn(ref: string, sha: string, { display }: Remote): FleetError {
  return new FleetError('RevisionNotFound', `${ref} of ${display} is not ${sha} any more: it is looked at again`, {
    retryable: true,
  });
}

interface Check extends Signed, Place {
  policy: IntegrityPolicy;
  keys: Keys;
  remote: Remote;
  folder: string;
}

interface Tools {
  git: ReturnType<typeof createGitCommand>;
  options: SignaturesOptions;
}

const local = 'refs/wheelhouse/signed';

/** Why it is refused; undefined when it is signed as wanted. */
async function check(asked: Check, tools: Tools, signal: AbortSignal): Promise<string | undefined> {
  const { policy, sha, remote } = asked;
  const gnupg = path.join(asked.folder, 'gnupg');
  const searchPath = tools.options.environment['PATH'] ?? '/usr/bin:/bin';
  await createKeyring(gnupg, { keys: asked.keys, searchPath }, signal);
  await fetchCommits(asked, tools, signal);
  const look = async (args: string[]) => await tools.git.ask(callOf(asked, gnupg, args), signal);
  const tag = asked.isTag ? await signatureOfTag(asked, look) : undefined;
  const isStrict = policy.mode === 'strict';
  const commits = isStrict ? await historyToVerify(look, sha, remote.display) : [sha];
  // Argo CD: of an annotated tag its own signature counts
  const signatures = [...(tag ? [tag] : []), ...(tag && !isStrict ? [] : await signaturesOf(commits, look, remote))];
  const problems = [...new Set(signatures.flatMap((one) => whyNotAccepted(one, policy) ?? []))];
  if (problems.length === 0) return undefined;
  const more = problems.length > maxProblems ? `, and ${problems.length - maxProblems} more` : '';
  return `${remote.display} at ${sha.slice(0, 7)} is not signed as its project wants it (${policy.mode}): ${problems.slice(0, maxProblems).join('; ')}${more}`;
}

export type Look = (args: string[]) => Promise<{ exitCode: number; stdout: string; stderr: string }>;

function callOf({ folder }: Check, gnupg: string, args: string[]) {
  return {
    args: [`--git-dir=${path.join(folder, 'git')}`, ...args],
    // what was not fetched is not fetched now
    env: { GNUPGHOME: gnupg, GIT_NO_LAZY_FETCH: '1' },
    config: [
      ['gpg.program', 'gpg'],
      ['gpg.x509.program', '/bin/false'],
      ['gpg.ssh.program', '/bin/false'],
    ] as const,
  };
}

/** Only commits and tags, as far as the server can leave out the rest. */
async function fetchCommits(asked: Check, { git }: Tools, signal: AbortSignal): Promise<void> {
  const { folder, remote, policy, from } = asked;
  const directory = path.join(folder, 'git');
  await git.run(remote, { args: ['init', '--quiet', '--bare', '--template=', '--', directory] }, signal);
  const depth = policy.mode === 'strict' ? [] : ['--depth=1'];
  const options = ['--quiet', '--force', '--no-tags', '--no-recurse-submodules', '--filter=tree:0', ...depth];
  const args = [`--git-dir=${directory}`, 'fetch', ...options, '--end-of-options', remote.url, `+${from}:${local}`];
  await git.run(remote, { args }, signal);
}

/** Undefined for a tag without an object of its own: then its commit is looked at. Throws when it is not of this commit. */
async function signatureOfTag({ from, sha, remote }: Check, look: Look): Promise<Signature | undefined> {
  const { stdout: commit } = await look(['rev-parse', '--verify', `${local}^{commit}`]);
  if (commit.trim() !== sha) throw movedOn(from, sha, remote);
  const { stdout: type } = await look(['cat-file', '-t', local]);
  if (type.trim() !== 'tag') return undefined;
  const { stdout: author } = await look(['for-each-ref', '--format=%(taggername) %(taggeremail)', local]);
  const { stdout, stderr } = await look(['verify-tag', '--raw', local]);
  return parseStatus(`${stdout}\n${stderr}`, {
    object: `tag ${from.slice('refs/tags/'.length)}`,
    author: author.trim(),
  });
}

async function signaturesOf(commits: readonly string[], look: Look, remote: Remote): Promise<Signature[]> {
  const found: Signature[] = [];
  const step = 500;
  for (let at = 0; at < commits.length; at += step) {
    const some = commits.slice(at, at + step);
    const { exitCode, stdout } = await look([
      'log',
      '-z',
      '--no-walk=unsorted',
      `--format=${logFormat}`,
      ...some,
      '--',
    ]);
    found.push(...parseLog(exitCode === 0 ? stdout : ''));
  }
  if (found.length === commits.length) return found;
  throw new FleetError(
    'RepositoryUnreachable',
    `commits of ${remote.display} could not be read to check their signatures`,
  );
}
