import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArchiveCache } from './archive-cache.ts';

describe('createArchiveCache', () => {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'wheelhouse-archives-'));
  });
  afterEach(async () => await rm(directory, { recursive: true, force: true }));

  it('takes the same archive many times at once', async () => {
    const cache = createArchiveCache({ directory });
    const archive = Buffer.alloc(1 << 20, 'x');
    const digests = await Promise.all(Array.from({ length: 20 }, async () => await cache.put(archive)));
    expect(new Set(digests).size).toBe(1);
    expect(await cache.find(digests[0] ?? '')).toEqual(archive);
    expect(await readdir(directory)).toEqual([`${digests[0]}.tgz`]);
  });

  it('removes what a process left that died, and nothing that is being written', async () => {
    await writeFile(path.join(directory, '.abandoned'), 'half');
    await writeFile(path.join(directory, '.fresh'), 'half');
    const yesterday = new Date(Date.now() - 86_400_000);
    await utimes(path.join(directory, '.abandoned'), yesterday, yesterday);
    await createArchiveCache({ directory }).put(Buffer.from('x'));
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual(['.fresh']);
  });

  it('lets the longest unused go', async () => {
    const cache = createArchiveCache({ directory, maxBytes: 250 });
    const old = await cache.put(Buffer.alloc(100, 'a'));
    await utimes(path.join(directory, `${old}.tgz`), new Date(0), new Date(0));
    const kept = await cache.put(Buffer.alloc(100, 'b'));
    const last = await cache.put(Buffer.alloc(100, 'c'));
    expect((await readdir(directory)).sort()).toEqual([`${kept}.tgz`, `${last}.tgz`].sort());
  });

  it('does not give what was changed on the disk', async () => {
    const cache = createArchiveCache({ directory });
    const digest = await cache.put(Buffer.from('x'));
    await writeFile(path.join(directory, `${digest}.tgz`), 'y');
    expect(await cache.find(digest)).toBeUndefined();
  });
});
