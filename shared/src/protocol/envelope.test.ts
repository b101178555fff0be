import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AssignmentDocument } from './document.ts';
import { createSigningKey, parseDocumentKeys, publicHalf, type SigningKey } from './document-key.ts';
import { openDocument, signDocument } from './envelope.ts';

const key = createSigningKey();
const other = createSigningKey();
const keys = parseDocumentKeys({ [key.kid]: publicHalf(key) });
const options = { cluster: 'us-east', keys, appliedGen: 4 };

function documentOf(fields: Partial<AssignmentDocument> = {}): AssignmentDocument {
  return {
    v: 1,
    cluster: 'us-east',
    gen: 5,
    kid: key.kid,
    issuedAt: '2026-11-23T00:00:00Z',
    apps: [],
    ops: [],
    tombstones: [],
    ...fields,
  };
}

/** Texts of any kind, few and short: what matters is which letters they hold. */
const texts = fc.dictionary(fc.string(), fc.string({ unit: 'binary', maxLength: 40 }), { maxKeys: 4 });
const reason = (length: number) => randomBytes(length).toString('base64');
const small = documentOf();
const packed = documentOf({ tombstones: [{ app: 'shop', reason: 'x'.repeat(5_000), cascade: true }] });
const ignoreDifferences = [{ kind: 'Service', jsonPointers: ['/spec/ports'] }];
const repetitive = {
  app: 'a',
  ns: '',
  project: 'p',
  revision: 'r',
  bundle: 'b',
  vars: {},
  wave: 0,
  policy: { syncOptions: [], ignoreDifferences },
};
const paged = documentOf({ tombstones: [{ app: 'shop', reason: reason(1_000_000), cascade: true }] });

function sealed(document: AssignmentDocument, by: SigningKey = key): Buffer {
  return signDocument(document, by).envelope;
}

/** The envelope with a header of one's own making. */
function withHeader(envelope: Buffer, change: Record<string, unknown>): Buffer {
  const end = envelope.indexOf(10);
  const header = JSON.parse(envelope.subarray(0, end).toString()) as object;
  return Buffer.concat([Buffer.from(`${JSON.stringify({ ...header, ...change })}\n`), envelope.subarray(end + 1)]);
}

describe('a signed document', () => {
  it.each([
    ['as it is', small, '"enc":"json"'],
    ['of version 2', documentOf({ v: 2 }), '"enc":"json"'],
    ['of version 3', documentOf({ v: 3, apps: [repetitive, { ...repetitive, app: 'b' }] }), '"enc":"json"'],
    ['gzipped', packed, '"enc":"gzip"'],
  ])('travels %s', async (_name, document, enc) => {
    const { envelope, page } = signDocument(document, key);
    expect(envelope.toString('latin1', 0, 200)).toContain(enc);
    expect(page).toBeUndefined();
    expect(await openDocument(envelope, options)).toEqual(document);
  });

  it('names a page when it is large', async () => {
    const { envelope, page } = signDocument(paged, key);
    expect(envelope.length).toBeLessThan(500);
    const pages = new Map([[page?.digest ?? '', page?.content ?? Buffer.alloc(0)]]);
    const opened = await openDocument(envelope, {
      ...options,
      page: async (digest) => pages.get(digest) ?? Buffer.alloc(0),
    });
    expect(opened).toEqual(paged);
  });

  it('comes back as it was, whatever it says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), texts, async (gen, vars) => {
        const app = {
          app: 'a',
          ns: '',
          project: 'p',
          revision: 'r',
          bundle: 'b',
          vars,
          policy: { syncOptions: [] },
          wave: 0,
        };
        const document = documentOf({ gen: gen + 5, apps: [app] });
        expect(await openDocument(sealed(document), options)).toEqual(JSON.parse(JSON.stringify(document)));
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['json', small],
    ['gzip', packed],
    ['page', paged],
  ])('is refused when any bit of it is changed (%s)', async (_name, document) => {
    const envelope = sealed(document);
    await fc.assert(
      fc.asyncProperty(fc.nat(envelope.length - 1), fc.nat(7), async (at, bit) => {
        const changed = Buffer.from(envelope);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        // bits of the base64 that carry nothing may change nothing
        const outcome = await openDocument(changed, options).catch((error: { code: string }) => error.code);
        expect(['SignatureInvalid', 'Malformed', document]).toContainEqual(outcome);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['signed by a key that is not trusted', () => sealed(documentOf({ kid: other.kid }), other), 'SignatureInvalid'],
    [
      'signed by another under a trusted name',
      () => withHeader(sealed(documentOf({ kid: other.kid }), other), { kid: key.kid }),
      'SignatureInvalid',
    ],
    ['with another encoding than was signed', () => withHeader(sealed(small), { enc: 'page' }), 'SignatureInvalid'],
    ['without signature', () => withHeader(sealed(small), { sig: '' }), 'SignatureInvalid'],
    ['of another cluster', () => sealed(documentOf({ cluster: 'us-west' })), 'WrongCluster'],
    ['of an older generation', () => sealed(documentOf({ gen: 3 })), 'GenerationOld'],
    ['of the same generation', () => sealed(documentOf({ gen: 4 })), 'GenerationOld'],
    ['of an unknown version', () => withHeader(sealed(small), { v: 2 }), 'Malformed'],
    ['of a version to come', () => sealed({ ...small, v: 4 as 3 }), 'Malformed'],
    ['without header', () => Buffer.from('x'.repeat(5_000)), 'Malformed'],
    ['that is empty', () => Buffer.alloc(0), 'Malformed'],
    ['with a page that nobody can fetch', () => sealed(paged), 'Malformed'],
    [
      'without lists',
      () => sealed({ v: 1, cluster: 'us-east', gen: 9, kid: key.kid } as AssignmentDocument),
      'Malformed',
    ],
  ])('%s is refused', async (_name, make, code) => {
    await expect(openDocument(make(), options)).rejects.toMatchObject({ code });
  });

  it('is not unpacked before its signature is checked', async () => {
    const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));
    const header = { v: 1, kid: key.kid, enc: 'gzip', sig: '' };
    const forged = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bomb]);
    await expect(openDocument(forged, options)).rejects.toMatchObject({ code: 'SignatureInvalid' });
  });

  it('is not signed in the name of another key', () => {
    expect(() => signDocument(documentOf({ kid: other.kid }), key)).toThrow(/names key/);
  });

  it('is refused when it is too large to be sent', () => {
    const huge = documentOf({ tombstones: [{ app: 'x', reason: 'x'.repeat(33 * 1024 * 1024), cascade: false }] });
    expect(() => signDocument(huge, key)).toThrow(expect.objectContaining({ code: 'TooLarge' }));
  });
});
