import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startGitServer } from '../support/git-server.ts';
import { tempDir } from '../support/temp-dir.ts';
import { createTestSource, startFront } from './source-fixture.ts';

const signal = new AbortController().signal;
const fixture = new URL('./source-fixture.ts', import.meta.url).href;

/** A process that fetches, and then goes on until it is killed. */
function startFetcher(options: { directory: string; engine: string }, url: string) {
  const code = `
    const { createTestSource } = await import(${JSON.stringify(fixture)});
    const source = createTestSource(${JSON.stringify(options)});
    const { sha } = await source.fetch({ url: ${JSON.stringify(url)} }, 'main', new AbortController().signal);
    console.log(sha);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  return { stdout: child.stdout, kill, [Symbol.asyncDispose]: kill };
}

it.each([
  { engine: 'isomorphic', at: 'first clone' },
  { engine: 'native', at: 'first clone' },
  { engine: 'isomorphic', at: 'later fetch' },
  { engine: 'native', at: 'later fetch' },
] as const)('kill -9 in the $at of the $engine engine leaves nothing that is used', async ({ engine, at }) => {
  await using server = await startGitServer();
  await using scratch = await tempDir();
  const repository = await server.createRepository('r', { a: 'first\n' });
  let isStalling = at === 'first clone';
  let isStalled = false;
  await using front = await startFront(server.url, ({ wantsPack }, response) => {
    if (!isStalling || !wantsPack) return false;
    isStalled = true;
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).write('0008NAK\n');
    return true;
  });
  const url = repository.url.replace(server.url, front.url);
  const options = { directory: path.join(scratch.path, 'mirrors'), engine };
  if (at === 'later fetch') {
    await using before = createTestSource(options);
    await before.fetch({ url }, 'main', signal);
    await repository.commit({ a: 'second\n' }, 'Second');
    isStalling = true;
  }
  await using fetcher = startFetcher(options, url);
  await eventually(() => expect(isStalled).toBe(true));
  const marked = findMarked(options.directory);
  expect(marked).toHaveLength(1);
  await fetcher.kill();

  isStalling = false;
  await using source = createTestSource(options);
  const { sha } = await source.fetch({ url }, 'main', signal);
  using snapshot = await source.open({ url }, sha, signal);
  const entry = await snapshot.entry('a');
  expect((await snapshot.read(entry?.oid ?? '')).toString()).toBe(at === 'first clone' ? 'first\n' : 'second\n');
  expect(readdirSync(options.directory)).toEqual(['0']);
  expect(marked.filter((generation) => existsSync(generation))).toEqual([]);
});

it('two processes given one directory each have their own mirrors', async () => {
  await using server = await startGitServer();
  await using scratch = await tempDir();
  const repository = await server.createRepository('r', { a: 'first\n' });
  const options = { directory: scratch.path, engine: 'isomorphic' } as const;
  await using fetcher = startFetcher(options, repository.url);
  const [line] = (await once(fetcher.stdout, 'data')) as [Buffer];
  await using source = createTestSource(options);
  expect((await source.fetch(repository, 'main', signal)).sha).toBe(line.toString().trim());
  expect(readdirSync(scratch.path).toSorted()).toEqual(['0', '1']);
});

/** Generations that an engine is writing. */
function findMarked(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('/fetching')).map((name) => path.join(directory, path.dirname(name)));
}
