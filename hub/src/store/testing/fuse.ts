import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** A hub that is killed between two writes. */
export interface Fuse {
  /** Stands before each write; throws once the hub is dead. */
  write(): void;
  /** So many more writes take place; all of them with Infinity, as from the beginning. */
  killAfter(writes: number): void;
}

export function createFuse(): Fuse {
  let left = Number.POSITIVE_INFINITY;
  return {
    write: () => {
      if (left === 0) throw new FleetError('Aborted', 'the hub was killed');
      left -= 1;
    },
    killAfter: (writes) => {
      left = writes;
    },
  };
}
