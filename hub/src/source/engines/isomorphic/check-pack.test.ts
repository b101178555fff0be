import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Remote } from '../../remote.ts';
import { formatEntry, formatPack, formatRepeats, type PackedObject } from '../../testing/pack-file.ts';
import { checkPack } from './check-pack.ts';

const remote: Remote = { url: '', display: 'https://git.example/a', scheme: 'https', host: '', credentials: {} };
const maxInflatedBytes = 200 << 20;
const check = (pack: Buffer) => checkPack(pack, remote, { maxInflatedBytes });

const zeros = (mebibytes: number): PackedObject => ({ kind: 'blob', data: Buffer.alloc(mebibytes << 20) });
const distanceTo = (base: PackedObject) => formatEntry(base).length;
const hello: PackedObject = { kind: 'blob', data: Buffer.from('hello') };
const small = zeros(16);

it('takes a pack of usual objects and deltas', () => {
  const delta: PackedObject = { kind: 'delta', data: formatRepeats(16 << 20, 2), distance: distanceTo(small) };
  expect(() => check(formatPack([hello, small, delta, hello]))).not.toThrow();
  expect(() => check(formatPack([]))).not.toThrow();
});

it.each([
  { name: 'an object', objects: [hello, zeros(65)], message: /holds an object of 68157440 bytes/ },
  {
    name: 'a delta that yields much',
    objects: [small, { kind: 'delta', data: formatRepeats(16 << 20, 5), distance: distanceTo(small) }],
    message: /holds an object of 83886075 bytes/,
  },
  {
    name: 'a delta of many instructions',
    objects: [small, { kind: 'delta', data: Buffer.alloc(5 << 20), distance: distanceTo(small) }],
    message: /holds a delta of 5242880 bytes/,
  },
  {
    name: 'all together',
    objects: [zeros(60), zeros(60), zeros(60), zeros(60)],
    message: /unpacks to more than 200 MiB/,
  },
] satisfies { name: string; objects: PackedObject[]; message: RegExp }[])(
  'refuses what would fill the memory, and says the way out: $name',
  ({ objects, message }) => {
    const pack = formatPack(objects);
    expect(pack.length).toBeLessThan(1 << 20);
    expect(() => check(pack)).toThrow(
      expect.objectContaining({ code: 'TooLarge', message: expect.stringMatching(message) }),
    );
    expect(() => check(pack)).toThrow(/^repository https:\/\/git.example\/a .* set WHEELHOUSE_GIT_ENGINE to auto/);
  },
);

it('refuses objects without number', () => {
  const pack = formatPack(Array.from({ length: 3_000 }, () => hello));
  expect(() => checkPack(pack, remote, { maxInflatedBytes: 2 << 20 })).toThrow(/unpacks to more than 2 MiB/);
});

it.each([
  { name: 'an object that is larger than stated', pack: formatPack([{ ...zeros(65), size: 10 }]) },
  { name: 'an object that is smaller than stated', pack: formatPack([{ ...hello, size: 10 }, hello]) },
  {
    name: 'a delta upon what is no entry',
    pack: formatPack([small, { kind: 'delta', data: formatRepeats(16 << 20, 1), distance: distanceTo(small) - 1 }]),
  },
  { name: 'another digest', pack: Buffer.concat([formatPack([hello]).subarray(0, -1), Buffer.alloc(1)]) },
  { name: 'fewer objects than stated', pack: withCount(formatPack([hello]), 2) },
])('refuses a pack with $name', ({ pack }) => {
  expect(() => check(pack)).toThrow(expect.objectContaining({ code: 'RepositoryUnreachable' }));
});

function withCount(pack: Buffer, count: number): Buffer {
  const content = Buffer.from(pack.subarray(0, -20));
  content.writeUInt32BE(count, 8);
  return Buffer.concat([content, createHash('sha1').update(content).digest()]);
}
