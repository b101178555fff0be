import { createLimit } from '@wheelhouse/shared/async/limit';
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Engine } from '../engines/engine.ts';
import { sourceFailure } from '../failure.ts';
import type { Wanted } from '../refs.ts';
import type { Remote } from '../remote.ts';
import type { Generation, Lease } from './generation.ts';
import { Generations } from './generations.ts';

export interface MirrorOptions {
  /** The repository's own folder. */
  directory: string;
  /** Fetches after which a fresh clone replaces the mirror. */
  fetchesBeforeReclone: number;
  /** Ends background work. */
  signal: AbortSignal;
}

interface Request {
  remote: Remote;
  wanted: Wanted;
  everything: boolean;
}

/** A ref that nobody asked for in this time is not taken along into a fresh clone. */
const askedWithinMs = 3_600_000;
/** A server that no longer knows what we have sends its whole history; a fresh clone is smaller. */
const historyFactor = 4;

/** One repository's objects on this machine, whatever engine brings them. One fetch at a time; readers never wait for it. */
export class Mirror {
  readonly #engine: Engine;
  readonly #logger: Logger;
  readonly #options: MirrorOptions;
  readonly #generations: Generations;
  readonly #exclusively = createLimit(1);
  readonly #asked = new Map<string, { wanted: Wanted; at: number }>();
  /** Size of the generation in use when it was cloned; absent for one that an earlier process cloned. */
  #cloned: { packs: number; bytes: number } | undefined;
  #usedAt = Date.now();
  #held = 0;
  #opening: Promise<void> | undefined;
  #recloning: Promise<void> | undefined;

  constructor(deps: { engine: Engine; logger: Logger }, options: MirrorOptions) {
    this.#engine = deps.engine;
    this.#logger = deps.logger;
    this.#options = options;
    this.#generations = new Generations({ logger: deps.logger }, options.directory);
  }

  /** A lease on whichever generation still has this commit. */
  async find(sha: string): Promise<Lease | undefined> {
    await this.#ready();
    return this.#generations.find(sha);
  }

  /** Fetches unless it is here, and returns the commit: `wanted.sha`, or what its ref has moved on to meanwhile. */
  async obtain(remote: Remote, wanted: Wanted, signal: AbortSignal): Promise<string> {
    await this.#ready();
    this.#asked.set(wanted.ref ?? wanted.sha, { wanted, at: Date.now() });
    return await this.#exclusively(async () => {
      if (this.#generations.current?.store().has(wanted.sha)) return wanted.sha;
      try {
        return await this.#update({ remote, wanted, everything: false }, signal);
      } catch (error) {
        if (wanted.ref !== undefined || !isFleetError(error, 'RevisionNotFound')) throw error;
        // Git: a server need not give a commit that is no tip
        return await this.#clone({ remote, wanted, everything: true }, signal);
      }
    });
  }

  /** When something of it was last wanted; now, while somebody holds or reads it. */
  get usedAt(): number {
    const isUsed = this.#held > 0 || this.#recloning || this.#generations.isLeased;
    return isUsed ? Date.now() : this.#usedAt;
  }

  touch(): void {
    this.#usedAt = Date.now();
  }

  /** In use until it is disposed. */
  hold(): Disposable {
    this.#held += 1;
    return {
      [Symbol.dispose]: () => {
        this.#held -= 1;
        this.touch();
      },
    };
  }

  /** Frees what nobody reads. */
  closeIdle(): void {
    this.#generations.closeIdle();
  }

  /** Waits for the re-clone in the background; abort its signal first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recloning;
    this.closeIdle();
  }

  async #ready(): Promise<void> {
    this.#opening ??= this.#generations.open();
    try {
      await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #fetch(generation: Generation, request: Request, signal: AbortSignal): Promise<string> {
    const { directory } = generation;
    const fetched = await this.#generations.change(
      generation,
      async () => await this.#engine.fetch({ ...request, directory }, signal),
    );
    const commit = generation.store().peel(fetched);
    if (commit !== undefined) return commit;
    throw sourceFailure('revision', request.remote, { reason: request.wanted.ref ?? request.wanted.sha });
  }

  /** Fills a new generation and takes it into use, or leaves nothing behind. */
  async #clone(request: Request, signal: AbortSignal): Promise<string> {
    const generation = await this.#generations.createNext((directory) => this.#engine.create(directory, signal));
    try {
      const commit = await this.#fetch(generation, request, signal);
      await this.#use(generation);
      return commit;
    } catch (error) {
      await generation.retire();
      throw error;
    }
  }

  async #use(generation: Generation): Promise<void> {
    const { packCount, packBytes } = generation.store();
    await this.#generations.switchTo(generation);
    this.#cloned = { packs: packCount, bytes: packBytes };
  }

  async #update(request: Request, signal: AbortSignal): Promise<string> {
    const generation = this.#generations.current;
    if (!generation) return await this.#clone(request, signal);
    const before = generation.store().packBytes;
    const commit = await this.#fetch(generation, request, signal);
    const { packBytes, packCount } = generation.store();
    const { packs, bytes } = this.#cloned ?? { packs: 1, bytes: Number.POSITIVE_INFINITY };
    const sentHistory = packBytes - before > historyFactor * Math.max(bytes, 1 << 20);
    if (sentHistory || packCount - packs >= this.#options.fetchesBeforeReclone) this.#startReclone(request.remote);
    return commit;
  }

  #startReclone(remote: Remote): void {
    this.#recloning ??= this.#reclone(remote)
      .catch((error: unknown) => {
        if (!this.#options.signal.aborted)
          this.#logger.warn(
            { repository: remote.display, err: error },
            're-clone failed; tried again after the next fetch',
          );
      })
      .finally(() => {
        this.#recloning = undefined;
      });
  }

  async #reclone(remote: Remote): Promise<void> {
    const { signal } = this.#options;
    const generation = await this.#generations.createNext((directory) => this.#engine.create(directory, signal));
    try {
      for (const wanted of this.#recentlyAsked())
        await this.#fetch(generation, { remote, wanted, everything: false }, signal).catch(ignoreDeleted);
      await this.#exclusively(async () => await this.#use(generation));
      this.#logger.debug({ repository: remote.display }, 'mirror cloned afresh');
    } catch (error) {
      await generation.retire();
      throw error;
    }
  }

  #recentlyAsked(): Wanted[] {
    for (const [key, { at }] of this.#asked) if (Date.now() - at > askedWithinMs) this.#asked.delete(key);
    return [...this.#asked.values()].map(({ wanted }) => wanted);
  }
}

/** A branch that no longer exists is not taken along. */
function ignoreDeleted(error: unknown): void {
  if (!isFleetError(error, 'RevisionNotFound')) throw error;
}
