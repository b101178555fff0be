import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { compress, decompress } from '../compression/compression.ts';
import { FleetError } from '../errors/fleet-error.ts';
import { digestOf } from '../kube/canonical.ts';

/**
 * A bundle on its way: content cut into pieces of 512 KiB, each gzipped by itself, sealed, and prefixed with five bytes
 * (format version, total length). Where it is cut depends on nothing but the content, so two hubs with different zlib versions
 * that write the same digest at once still leave parts which fit together in a write-once store.
 * Name and seal follow from the digest, so that only who was told the digest can find a bundle, or read one that he came upon:
 * permissions of NATS cannot keep a spoke from asking for `*`.
 */
export const partBytes = 512 * 1024;
/** Content above this is refused, and never unpacked. */
export const maxBlobBytes = 32 * 1024 * 1024;

const version = 2;
const prefixBytes = 5;
const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** The hexadecimal part of `sha256:<hex>`, as subjects and file names use it. Throws Malformed. */
export function shaOf(digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (!match?.[1]) throw new FleetError('Malformed', `${JSON.stringify(digest)} is not a sha256 digest`);
  return match[1];
}

/** Under which name a bundle is stored; it does not tell the digest. Throws Malformed. */
export function blobName(digest: string): string {
  return derive(digest, 'name').toString('hex');
}

/** Cuts, compresses and seals content into the parts to store. Throws TooLarge above `maxBlobBytes`. */
export async function formatBlob(digest: string, content: Uint8Array): Promise<Buffer[]> {
  if (content.length > maxBlobBytes)
    throw new FleetError('TooLarge', `a bundle of ${content.length} bytes is above the limit of ${maxBlobBytes}`);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt8(version);
  prefix.writeUInt32BE(content.length, 1);
  const key = createSecretKey(derive(digest, 'seal'));
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < content.length; at += partBytes)
    parts.push(Buffer.concat([prefix, seal(key, await compress(content.subarray(at, at + partBytes)))]));
  return parts;
}

/** How many parts the content has, told by any one of them. Throws Malformed or TooLarge. */
export function partCountOf(part: Uint8Array): number {
  return Math.max(1, Math.ceil(contentLength(part) / partBytes));
}

/** Joins all parts, in order. Throws DigestMismatch when they are not the content that was asked for. */
export async function parseBlob(digest: string, parts: readonly Uint8Array[]): Promise<Buffer> {
  try {
    const key = createSecretKey(derive(digest, 'seal'));
    const pieces = await Promise.all(
      parts.map((part) => decompress(unseal(key, part.subarray(prefixBytes)), partBytes)),
    );
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

/** A key is a KeyObject, since node:crypto takes three to four times as long to make anything of a key in a Buffer. */
function derive(digest: string, purpose: 'name' | 'seal'): Buffer {
  return createHmac('sha256', createSecretKey(shaOf(digest), 'hex'))
    .update(`wheelhouse blob ${purpose}`)
    .digest();
}

/** The nonce follows from what is sealed, so that the same gives the same, and nothing else ever shares one. */
function seal(key: KeyObject, bytes: Uint8Array): Buffer {
  const nonce = createHmac('sha256', key).update(bytes).digest().subarray(0, nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce);
  const sealed = Buffer.concat([sealing.update(bytes), sealing.final()]);
  return Buffer.concat([nonce, sealing.getAuthTag(), sealed]);
}

function unseal(key: KeyObject, bytes: Uint8Array): Buffer {
  const opening = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opening.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([opening.update(bytes.subarray(nonceBytes + tagBytes)), opening.final()]);
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
