import { globSync } from 'node:fs';
import path from 'node:path';
import { formatEntry, formatPack, formatRepeats, type PackedObject } from '@wheelhouse/hub/source/testing/pack-file';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChild } from '../support/child.ts';
import { gitEnvironment } from '../support/git-repository.ts';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { getTool } from '../support/tools.ts';
import { createTestSource } from './source-fixture.ts';

// Repositories that are small as they are sent, and large once git has unpacked them.

const signal = new AbortController().signal;
const zeros: PackedObject = { kind: 'blob', data: Buffer.alloc(16 << 20) };

let server: GitServer;
let scratch: TempDir;
beforeAll(async () => {
  server = await startGitServer();
  scratch = await tempDir();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

/** A commit on `main` of a file of 272 MiB, stored as a difference to another. */
async function addRepeats(repository: ServedRepository): Promise<void> {
  const delta = formatRepeats(16 << 20, 17);
  const pack = formatPack([zeros, { kind: 'delta', data: delta, distance: formatEntry(zeros).length }]);
  const oids = (await indexPack(repository, pack)).map((oid, index) => `100644 blob ${oid}\tzeros-${index}\n`);
  await commitTree(repository, oids.join(''));
}

async function addFile(repository: ServedRepository, mebibytes: number): Promise<void> {
  const pack = formatPack([{ kind: 'blob', data: Buffer.alloc(mebibytes << 20) }]);
  expect(pack.length).toBeLessThan(1 << 20);
  const [oid = ''] = await indexPack(repository, pack);
  const readme = await repository.git('rev-parse', 'main:README');
  await commitTree(repository, `100644 blob ${readme}\tREADME\n100644 blob ${oid}\tzeros\n`);
}

/** The objects that the repository has now, by name. */
async function indexPack({ dir, git }: ServedRepository, pack: Buffer): Promise<string[]> {
  await run(dir, ['index-pack', '--stdin'], pack);
  const [index = ''] = globSync(path.join(dir, 'objects/pack/*.idx'));
  return (await git('verify-pack', '-v', index)).split('\n').flatMap((line) => /^\w{40}/.exec(line)?.[0] ?? []);
}

async function commitTree({ dir, git }: ServedRepository, lines: string): Promise<void> {
  const tree = await run(dir, ['mktree'], lines);
  const as = ['-c', 'user.name=T', '-c', 'user.email=t@e'];
  await git('update-ref', 'refs/heads/main', await git(...as, 'commit-tree', '-m', 'Grow', tree));
}

async function run(dir: string, args: string[], input: string | Buffer): Promise<string> {
  return (await runChild(getTool('git'), ['-C', dir, ...args], { env: gitEnvironment, input })).trim();
}

it('never unpacks a file without bounds in memory: native git takes over, and the rest is read', async () => {
  const repository = await server.createRepository('file', { README: 'hello\n' });
  await addFile(repository, 80);
  await using forced = createTestSource({ directory: path.join(scratch.path, 'forced'), engine: 'isomorphic' });
  await expect(forced.fetch(repository, 'main', signal)).rejects.toMatchObject({
    code: 'TooLarge',
    message: `repository ${repository.url} holds an object of 83886080 bytes, too much for isomorphic-git; install git and set WHEELHOUSE_GIT_ENGINE to auto or native`,
  });
  await using source = createTestSource({ directory: path.join(scratch.path, 'auto') });
  using snapshot = await source.open(repository, (await source.fetch(repository, 'main', signal)).sha, signal);
  const readme = await snapshot.entry('README');
  expect((await snapshot.read(readme?.oid ?? '')).toString()).toBe('hello\n');
  const file = await snapshot.entry('zeros');
  await expect(snapshot.read(file?.oid ?? '')).rejects.toMatchObject({ code: 'TooLarge' });
});

it('lets native git take no more memory than it is given, and leaves nothing behind', async () => {
  const repository = await server.createRepository('repeats', { README: 'hello\n' });
  const directory = path.join(scratch.path, 'repeats');
  await using source = createTestSource({ directory });
  const start = await source.fetch(repository, 'main', signal);
  await addRepeats(repository);
  for (let attempt = 0; attempt < 2; attempt += 1)
    await expect(source.fetch(repository, 'main', signal)).rejects.toMatchObject({
      code: 'TooLarge',
      message: expect.stringMatching(
        new RegExp(
          `^repository ${repository.url} holds an object for which git needs .* raise GIT_ALLOC_LIMIT \\(256m\\)`,
        ),
      ),
    });
  expect(globSync(path.join(directory, '**', 'tmp_*'))).toEqual([]);
  const environment = { PATH: process.env['PATH'], GIT_ALLOC_LIMIT: '512m' };
  await using given = createTestSource({ directory: path.join(scratch.path, 'given'), environment });
  expect((await given.fetch(repository, 'main', signal)).message).toBe('Grow');
  await repository.git('update-ref', 'refs/heads/main', start.sha);
  expect((await source.fetch(repository, 'main', signal)).sha).toBe(start.sha);
});
