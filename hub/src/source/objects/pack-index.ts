import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** Where the objects of one pack are: Git's index of version 2 (Git: gitformat-pack). SHA-1 only. */
export interface PackIndex {
  readonly count: number;
  /** Offset of the object in the pack; undefined when it is not in it. `oid` is the 20 bytes. */
  find(oid: Buffer): number | undefined;
  /** Offset at which the entry that starts at `offset` ends. */
  endOf(offset: number): number;
}

const headerBytes = 8;
const namesAt = headerBytes + 256 * 4;
const trailerBytes = 20;

/** Reads an index held in memory; `packBytes` is the size of its pack. Throws DigestMismatch when it is no index of version 2. */
export function createPackIndex(index: Buffer, packBytes: number): PackIndex {
  if (index.length < namesAt + 40 || index.readUInt32BE(0) !== 0xff744f63 || index.readUInt32BE(4) !== 2)
    throw new FleetError('DigestMismatch', 'a git pack index is not of version 2, or is cut off');
  const count = index.readUInt32BE(namesAt - 4);
  const offsetsAt = namesAt + count * 24;
  const largeAt = offsetsAt + count * 4;
  if (index.length < largeAt + 2 * trailerBytes) throw new FleetError('DigestMismatch', 'a git pack index is cut off');

  const offsetOf = (position: number): number => {
    const offset = index.readUInt32BE(offsetsAt + position * 4);
    if (!(offset & 0x80000000)) return offset;
    return Number(index.readBigUInt64BE(largeAt + (offset & 0x7fffffff) * 8));
  };
  const sorted = packBytes > 0xffffffff ? new Float64Array(count) : new Uint32Array(count);
  for (let position = 0; position < count; position += 1) sorted[position] = offsetOf(position);
  sorted.sort();

  return {
    count,
    find(oid) {
      const first = oid[0] ?? 0;
      let low = first === 0 ? 0 : index.readUInt32BE(headerBytes + (first - 1) * 4);
      let high = index.readUInt32BE(headerBytes + first * 4);
      while (low < high) {
        const middle = (low + high) >> 1;
        const at = namesAt + middle * 20;
        const order = index.compare(oid, 0, 20, at, at + 20);
        if (order === 0) return offsetOf(middle);
        if (order < 0) low = middle + 1;
        else high = middle;
      }
      return undefined;
    },
    endOf(offset) {
      let low = 0;
      let high = count;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((sorted[middle] ?? 0) <= offset) low = middle + 1;
        else high = middle;
      }
      return sorted[low] ?? packBytes - trailerBytes;
    },
  };
}
