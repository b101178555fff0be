import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWorkspaces } from './workspace.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'wheelhouse-workspaces-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

it.each([3, 500])(
  'a workspace of %d folders is gone when it is disposed of, and nothing that it links to',
  async (count) => {
    const kept = join(parent, 'kept');
    mkdirSync(kept);
    writeFileSync(join(kept, 'file'), '');
    const directory = join(parent, 'workspaces');
    await using workspaces = createWorkspaces(directory);
    {
      await using workspace = await workspaces.open();
      for (let index = 0; index < count; index += 1) {
        mkdirSync(join(workspace.root, `${index}`));
        symlinkSync(kept, join(workspace.root, `${index}`, 'link'));
      }
    }
    const [base = ''] = readdirSync(directory);
    expect(readdirSync(join(directory, base))).toEqual([]);
    expect(readdirSync(kept)).toEqual(['file']);
  },
);

it('what a killed process left is gone, though it had the same number, and nothing that is in use', async () => {
  const before = new Date(performance.timeOrigin - 1_000);
  const leftovers = [`wheelhouse-render-${process.pid}-killed`, 'wheelhouse-render-4194999-killed'];
  const kept = [`wheelhouse-render-${process.ppid}-other`, 'else'];
  for (const name of [...leftovers, ...kept]) {
    mkdirSync(join(parent, name, 'r-1'), { recursive: true });
    utimesSync(join(parent, name), before, before);
  }
  await using first = createWorkspaces(parent);
  await using inFirst = await first.open();
  await using second = createWorkspaces(parent);
  await using inSecond = await second.open();
  const bases = [inFirst, inSecond].map(({ path }) => basename(dirname(path)));
  expect(readdirSync(parent).sort()).toEqual([...kept, ...bases].sort());
});
