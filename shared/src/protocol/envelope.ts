import { type KeyObject, sign, verify } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { FleetError } from '../errors/fleet-error.ts';
import { digestOf } from '../kube/canonical.ts';
import type { AssignmentDocument } from './document.ts';
import type { SigningKey } from './document-key.ts';
import { packRules, unpackRules } from './repeated-rules.ts';

/**
 * How a document travels: one line of JSON `{v, kid, enc, sig}`, a line feed, and the body. The Ed25519 signature covers
 * version, key id, encoding and the body exactly as sent, and is checked before anything is unpacked or parsed.
 * A body that would be above 512 KiB is stored as a content-addressed blob (a page); the signed body then names its digest.
 */
export interface SignedDocument {
  envelope: Buffer;
  /** To be stored before the envelope is published. */
  page?: { digest: string; content: Buffer };
}

export interface OpenOptions {
  /** Who is reading. */
  cluster: string;
  /** Keys of the hub that this reader trusts, see `parseDocumentKeys`. */
  keys: ReadonlyMap<string, KeyObject>;
  /** Generation that the reader holds; only a newer one is accepted. */
  appliedGen: number;
  /** Fetches a page; the content must have been checked against the digest. */
  page?: (digest: string) => Promise<Uint8Array>;
}

interface Header {
  v: 1;
  kid: string;
  enc: Encoding;
  /** base64 */
  sig: string;
}

type Encoding = 'json' | 'gzip' | 'page';

/** A document is never unpacked beyond this. */
export const maxDocumentBytes = 32 * 1024 * 1024;
const maxBodyBytes = 512 * 1024;
const maxHeaderBytes = 1024;
/** Below this gzip costs more than it saves. */
const compressAboveBytes = 1024;

/** Signs a document with the key that it names. Throws TooLarge above `maxDocumentBytes`. */
export function signDocument(document: AssignmentDocument, key: SigningKey): SignedDocument {
  if (document.kid !== key.kid)
    throw new FleetError('Internal', `document of ${document.cluster} names key ${document.kid}, not ${key.kid}`);
  const json = Buffer.from(JSON.stringify(document.v === 3 ? packRules(document) : document));
  if (json.length > maxDocumentBytes)
    throw new FleetError(
      'TooLarge',
      `the document of ${document.cluster} has ${json.length} bytes; the limit is ${maxDocumentBytes}`,
    );
  if (json.length <= compressAboveBytes) return { envelope: seal('json', json, key) };
  const packed = gzipSync(json, { level: 3 });
  if (packed.length <= maxBodyBytes) return { envelope: seal('gzip', packed, key) };
  const digest = digestOf(json);
  return { envelope: seal('page', Buffer.from(JSON.stringify({ digest })), key), page: { digest, content: json } };
}

/**
 * Checks and reads a document. Throws SignatureInvalid, WrongCluster, GenerationOld (not newer than `appliedGen`),
 * Malformed, TooLarge; nothing that throws may change what the reader holds.
 */
export async function openDocument(bytes: Uint8Array, options: OpenOptions): Promise<AssignmentDocument> {
  const { header, body } = openEnvelope(bytes, options.keys);
  const document = parseDocument(await contentOf(header, body, options));
  if (document.cluster !== options.cluster)
    throw new FleetError(
      'WrongCluster',
      `a document of cluster ${document.cluster} reached ${options.cluster}; it is ignored`,
    );
  if (document.kid !== header.kid)
    throw new FleetError(
      'SignatureInvalid',
      `the document of ${document.cluster} was signed by ${header.kid} but names ${document.kid}`,
    );
  if (document.gen <= options.appliedGen)
    throw new FleetError(
      'GenerationOld',
      `generation ${document.gen} of ${document.cluster} is not newer than ${options.appliedGen}; it is ignored`,
      { details: { gen: document.gen, appliedGen: options.appliedGen } },
    );
  return document;
}

function seal(enc: Encoding, body: Buffer, key: SigningKey): Buffer {
  const sig = sign(null, signedBytes({ v: 1, kid: key.kid, enc }, body), key.privateKey).toString('base64');
  const header: Header = { v: 1, kid: key.kid, enc, sig };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]);
}

function signedBytes(header: Omit<Header, 'sig'>, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`wheelhouse document ${header.v} ${header.kid} ${header.enc}\n`), body]);
}

function openEnvelope(bytes: Uint8Array, keys: ReadonlyMap<string, KeyObject>): { header: Header; body: Uint8Array } {
  const end = bytes.subarray(0, maxHeaderBytes).indexOf(10);
  if (end < 0) throw new FleetError('Malformed', 'not a document: it has no header line');
  const header = parseHeader(bytes.subarray(0, end));
  const body = bytes.subarray(end + 1);
  const key = keys.get(header.kid);
  if (!key)
    throw new FleetError(
      'SignatureInvalid',
      `document signed by unknown key ${header.kid}; it is ignored until the hub hands that key out`,
    );
  if (!verify(null, signedBytes(header, body), key, Buffer.from(header.sig, 'base64')))
    throw new FleetError(
      'SignatureInvalid',
      `the signature of a document by key ${header.kid} is wrong; it is ignored`,
    );
  return { header, body };
}

function parseHeader(bytes: Uint8Array): Header {
  const header = parseJson(bytes) as Partial<Header> | null;
  const known = header?.v === 1 && ['json', 'gzip', 'page'].includes(header.enc ?? '');
  if (known && typeof header.kid === 'string' && typeof header.sig === 'string') return header as Header;
  throw new FleetError('Malformed', 'not a document of this protocol version; is this agent older than the hub?');
}

async function contentOf(header: Header, body: Uint8Array, options: OpenOptions): Promise<Uint8Array> {
  if (header.enc === 'json') return body;
  if (header.enc === 'gzip') return unpack(body);
  const { digest } = parseJson(body) as { digest?: unknown };
  if (typeof digest !== 'string' || !options.page)
    throw new FleetError('Malformed', 'a document names no readable page');
  return await options.page(digest);
}

function unpack(body: Uint8Array): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: maxDocumentBytes });
  } catch (cause) {
    throw new FleetError('TooLarge', `a document cannot be unpacked within ${maxDocumentBytes} bytes`, { cause });
  }
}

const versions: ReadonlySet<unknown> = new Set<AssignmentDocument['v']>([1, 2, 3]);

function parseDocument(bytes: Uint8Array): AssignmentDocument {
  const document = parseJson(bytes) as Partial<AssignmentDocument> | null;
  if (document && isComplete(document))
    return document.v === 3 ? unpackRules(document as AssignmentDocument) : (document as AssignmentDocument);
  throw new FleetError(
    'Malformed',
    'a signed document is not of version 1, 2 or 3, or lacks fields of them; is this agent older than the hub?',
  );
}

function isComplete({ v, gen, cluster, apps, ops, tombstones }: Partial<AssignmentDocument>): boolean {
  const isKnown = versions.has(v) && Number.isSafeInteger(gen) && typeof cluster === 'string';
  return isKnown && [apps, ops, tombstones].every((list) => Array.isArray(list));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch (cause) {
    throw new FleetError('Malformed', 'a document is no JSON', { cause });
  }
}
