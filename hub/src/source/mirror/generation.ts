import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { type ObjectStore, openObjectStore } from '../objects/object-store.ts';

/** Keeps a generation's objects readable until it is disposed, or until nothing refers to it any more. */
export interface Lease extends Disposable {
  readonly store: ObjectStore;
}

/** One bare repository on the disk. A mirror goes from one to the next, because neither engine ever tidies up what it fetched. */
export interface Generation {
  readonly directory: string;
  /** Opened at the first use, and again after closeIdle. */
  store(): ObjectStore;
  lease(): Lease;
  readonly isLeased: boolean;
  /** Frees memory and file descriptors if nobody holds a lease. */
  closeIdle(): void;
  /** Closes and deletes it once the last lease is gone. */
  retire(): Promise<void>;
  /** Retired, and its last lease gone. */
  readonly isGone: boolean;
}

export function createGeneration(directory: string, logger: Logger): Generation {
  let opened: ObjectStore | undefined;
  let leases = 0;
  let isRetired = false;

  const close = () => {
    opened?.[Symbol.dispose]();
    opened = undefined;
  };
  const remove = async () => {
    close();
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  const release = () => {
    leases -= 1;
    if (leases > 0 || !isRetired) return;
    remove().catch((error: unknown) =>
      logger.warn({ mirror: path.basename(directory), err: error }, 'old mirror not deleted'),
    );
  };
  const forgotten = new FinalizationRegistry<() => void>((releaseOnce) => releaseOnce());
  const open = (): ObjectStore => (opened ??= openObjectStore(directory));

  return {
    directory,
    store: open,
    lease() {
      const store = open();
      leases += 1;
      let isHeld = true;
      const releaseOnce = () => {
        if (isHeld) release();
        isHeld = false;
      };
      const lease: Lease = { store, [Symbol.dispose]: releaseOnce };
      forgotten.register(lease, releaseOnce);
      return lease;
    },
    closeIdle() {
      if (leases === 0) close();
    },
    async retire() {
      isRetired = true;
      if (leases === 0) await remove();
    },
    get isLeased() {
      return leases > 0;
    },
    get isGone() {
      return isRetired && leases === 0;
    },
  };
}
