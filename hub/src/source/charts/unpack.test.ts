import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unpack } from './unpack.ts';

const signal = new AbortController().signal;
const options = { what: 'chart web 1.0.0', stripRoot: false, gzip: false };
const mega = 1 << 20;

interface Entry {
  name: string;
  content?: Buffer;
  type?: string;
  /** Where the header lies about it. */
  size?: number;
}

/** ustar, with a header for each entry. */
function tar(entries: Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(1024)]);
}

function blocksOf({ name, content = Buffer.alloc(0), type = '0', size = content.length }: Entry): Buffer[] {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

describe('unpack', () => {
  it('gives the files of an archive, packed or not', async () => {
    const archive = tar([{ name: 'web/Chart.yaml', content: Buffer.from('name: web\n') }]);
    const files = { 'Chart.yaml': Buffer.from('name: web\n') };
    expect(await unpack(archive, { ...options, stripRoot: true }, signal)).toEqual(files);
    expect(await unpack(gzipSync(archive), { ...options, stripRoot: true, gzip: true }, signal)).toEqual(files);
  });

  it('takes a long name', async () => {
    const long = `${'a/'.repeat(80)}file.yaml`;
    const archive = tar([
      { name: '././@LongLink', type: 'L', content: Buffer.from(`${long}\0`) },
      { name: 'short', content: Buffer.from('x') },
    ]);
    expect(Object.keys(await unpack(archive, options, signal))).toEqual([long]);
  });

  it.each<[string, Entry[], string, string]>([
    [
      'a long name of 2 MiB',
      [{ name: 'x', type: 'L', content: Buffer.alloc(2 * mega, 'a') }],
      'TooLarge',
      'a header of more than 1 MiB',
    ],
    [
      'pax records of 2 MiB',
      [{ name: 'x', type: 'x', content: Buffer.alloc(2 * mega, 'a') }],
      'TooLarge',
      'a header of more than 1 MiB',
    ],
    ['files of more than 100 MiB', [{ name: 'x', size: 101 * mega }], 'TooLarge', 'more than 100 MiB'],
    [
      'a size in a pax header',
      [
        { name: 'p', type: 'x', content: Buffer.from('11 size=12\n') },
        { name: 'x', content: Buffer.from('x') },
      ],
      'Unsupported',
      'gives the size of x in a pax header',
    ],
    ['a path that leads out', [{ name: '../x', content: Buffer.from('x') }], 'PathOutsideRepository', '..'],
    ['a device', [{ name: 'x', type: '3' }], 'Unsupported', 'character-device'],
  ])('refuses %s', async (...[, entries, code, message]) => {
    const refused = { code, message: expect.stringContaining(message) as string };
    await expect(unpack(gzipSync(tar(entries)), { ...options, gzip: true }, signal)).rejects.toMatchObject(refused);
  });

  it('refuses what unpacks to more than its headers say', async () => {
    // headers alone: a thousand to one
    const bomb = gzipSync(Buffer.concat(Array.from({ length: 145 }, () => Buffer.alloc(mega))));
    await expect(unpack(bomb, { ...options, gzip: true }, signal)).rejects.toMatchObject({ code: 'TooLarge' });
  });

  it('refuses what is no archive', async () => {
    const gzip = { ...options, gzip: true };
    await expect(unpack(Buffer.from('hello'), gzip, signal)).rejects.toMatchObject({ code: 'Malformed' });
    const cut = gzipSync(tar([{ name: 'x', content: Buffer.alloc(mega, 'x') }])).subarray(0, 600);
    await expect(unpack(cut, gzip, signal)).rejects.toMatchObject({ code: 'Malformed' });
  });

  it('stops with its signal', async () => {
    const archive = gzipSync(tar([{ name: 'x', content: Buffer.alloc(50 * mega) }]));
    const controller = new AbortController();
    const unpacking = unpack(archive, { ...options, gzip: true }, controller.signal);
    controller.abort();
    await expect(unpacking).rejects.toMatchObject({ code: 'Aborted' });
    await expect(unpack(archive, options, controller.signal)).rejects.toMatchObject({ code: 'Aborted' });
  });
});
