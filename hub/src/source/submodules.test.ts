import { describe, expect, it } from 'vitest';
import { createMemorySnapshot, type MemoryFiles } from './memory-snapshot.ts';
import type { Snapshot, TreeEntry } from './snapshot.ts';
import { withSubmodules } from './submodules.ts';

const commit = 'c'.repeat(40);

/** As a Git snapshot has it: a submodule is an entry without content. */
function withEntry(files: MemoryFiles, path: string): Snapshot {
  const base = createMemorySnapshot(files);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const submodule: TreeEntry = { path, name, oid: commit, type: 'submodule', mode: '160000' };
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  return {
    ...base,
    entry: async (at) => (at === path ? submodule : await base.entry(at)),
    children: async (at) => [...(await base.children(at)), ...(at === folder ? [submodule] : [])],
  };
}

const modules = (url: string) => `[submodule "lib"]\n\tpath = apps/lib\n\turl = ${url}\n`;

describe('withSubmodules', () => {
  it('shows what lies in a submodule, opened at its commit', async () => {
    const asked: string[] = [];
    const inner = createMemorySnapshot({ 'base/a.yaml': 'inner', 'b.yaml': 'b' });
    const outer = withEntry({ '.gitmodules': modules('../lib.git'), 'apps/a.yaml': 'outer' }, 'apps/lib');
    const snapshot = withSubmodules(outer, {
      repoURL: 'https://git.example/team/shop.git',
      open: async (url, sha) => {
        asked.push(`${url} ${sha}`);
        return inner;
      },
    });
    expect(await snapshot.entry('apps/a.yaml')).toMatchObject({ type: 'file' });
    expect(asked).toEqual([]);
    expect(await snapshot.entry('apps/lib')).toMatchObject({ type: 'tree', oid: commit });
    const paths = (await Array.fromAsync(snapshot.walk('apps'))).map(({ path }) => path);
    expect(paths.sort()).toEqual([
      'apps/a.yaml',
      'apps/lib',
      'apps/lib/b.yaml',
      'apps/lib/base',
      'apps/lib/base/a.yaml',
    ]);
    const entry = await snapshot.entry('apps/lib/base/a.yaml');
    expect((await snapshot.read(entry?.oid ?? '')).toString()).toBe('inner');
    expect(asked).toEqual([`https://git.example/team/lib.git ${commit}`]);
  });

  it.each([
    ['https://git.example/a/b.git', './c.git', 'https://git.example/a/b.git/c.git'],
    ['https://git.example/a/b', '../../x/c', 'https://git.example/x/c'],
    ['git@git.example:a/b.git', '../c.git', 'git@git.example:a/c.git'],
    ['https://git.example/a', 'https://other.example/c', 'https://other.example/c'],
    ['https://git.example/a/b//', '../c', 'https://git.example/a/c'],
    [`https://git.example/a${'/'.repeat(200_000)}b`, './c', `https://git.example/a${'/'.repeat(200_000)}b/c`],
  ])('of %.40s resolves %s', async (repoURL, url, expected) => {
    const asked: string[] = [];
    const outer = withEntry({ '.gitmodules': modules(url), 'apps/x': '' }, 'apps/lib');
    const open = async (given: string) => {
      asked.push(given);
      return createMemorySnapshot({});
    };
    await withSubmodules(outer, { repoURL, open }).children('apps/lib');
    expect(asked).toEqual([expected]);
  });

  it.each([
    ['that .gitmodules does not name', '', 'apps/lib is a Git submodule that .gitmodules does not name'],
    ['that leaves its host', modules('../../../x'), 'leaves its host'],
    ['of which .gitmodules is huge', '\n'.repeat(200_000), '.gitmodules has 200000 bytes, more than the 64 KiB'],
    ['among many blanks', `path${' '.repeat(60_000)}x`, 'apps/lib is a Git submodule that .gitmodules does not name'],
  ])('refuses one %s', async (_name, text, message) => {
    const outer = withEntry({ '.gitmodules': text, 'apps/x': '' }, 'apps/lib');
    const open = () => Promise.reject(new Error('opened'));
    await expect(
      withSubmodules(outer, { repoURL: 'https://git.example/a', open }).children('apps/lib'),
    ).rejects.toThrow(message);
  });
});
