import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ObjectType } from './pack.ts';

/** Reads an object that Git keeps in a file of its own; undefined when there is none. */
export function readLoose(
  gitDirectory: string,
  oid: string,
  maxBytes: number,
): { type: ObjectType; data: Buffer } | undefined {
  let raw: Buffer;
  try {
    raw = readFileSync(path.join(gitDirectory, 'objects', oid.slice(0, 2), oid.slice(2)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const content = inflate(raw, oid, maxBytes);
  const end = content.indexOf(0);
  const header = /^(commit|tree|blob|tag) (\d+)$/.exec(content.toString('latin1', 0, Math.max(end, 0)));
  if (!header || Number(header[2]) !== content.length - end - 1)
    throw new FleetError('DigestMismatch', `git object ${oid} is corrupt: its header is wrong`);
  return { type: header[1] as ObjectType, data: content.subarray(end + 1) };
}

function inflate(raw: Buffer, oid: string, maxBytes: number): Buffer {
  try {
    return inflateSync(raw, { maxOutputLength: maxBytes + 64 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new FleetError('TooLarge', `git object ${oid} is over the limit of ${maxBytes} bytes`, { cause });
    throw new FleetError('DigestMismatch', `git object ${oid} cannot be inflated: the mirror is corrupt`, { cause });
  }
}
