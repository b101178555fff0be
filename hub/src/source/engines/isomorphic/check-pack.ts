import { createHash } from 'node:crypto';
import { constants, inflateSync } from 'node:zlib';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { sourceFailure } from '../../failure.ts';
import { resultBytesOf } from '../../objects/delta.ts';
import { type EntryHeader, readEntryHeader } from '../../objects/pack-entry.ts';
import type { Remote } from '../../remote.ts';
import { tooLarge } from './too-large.ts';

export interface PackLimits {
  /** Of all objects of a pack together, deltas as what they yield. */
  maxInflatedBytes: number;
}

/** What is read of a repository is no larger (objects/object-store.ts). */
const maxObjectBytes = 64 << 20;
/** isomorphic-git keeps an object in memory for each instruction of a delta, of which the shortest has two bytes. */
const maxDeltaBytes = 4 << 20;
/** What isomorphic-git keeps in memory of an object however small. */
const leastBytes = 1 << 10;
const headerBytes = 12;
const digestBytes = 20;

/**
 * Looks through a pack before isomorphic-git does, which inflates whatever it is given without a bound and takes the digest for
 * granted. Never holds more than one object. Throws TooLarge, and RepositoryUnreachable for a pack that is not whole.
 */
export function checkPack(pack: Buffer, remote: Remote, limits: PackLimits): void {
  const incomplete = (reason: string, cause?: unknown) => sourceFailure('incomplete', remote, { reason, cause });
  const digest = createHash('sha1').update(pack.subarray(0, -digestBytes)).digest();
  if (!digest.equals(pack.subarray(-digestBytes))) throw incomplete('the digest of the pack is wrong');
  try {
    checkEntries(pack, remote, limits);
  } catch (cause) {
    if (cause instanceof FleetError && cause.code === 'TooLarge') throw cause;
    throw incomplete('the pack cannot be read', cause);
  }
}

function checkEntries(pack: Buffer, remote: Remote, { maxInflatedBytes }: PackLimits): void {
  const entries = pack.subarray(0, -digestBytes);
  const begun = new Set<number>();
  let total = 0;
  let at = headerBytes;
  for (let left = pack.readUInt32BE(8); left > 0; left -= 1) {
    const header = readEntryHeader(entries, at);
    refuseBaseWithin(begun, header, at);
    begun.add(at);
    if (header.size > (header.base ? maxDeltaBytes : maxObjectBytes)) throw tooLarge(remote, sizeText(header));
    const { data, end } = inflateEntry(entries, header);
    const size = header.base ? resultBytesOf(data) : header.size;
    if (size > maxObjectBytes) throw tooLarge(remote, sizeText({ size }));
    total += Math.max(size, leastBytes);
    if (total > maxInflatedBytes) throw tooLarge(remote, `unpacks to more than ${maxInflatedBytes >> 20} MiB`);
    at = end;
  }
}

/** A base that is no entry could be anything: data that was never looked at as one. */
function refuseBaseWithin(begun: ReadonlySet<number>, { base }: EntryHeader, at: number): void {
  if (base && 'distance' in base && !begun.has(at - base.distance))
    throw new FleetError('DigestMismatch', 'the base of a delta is no entry of the pack');
}

function sizeText({ size, base }: Pick<EntryHeader, 'size' | 'base'>): string {
  return base ? `holds a delta of ${size} bytes` : `holds an object of ${size} bytes`;
}

/** The types leave out `info`. Node: `zlib.inflateSync` with it also tells how much it has read. */
interface Inflated {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

/** Stops at the size that the pack states. */
function inflateEntry(entries: Buffer, { size, dataAt }: EntryHeader): { data: Buffer; end: number } {
  const { buffer: data, engine } = inflateSync(entries.subarray(dataAt), {
    info: true,
    maxOutputLength: Math.max(size, 1),
    chunkSize: Math.min(Math.max(size, constants.Z_MIN_CHUNK), 1 << 16),
  }) as unknown as Inflated;
  if (data.length !== size) throw new FleetError('DigestMismatch', 'an object has not the size that the pack states');
  return { data, end: dataAt + engine.bytesWritten };
}
