import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild } from '@wheelhouse/test/support/child';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { expect, it } from 'vitest';
import { exclusively } from './exclusive.ts';

it('lets one in at a time, and tells the others whom they wait for', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'deep', 'lock');
  const waited: number[] = [];
  const isWaitedFor = Promise.withResolvers<void>();
  let inside = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    expect(await readFile(file, 'utf8')).toBe(String(process.pid));
    await isWaitedFor.promise;
    inside -= 1;
    return 'done';
  };
  const onWait = (pid: number) => {
    waited.push(pid);
    isWaitedFor.resolve();
  };
  const results = await Promise.all([1, 2, 3].map(() => exclusively(file, work, onWait)));
  expect(results).toEqual(['done', 'done', 'done']);
  expect(new Set(waited)).toEqual(new Set([process.pid]));
});

it('takes over from a process that is gone', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'lock');
  await writeFile(file, await runChild(process.execPath, ['-p', 'process.pid']));
  const onWait = () => expect.unreachable('there is nobody to wait for');
  expect(await exclusively(file, () => Promise.resolve('done'), onWait)).toBe('done');
});

it('of many that find a process gone, lets one in at a time', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'lock');
  await writeFile(file, await runChild(process.execPath, ['-p', 'process.pid']));
  let inside = 0;
  const work = async () => {
    inside += 1;
    await new Promise(setImmediate);
    expect(inside).toBe(1);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => exclusively(file, work, () => undefined)));
});

it('lets the next one in after a failure', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'lock');
  await expect(
    exclusively(
      file,
      () => Promise.reject(new Error('no')),
      () => undefined,
    ),
  ).rejects.toThrow('no');
  expect(
    await exclusively(
      file,
      () => Promise.resolve('done'),
      () => undefined,
    ),
  ).toBe('done');
});
