import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runChild } from './child.ts';
import { gitEnvironment } from './git-repository.ts';
import { startGitServer } from './git-server.ts';
import { tempDir } from './temp-dir.ts';

async function git(...args: string[]): Promise<string> {
  return (await runChild('git', args, { env: gitEnvironment })).trim();
}

describe('git server', () => {
  it('serves what was committed: files, deletions, symlinks, tags', async () => {
    await using server = await startGitServer();
    const repository = await server.createRepository('team/demo', {
      'a/b.yaml': 'one',
      gone: 'x',
      link: { symlink: 'a' },
    });
    const sha = await repository.commit(
      { 'a/b.yaml': 'two', gone: null, 'with "quotes" é.txt': Buffer.of(0, 255) },
      'Change',
    );
    await repository.tag('v1', sha);
    await using dir = await tempDir();
    const clone = join(dir.path, 'clone');
    await git('clone', '--quiet', repository.url, clone);
    expect(await git('-C', clone, 'rev-parse', 'HEAD', 'v1')).toBe(`${sha}\n${sha}`);
    expect(await git('-C', clone, 'show', 'HEAD:a/b.yaml')).toBe('two');
    const tree = await git(
      '-C',
      clone,
      '-c',
      'core.quotePath=false',
      'ls-tree',
      '-r',
      'HEAD',
      '--format=%(objectmode) %(path)',
    );
    expect(tree.split('\n')).toEqual(['100644 a/b.yaml', '120000 link', '100644 "with \\"quotes\\" é.txt"']);
  });

  it('refuses without the credentials that it requires', async () => {
    await using server = await startGitServer();
    const repository = await server.createRepository('private', { a: 'b' });
    server.requireBasic('user', 'secret');
    await expect(git('ls-remote', repository.url)).rejects.toThrow(/Authentication failed|could not read Username/);
    const url = repository.url.replace('http://', 'http://user:secret@');
    expect(await git('ls-remote', url, 'main')).toMatch(/^[0-9a-f]{40}\trefs\/heads\/main$/);
  });

  it('takes pushes, and answers failures on demand', async () => {
    await using server = await startGitServer();
    const source = await server.createRepository('from', { a: 'b' });
    const target = await server.createRepository('to');
    await git('-C', source.dir, 'push', '--quiet', target.url, 'main:copy');
    expect(await target.git('rev-parse', 'copy')).toBe(await source.git('rev-parse', 'main'));
    server.failWith(503);
    await expect(git('ls-remote', target.url)).rejects.toThrow('503');
  });
});
