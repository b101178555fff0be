// Source: brings Git repositories to this machine and reads them without a check-out.
// In: a repository (URL, credentials) and a targetRevision. Out: the commit's sha, and a Snapshot of its files.
// Two engines behind one interface: isomorphic-git in a worker thread, and the git binary; both only bring packs, which
// our own reader reads. Mirrors live below `directory` and survive restarts; the truth stays in Git.
// Must never: write to a repository, run anything that a repository contains, put a credential on a command line, into a
// mirror, a message or a log, or take an object away from an open snapshot.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { LRUCache } from 'lru-cache';
import { chooseEngine } from './engines/choose.ts';
import type { Engine, EngineName } from './engines/engine.ts';
import { createIsomorphicEngine } from './engines/isomorphic/isomorphic.ts';
import { createNetworkLimit, limitEngine } from './engines/limit.ts';
import { createNativeEngine } from './engines/native/native.ts';
import { Mirror } from './mirror/mirror.ts';
import { removeUnused } from './mirror/remove-unused.ts';
import { findRevision, isFullSha, type Refs, resolveRevision } from './refs.ts';
import { type Remote, type Repository, type Rewrite, remoteKey, toRemote } from './remote.ts';
import { createSingleFlight } from './single-flight.ts';
import { claimSlot, type Slot } from './slot.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';

export type { MaterialiseLimits } from './materialise.ts';
export { materialise } from './materialise.ts';
export type { Refs } from './refs.ts';
export type { Repository, RepositoryCredentials, Rewrite } from './remote.ts';
export type { Snapshot, TreeEntry } from './snapshot.ts';
export { resolveEntry } from './symlink.ts';

/** A commit that is on this machine. `author` is `Name <email>`; `committedAt` is RFC 3339 in UTC; `message` may be cut. */
export interface Fetched {
  sha: string;
  author?: string;
  message?: string;
  committedAt?: string;
}

export interface GitSource extends AsyncDisposable {
  /** Asks what the repository offers (20 ms), without cloning. */
  listRefs(repository: Repository, signal: AbortSignal): Promise<Refs>;
  /** Resolves a targetRevision (empty, HEAD, branch, tag, version constraint, full ref or full sha) and brings its commit here. */
  fetch(repository: Repository, targetRevision: string, signal: AbortSignal): Promise<Fetched>;
  /**
   * The files of a commit, fetched if they are not here. They stay readable, whatever is fetched meanwhile, until the snapshot is
   * disposed or garbage.
   */
  open(repository: Repository, sha: string, signal: AbortSignal): Promise<Snapshot & Disposable>;
}

export interface GitSourceOptions {
  /** Holds the mirrors. A second process given the same folder uses another part of it. */
  directory: string;
  engine: 'auto' | EngineName;
  rewrites: readonly Rewrite[];
  /** For one look at what a repository offers, and for one fetch, once there is room for it. */
  timeoutMs: number;
  /** Variables of the process's environment, of which git sees PATH, the proxy settings and GIT_ALLOC_LIMIT only. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** How long a mirror is kept that nothing uses; a day. */
  mirrorLifeMs?: number;
  /** Fetches after which a mirror is cloned afresh; 30. */
  fetchesBeforeReclone?: number;
  /** Pack size that isomorphic-git still takes, as it holds it in memory; 100 MiB with `auto` (native git takes over above), else 1 GiB. Eight times as much once inflated. */
  maxIsomorphicPackBytes?: number;
  /** Allows `file://` URLs and absolute paths; false. For tests and single-user set-ups. */
  allowFileUrls?: boolean;
}

/** A pack that unpacks to more than this many times of what a pack may have is no usual one. */
const inflatedFactor = 8;
/** Network work at a time, over all repositories. */
const parallelFetches = 4;
/** How often in a mirror's life is looked for what nothing uses. */
const looksALife = 24;
/** Mirrors whose indexes and file descriptors stay open between uses. */
const openMirrors = 64;

/** Does nothing until its first use. Errors: see failure.ts; also Invalid (URL), Timeout, Aborted, ToolMissing. */
export function createGitSource(deps: { logger: Logger }, options: GitSourceOptions): GitSource {
  return new MirroredGitSource(deps, options);
}

class MirroredGitSource implements GitSource {
  readonly #logger: Logger;
  readonly #options: GitSourceOptions;
  readonly #stop = new AbortController();
  readonly #isomorphic: Engine & AsyncDisposable;
  readonly #engines: Record<EngineName, Engine>;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #recent: LRUCache<string, Mirror>;
  readonly #big = new Set<string>();
  readonly #flights = createSingleFlight<Fetched>();
  #slot: Promise<Slot> | undefined;
  #removing: Promise<void> | undefined;

  constructor(deps: { logger: Logger }, options: GitSourceOptions) {
    this.#logger = deps.logger;
    this.#options = options;
    const { engine, environment = {}, allowFileUrls: allowFile = false } = options;
    const { maxIsomorphicPackBytes = engine === 'auto' ? 100 << 20 : 1 << 30 } = options;
    this.#isomorphic = createIsomorphicEngine({
      maxResponseBytes: maxIsomorphicPackBytes,
      maxInflatedBytes: inflatedFactor * maxIsomorphicPackBytes,
    });
    const network = { limit: createNetworkLimit(parallelFetches), timeoutMs: options.timeoutMs };
    this.#engines = {
      isomorphic: limitEngine(this.#isomorphic, network),
      native: limitEngine(createNativeEngine({ environment, allowFile }), network),
    };
    this.#recent = new LRUCache({ max: openMirrors, dispose: (mirror) => mirror.closeIdle() });
  }

  async listRefs(repository: Repository, signal: AbortSignal): Promise<Refs> {
    const remote = this.#remoteOf(repository);
    const name = this.#choose(remote, await this.#directory());
    const list = await this.#engines[name].listRefs(remote, this.#either(signal));
    return { ...list, resolve: (targetRevision) => findRevision(list, targetRevision)?.sha };
  }

  async fetch(repository: Repository, targetRevision: string, signal: AbortSignal): Promise<Fetched> {
    const remote = this.#remoteOf(repository);
    const key = `${remote.url}\n${JSON.stringify(remote.credentials)}\n${targetRevision}`;
    return await this.#flights.run(
      key,
      this.#either(signal),
      async (shared) => await this.#fetchNow(remote, targetRevision, shared),
    );
  }

  async open(repository: Repository, sha: string, signal: AbortSignal): Promise<Snapshot & Disposable> {
    const remote = this.#remoteOf(repository);
    if (!isFullSha(sha)) throw new FleetError('Invalid', `"${sha}" is no full commit id`);
    // a re-clone may take the commit away between a fetch and the look at it
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const mirror = await this.#mirrorOf(remote);
      using _held = mirror.hold();
      const lease = await mirror.find(sha);
      if (lease) {
        const snapshot = createSnapshot(sha, lease, remote.display);
        return Object.assign(snapshot, { [Symbol.dispose]: () => lease[Symbol.dispose]() });
      }
      await this.fetch(repository, sha, signal);
    }
    throw new FleetError('Internal', `commit ${sha} of repository ${remote.display} was fetched but is not here`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#removing;
    for (const mirror of this.#mirrors.values()) await mirror[Symbol.asyncDispose]();
    await this.#isomorphic[Symbol.asyncDispose]();
    await (await this.#slot)?.[Symbol.asyncDispose]();
  }

  async #fetchNow(remote: Remote, targetRevision: string, signal: AbortSignal): Promise<Fetched> {
    const mirror = await this.#mirrorOf(remote);
    try {
      return await this.#fetchInto(mirror, { remote, targetRevision }, signal);
    } catch (error) {
      const mayGrow = this.#options.engine === 'auto' && !this.#big.has(remote.url);
      if (!mayGrow || !isFleetError(error, 'TooLarge')) throw error;
      this.#big.add(remote.url);
      this.#logger.info({ repository: remote.display }, 'big repository: native git takes over');
      return await this.#fetchInto(await this.#mirrorOf(remote), { remote, targetRevision }, signal);
    }
  }

  async #fetchInto(
    mirror: Mirror,
    asked: { remote: Remote; targetRevision: string },
    signal: AbortSignal,
  ): Promise<Fetched> {
    const { remote, targetRevision } = asked;
    using _held = mirror.hold();
    if (isFullSha(targetRevision)) {
      using here = await mirror.find(targetRevision.toLowerCase());
      if (here) return describe(here.store, targetRevision.toLowerCase());
    }
    const engine = this.#engines[this.#choose(remote, await this.#directory())];
    const refs = await engine.listRefs(remote, signal);
    const sha = await mirror.obtain(remote, resolveRevision(refs, targetRevision, remote.display), signal);
    using lease = await mirror.find(sha);
    return lease ? describe(lease.store, sha) : { sha };
  }

  async #mirrorOf(remote: Remote): Promise<Mirror> {
    const slot = await this.#directory();
    const name = this.#choose(remote, slot);
    const directory = path.join(slot, remoteKey(remote, name));
    const { fetchesBeforeReclone = 30 } = this.#options;
    let mirror = this.#mirrors.get(directory);
    if (!mirror) {
      const deps = { engine: this.#engines[name], logger: this.#logger };
      mirror = new Mirror(deps, { directory, fetchesBeforeReclone, signal: this.#stop.signal });
      this.#mirrors.set(directory, mirror);
    }
    mirror.touch();
    this.#recent.set(directory, mirror);
    return mirror;
  }

  /** A native mirror on the disk says that a process before this one found the repository big. */
  #choose(remote: Remote, slot: string): EngineName {
    const { engine } = this.#options;
    const isBig = this.#big.has(remote.url) || existsSync(path.join(slot, remoteKey(remote, 'native'), 'current'));
    return chooseEngine({
      engine,
      scheme: remote.scheme,
      isBig,
      proxied: remote.credentials.proxy !== undefined,
    });
  }

  async #directory(): Promise<string> {
    this.#slot ??= claimSlot(this.#options.directory);
    const { directory } = await this.#slot;
    this.#removing ??= this.#removeUnused(directory);
    return directory;
  }

  /** Again and again until the end; not at once, for what a hub that was down for a day wants first is not unused. */
  async #removeUnused(slot: string): Promise<void> {
    const { signal } = this.#stop;
    const { mirrorLifeMs = 24 * 3_600_000 } = this.#options;
    while (await sleep(mirrorLifeMs / looksALife, signal)) {
      try {
        const count = await removeUnused(slot, {
          before: Date.now() - mirrorLifeMs,
          usedAt: (directory) => this.#mirrors.get(directory)?.usedAt,
          forget: (directory) => {
            this.#recent.delete(directory);
            this.#mirrors.delete(directory);
          },
          signal,
        });
        if (count > 0) this.#logger.info({ count }, 'mirrors that nothing used are removed');
      } catch (error) {
        this.#logger.warn({ err: error }, 'mirrors that nothing uses not removed');
      }
    }
  }

  #remoteOf(repository: Repository): Remote {
    const { rewrites, allowFileUrls: allowFile = false } = this.#options;
    return toRemote(repository, { rewrites, allowFile });
  }

  /** The caller's, and the end of this source. */
  #either(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#stop.signal]);
  }
}

function describe(store: { readCommit(oid: string): Omit<Fetched, 'sha'> }, sha: string): Fetched {
  const { author, message, committedAt } = store.readCommit(sha);
  return {
    sha,
    ...(author === undefined ? {} : { author }),
    ...(message === undefined ? {} : { message }),
    ...(committedAt === undefined ? {} : { committedAt }),
  };
}
