import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { createGeneration, type Generation, type Lease } from './generation.ts';

/** After these an engine has left the repository as it was; after any other failure it is not trusted again. */
const harmless: readonly ErrorCode[] = [
  'RepositoryUnreachable',
  'RepositoryAuthentication',
  'HostKeyMismatch',
  'RevisionNotFound',
  'TooLarge',
  'ToolMissing',
];

/**
 * The generations of one mirror on the disk: `gen-<n>/` bare repositories, and `current`, which names the one in use and is
 * replaced by a rename. `gen-<n>/fetching` stands while an engine writes; a generation found with it after a crash is
 * thrown away, and so is every one that is not current.
 */
export class Generations {
  current: Generation | undefined;
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #live = new Set<Generation>();
  #lastNumber = 0;

  constructor(deps: { logger: Logger }, directory: string) {
    this.#logger = deps.logger;
    this.#directory = directory;
  }

  /** Takes up what an earlier process left. */
  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const name = await readFile(path.join(this.#directory, 'current'), 'utf8').catch(() => '');
    for (const found of await readdir(this.#directory)) {
      if (found === 'current') continue;
      this.#lastNumber = Math.max(this.#lastNumber, Number(/^gen-(\d+)$/.exec(found)?.[1] ?? 0));
      const directory = path.join(this.#directory, found);
      if (found === name && !existsSync(markerOf(directory)))
        await this.#adopt(createGeneration(directory, this.#logger));
      else await rm(directory, { recursive: true, force: true });
    }
  }

  async #adopt(generation: Generation): Promise<void> {
    try {
      generation.store();
    } catch (error) {
      this.#logger.warn({ mirror: this.#directory, err: error }, 'mirror is damaged and is cloned again');
      await generation.retire();
      return;
    }
    this.#live.add(generation);
    this.current = generation;
  }

  /** A new generation that nobody reads yet; `create` makes the empty repository. */
  async createNext(create: (directory: string) => Promise<void>): Promise<Generation> {
    this.#lastNumber += 1;
    const directory = path.join(this.#directory, `gen-${this.#lastNumber}`);
    await create(directory);
    return createGeneration(directory, this.#logger);
  }

  /** Runs what changes a generation, so that neither a crash nor a failure in it leaves a corrupt one in use. */
  async change<T>(generation: Generation, task: () => Promise<T>): Promise<T> {
    const marker = markerOf(generation.directory);
    await writeFile(marker, '');
    try {
      const result = await task();
      generation.store().reload();
      await rm(marker, { force: true });
      return result;
    } catch (error) {
      if (isFleetError(error) && harmless.includes(error.code)) await rm(marker, { force: true });
      else await this.#discard(generation);
      throw toFleetError(error);
    }
  }

  async #discard(generation: Generation): Promise<void> {
    if (this.current === generation) this.current = undefined;
    await generation.retire();
  }

  /** Makes it the one in use, on the disk first; the one before goes when its last lease does. */
  async switchTo(generation: Generation): Promise<void> {
    const file = path.join(this.#directory, 'current');
    await writeFile(`${file}.new`, path.basename(generation.directory));
    await rename(`${file}.new`, file);
    const previous = this.current;
    this.#live.add(generation);
    this.current = generation;
    await previous?.retire();
  }

  /** A lease on whichever generation has this commit. */
  find(sha: string): Lease | undefined {
    for (const generation of this.#live) {
      if (generation.isGone) this.#live.delete(generation);
      else if (generation.store().has(sha)) return generation.lease();
    }
    return undefined;
  }

  get isLeased(): boolean {
    return [...this.#live].some((generation) => generation.isLeased);
  }

  closeIdle(): void {
    for (const generation of this.#live) if (!generation.isGone) generation.closeIdle();
  }
}

function markerOf(directory: string): string {
  return path.join(directory, 'fetching');
}
