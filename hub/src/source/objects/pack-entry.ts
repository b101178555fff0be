import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** What stands before the deflated data of a pack's entry (Git: gitformat-pack). */
export interface EntryHeader {
  /** 1 commit, 2 tree, 3 blob, 4 tag; 6 and 7 are deltas. */
  kind: number;
  /** Of the inflated data, as the pack states it. */
  size: number;
  /** Of a delta: how far before this entry its base is, or which object that is. */
  base?: { distance: number } | { oid: string };
  /** Where the deflated data begins. */
  dataAt: number;
}

/** Throws DigestMismatch where the pack ends too early. */
export function readEntryHeader(pack: Buffer, from: number): EntryHeader {
  let at = from;
  let byte = byteAt(pack, at++);
  const kind = (byte >> 4) & 7;
  let size = byte & 15;
  for (let shift = 4; byte & 0x80; shift += 7) {
    byte = byteAt(pack, at++);
    size += (byte & 0x7f) * 2 ** shift;
  }
  if (kind === 7) return { kind, size, base: { oid: pack.toString('hex', at, at + 20) }, dataAt: at + 20 };
  if (kind !== 6) return { kind, size, dataAt: at };
  byte = byteAt(pack, at++);
  let distance = byte & 0x7f;
  while (byte & 0x80) {
    byte = byteAt(pack, at++);
    distance = (distance + 1) * 128 + (byte & 0x7f);
  }
  return { kind, size, base: { distance }, dataAt: at };
}

function byteAt(pack: Buffer, at: number): number {
  const byte = pack[at];
  if (byte === undefined) throw new FleetError('DigestMismatch', 'a git pack is cut off');
  return byte;
}
