import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../kube/canonical.ts';
import {
  blobName,
  formatBlob,
  formatInline,
  maxBlobBytes,
  parseBlob,
  parseInline,
  partBytes,
  partCountOf,
  shaOf,
} from './blob.ts';

function flip(part: Buffer): Buffer {
  const changed = Buffer.from(part);
  changed[part.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

describe('bundles in parts', () => {
  it.each([
    ['nothing', 0, 1],
    ['one byte', 1, 1],
    ['exactly one part', partBytes, 1],
    ['one byte more', partBytes + 1, 2],
    ['several parts', 3 * partBytes + 7, 4],
  ])('come back whole: %s', async (_name, length, count) => {
    const content = randomBytes(length);
    const parts = await formatBlob(digestOf(content), content);
    expect(parts).toHaveLength(count);
    expect(parts.map(partCountOf)).toEqual(parts.map(() => count));
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(1_000_000);
    expect((await parseBlob(digestOf(content), parts)).equals(content)).toBe(true);
  });

  it('come back whole, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), async (content) => {
        const whole = await parseBlob(digestOf(content), await formatBlob(digestOf(content), content));
        expect(whole.equals(content)).toBe(true);
        expect(parseInline(digestOf(content), formatInline(content)).content.equals(content)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['a part is missing', (parts: Buffer[]) => parts.slice(0, 1)],
    ['parts are exchanged', (parts: Buffer[]) => parts.toReversed()],
    [
      'a part is cut',
      (parts: Buffer[]) => [parts[0] ?? Buffer.alloc(0), (parts[1] ?? Buffer.alloc(0)).subarray(0, 40)],
    ],
    [
      'a part unpacks to more than a part',
      (parts: Buffer[]) => [
        Buffer.concat([(parts[0] ?? Buffer.alloc(0)).subarray(0, 5), gzipSync(Buffer.alloc(partBytes + 1))]),
      ],
    ],
    ['a byte was changed', ([first = Buffer.alloc(0), ...rest]: Buffer[]) => [flip(first), ...rest]],
    ['it is another bundle', () => [Buffer.from([2, 0, 0, 0, 0, ...gzipSync('')])]],
  ])('are refused when %s', async (_name, change) => {
    const content = randomBytes(partBytes + 100);
    await expect(
      parseBlob(digestOf(content), change(await formatBlob(digestOf(content), content))),
    ).rejects.toMatchObject({
      code: 'DigestMismatch',
    });
  });

  it.each([
    ['an unknown format', Buffer.from([9, 0, 0, 0, 1]), 'Malformed'],
    ['no prefix', Buffer.from([1]), 'Malformed'],
    ['a length above the limit', Buffer.from([2, 255, 255, 255, 255]), 'TooLarge'],
  ])('are refused with %s', (_name, part, code) => {
    expect(() => partCountOf(part)).toThrow(expect.objectContaining({ code }));
  });

  it('tell neither their digest nor their content to whom does not know the digest', async () => {
    const content = Buffer.from('[{"kind":"ConfigMap"}]'.repeat(20));
    const digest = digestOf(content);
    const [part = Buffer.alloc(0)] = await formatBlob(digest, content);
    expect(blobName(digest)).not.toContain(digest.slice(7, 23));
    expect((await formatBlob(digest, content))[0]?.equals(part)).toBe(true);
    const guess = digestOf('guess');
    await expect(parseBlob(guess, [part])).rejects.toMatchObject({ code: 'DigestMismatch' });
    expect(() => gunzipSync(part.subarray(5 + 28))).toThrow(/incorrect header check/);
  });

  it('are refused above the limit', async () => {
    await expect(formatBlob(digestOf('a'), Buffer.alloc(maxBlobBytes + 1))).rejects.toMatchObject({ code: 'TooLarge' });
  });

  it.each([
    ['other content', formatInline(Buffer.from('b'))],
    ['no gzip', 'AAAA'],
    ['content above the limit', gzipSync(Buffer.alloc(maxBlobBytes + 1)).toString('base64')],
  ])('are refused inline with %s', (_name, text) => {
    expect(() => parseInline(digestOf(Buffer.from('a')), text)).toThrow(
      expect.objectContaining({ code: 'DigestMismatch' }),
    );
  });

  it.each(['', 'sha256:', `sha256:${'A'.repeat(64)}`, `md5:${'0'.repeat(64)}`, `sha256:${'0'.repeat(63)}.>`])(
    'are not looked for under %j',
    (digest) => {
      expect(() => shaOf(digest)).toThrow(/is not a sha256 digest/);
    },
  );
});
