import { mkdir, mkdtempDisposable, readdir, stat, utimes } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { openTemporaryFolder } from './temporary-folder.ts';

it('what a killed process left is gone, though it had the same number, and nothing that is in use', async () => {
  await using parent = await mkdtempDisposable(join(tmpdir(), 'wheelhouse-folders-'));
  const mine = `wheelhouse-key-${hostname()}`;
  const leftovers = [`${mine}-${process.pid}-killed`, `${mine}-4194999-killed`];
  const kept = [`${mine}-${process.ppid}-other`, `${mine}-two-4194999-host`, 'wheelhouse-key-4194999-host', 'else'];
  const before = new Date(performance.timeOrigin - 1_000);
  for (const name of [...leftovers, ...kept]) {
    await mkdir(join(parent.path, name, 'key'), { recursive: true });
    await utimes(join(parent.path, name), before, before);
  }
  const folders = await Promise.all([1, 2].map(() => openTemporaryFolder(parent.path, 'wheelhouse-key-')));
  const opened = folders.map((folder) => basename(folder));
  expect((await readdir(parent.path)).sort()).toEqual([...kept, ...opened].sort());
  expect((await stat(folders[0] ?? '')).mode & 0o777).toBe(0o700);
});
