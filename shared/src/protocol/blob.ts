import { gunzipSync, gzipSync } from 'node:zlib';
import { compress, decompress } from '../compression/compression.ts';
import { FleetError } from '../errors/fleet-error.ts';
import { digestOf } from '../kube/canonical.ts';

/**
 * A bundle on its way: content cut into pieces of 512 KiB, each gzipped by itself and prefixed with five bytes (format
 * version, total length). Where it is cut depends on nothing but the content, so two hubs with different zlib versions
 * that write the same digest at once still leave parts which fit together in a write-once store.
 */
export const partBytes = 512 * 1024;
/** Content above this is refused, and never unpacked. */
export const maxBlobBytes = 32 * 1024 * 1024;

const version = 1;
const prefixBytes = 5;

/** The hexadecimal part of `sha256:<hex>`, as subjects and file names use it. Throws Malformed. */
export function shaOf(digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (!match?.[1]) throw new FleetError('Malformed', `${JSON.stringify(digest)} is not a sha256 digest`);
  return match[1];
}

/** Cuts and compresses content into the parts to store. Throws TooLarge above `maxBlobBytes`. */
export async function formatBlob(content: Uint8Array): Promise<Buffer[]> {
  if (content.length > maxBlobBytes)
    throw new FleetError('TooLarge', `a bundle of ${content.length} bytes is above the limit of ${maxBlobBytes}`);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt8(version);
  prefix.writeUInt32BE(content.length, 1);
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < content.length; at += partBytes)
    parts.push(Buffer.concat([prefix, await compress(content.subarray(at, at + partBytes))]));
  return parts;
}

/** How many parts the content has, told by any one of them. Throws Malformed or TooLarge. */
export function partCountOf(part: Uint8Array): number {
  return Math.max(1, Math.ceil(contentLength(part) / partBytes));
}

/** Joins all parts, in order. Throws DigestMismatch when they are not the content that was asked for. */
export async function parseBlob(digest: string, parts: readonly Uint8Array[]): Promise<Buffer> {
  try {
    const pieces = await Promise.all(parts.map((part) => decompress(part.subarray(prefixBytes), partBytes)));
    return verified(digest, Buffer.concat(pieces));
  } catch (cause) {
    throw asMismatch(digest, cause);
  }
}

/** Content small enough to travel in the document itself, as base64 of its gzip. */
export function formatInline(content: Uint8Array): string {
  return gzipSync(content).toString('base64');
}

/** The content, and its gzip as it arrived. Throws DigestMismatch. */
export function parseInline(digest: string, text: string): { content: Buffer; packed: Buffer } {
  try {
    const packed = Buffer.from(text, 'base64');
    return { content: verified(digest, gunzipSync(packed, { maxOutputLength: maxBlobBytes })), packed };
  } catch (cause) {
    throw asMismatch(digest, cause);
  }
}

/** Returns the content when it has that digest. Throws DigestMismatch. */
export function verified(digest: string, content: Buffer): Buffer {
  const found = digestOf(content);
  if (found === digest) return content;
  throw new FleetError('DigestMismatch', `bundle ${digest} arrived with the content of ${found}; it is not used`);
}

function contentLength(part: Uint8Array): number {
  if (part.length < prefixBytes || part[0] !== version)
    throw new FleetError('Malformed', 'a part of a bundle has an unknown format; is this agent older than the hub?');
  const length = new DataView(part.buffer, part.byteOffset, prefixBytes).getUint32(1);
  if (length > maxBlobBytes)
    throw new FleetError('TooLarge', `a bundle of ${length} bytes is above the limit of ${maxBlobBytes}`);
  return length;
}

function asMismatch(digest: string, cause: unknown): FleetError {
  if (cause instanceof FleetError) return cause;
  return new FleetError('DigestMismatch', `bundle ${digest} cannot be unpacked; it is not used`, { cause });
}
