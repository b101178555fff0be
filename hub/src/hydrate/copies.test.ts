import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCopies } from './copies.ts';

const signal = new AbortController().signal;
const maxAgeMs = 60_000;
let directory: string;
let time: number;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'wheelhouse-copies-'));
  time = Date.now();
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

const create = () => createCopies({ directory, maxAgeMs, now: () => time });
const hostKey = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, 8);
const here = hostKey(hostname());
const ended = () => spawnSync(process.execPath, ['--version']).pid;

/** A copy with something in it, as old as is said. */
async function leave(name: string, ageMs = 0): Promise<void> {
  await mkdir(path.join(directory, name, 'objects'), { recursive: true });
  await writeFile(path.join(directory, name, 'objects', 'pack'), 'x');
  const at = new Date(time - ageMs);
  await utimes(path.join(directory, name), at, at);
}

it('tells what came of a write whose copy cannot be removed', async () => {
  const use = createCopies({ directory: path.join(directory, 'copies'), maxAgeMs, now: () => time }).use;
  const pushed = use('key', signal, async () => {
    await writeFile(path.join(directory, 'copies'), 'no folder');
    return 'pushed';
  });
  await expect(pushed).resolves.toBe('pushed');
});

describe('what is left behind', () => {
  it.each<[string, () => string, number, boolean]>([
    ['of a process of this host that ended', () => `key.${here}.${ended()}.a`, 0, true],
    ['of an earlier process with the number of this one', () => `key.${here}.${process.pid}.a`, 0, true],
    ['of a process of this host that runs', () => `key.${here}.${process.ppid}.a`, 0, false],
    ['of one that runs, but longer than any write takes', () => `key.${here}.${process.ppid}.a`, 61_000, true],
    ['of another host', () => `key.${hostKey('other')}.${process.pid}.a`, 0, false],
    ['of another host, of long ago', () => `key.${hostKey('other')}.${process.pid}.a`, 61_000, true],
    ['a folder of a replica that is gone', () => 'hub-7', 61_000, true],
    ['a folder that nobody knows', () => 'hub-7', 0, false],
  ])('%s', async (...[, nameOf, ageMs, isRemoved]) => {
    const name = nameOf();
    await leave(name, ageMs);
    await create().tidy();
    expect(await readdir(directory)).toEqual(isRemoved ? [] : [name]);
  });

  it('is looked for by the first write, and once an hour', async () => {
    const copies = create();
    const left = `key.${here}.${ended()}.a`;
    for (const [passMs, isRemoved] of [
      [0, true],
      [59 * 60_000, false],
      [2 * 60_000, true],
    ] as const) {
      time += passMs;
      await leave(left);
      await copies.use('key', signal, async () => undefined);
      expect(await readdir(directory)).toEqual(isRemoved ? [] : [left]);
      await rm(path.join(directory, left), { recursive: true, force: true });
    }
  });

  it('is not where nothing was ever written', async () => {
    await rm(directory, { recursive: true });
    await expect(create().tidy()).resolves.toBeUndefined();
  });
});

it('a copy in use is not removed, and one that failed is', async () => {
  const copies = create();
  await expect(
    copies.use('key', signal, async (copy) => {
      await mkdir(copy);
      await utimes(copy, 0, 0);
      await copies.tidy();
      expect(await readdir(directory)).toEqual([path.basename(copy)]);
      throw new Error('failed');
    }),
  ).rejects.toThrow('failed');
  expect(await readdir(directory)).toEqual([]);
});

it('of one key there is one at a time, each in a folder of its own', async () => {
  const [first, second] = [create(), create()];
  const seen: string[] = [];
  const use = async (copies: typeof first) =>
    await copies.use('key', signal, async (copy) => {
      await mkdir(copy);
      seen.push(copy);
      expect((await readdir(directory)).length).toBeLessThanOrEqual(2);
    });
  await Promise.all([use(first), use(first), use(second)]);
  expect(new Set(seen).size).toBe(3);
});

it('who gives up waiting for an earlier write is told at once, and lets nobody pass it', async () => {
  const copies = create();
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const order: string[] = [];
  const first = copies.use('key', signal, async () => {
    begun.resolve();
    await end.promise;
    order.push('first');
  });
  await begun.promise;
  const leaving = new AbortController();
  const second = copies.use('key', leaving.signal, async () => order.push('second'));
  leaving.abort(new Error('given up'));
  await expect(second).rejects.toThrow('given up');
  const third = copies.use('key', signal, async () => order.push('third'));
  // one of another key needs as long as the third would, were nobody before it
  await copies.use('other', signal, async () => order.push('other'));
  end.resolve();
  await Promise.all([first, third]);
  expect(order).toEqual(['other', 'first', 'third']);
});
