import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
