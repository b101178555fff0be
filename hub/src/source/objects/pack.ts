import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { readEntryHeader } from './pack-entry.ts';
import { createPackIndex } from './pack-index.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** One entry of a pack, inflated: an object, or a delta and where its base is. */
export type PackEntry =
  | { type: ObjectType; data: Buffer }
  | { type: 'delta'; base: { offset: number } | { oid: string }; data: Buffer };

export interface Pack {
  readonly name: string;
  readonly bytes: number;
  /** Offset of an object (its 20 bytes), or undefined. */
  find(oid: Buffer): number | undefined;
  readEntry(offset: number): PackEntry;
  close(): void;
}

const types: Record<number, ObjectType> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };

/** Opens `<stem>.pack` by its `<stem>.idx`. Reads with pread, so a pack that is deleted while open stays readable. */
export function openPack(stem: string, maxObjectBytes: number): Pack {
  const descriptor = openSync(`${stem}.pack`, 'r');
  try {
    const bytes = fstatSync(descriptor).size;
    const index = createPackIndex(readFileSync(`${stem}.idx`), bytes);
    return {
      name: stem,
      bytes,
      find: (oid) => index.find(oid),
      readEntry(offset) {
        const stored = index.endOf(offset) - offset;
        // incompressible data grows by a few bytes in 16 KiB; anything beyond is not an entry of a permitted size
        if (stored > maxObjectBytes * 1.01 + 1024) throw tooLarge(stored, maxObjectBytes);
        const raw = Buffer.allocUnsafe(Math.max(stored, 0));
        if (stored <= 0 || readSync(descriptor, raw, 0, stored, offset) !== stored)
          throw new FleetError('DigestMismatch', `git pack ${stem}.pack is cut off`);
        return parseEntry(raw, offset, maxObjectBytes);
      },
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function parseEntry(raw: Buffer, offset: number, maxObjectBytes: number): PackEntry {
  const { kind, size, base, dataAt } = readEntryHeader(raw, 0);
  if (size > maxObjectBytes) throw tooLarge(size, maxObjectBytes);
  if (base)
    return {
      type: 'delta',
      base: 'oid' in base ? base : { offset: offset - base.distance },
      data: inflate(raw, dataAt, size),
    };
  const type = types[kind];
  if (!type) throw new FleetError('DigestMismatch', `a git pack holds an object of the unknown type ${kind}`);
  return { type, data: inflate(raw, dataAt, size) };
}

function inflate(raw: Buffer, at: number, size: number): Buffer {
  try {
    const data = inflateSync(raw.subarray(at), { maxOutputLength: Math.max(size, 1) });
    if (data.length === size) return data;
  } catch (cause) {
    throw new FleetError('DigestMismatch', 'a git object cannot be inflated: the mirror is corrupt', { cause });
  }
  throw new FleetError('DigestMismatch', 'a git object has not the size that its pack states: the mirror is corrupt');
}

function tooLarge(bytes: number, limit: number): FleetError {
  return new FleetError('TooLarge', `a git object of ${bytes} bytes is over the limit of ${limit}`);
}
