import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { createTestSource } from './source-fixture.ts';

const signal = new AbortController().signal;

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

const mirrorsIn = (directory: string) => readdirSync(path.join(directory, '0')).filter((name) => name !== 'owner.json');
const uploads = (name: string) => server.requests.filter((line) => line.startsWith(`POST /${name}`)).length;

it('removes what nothing used for long, and what a removal left that was broken off', async () => {
  const directory = path.join(scratch.path, 'days');
  const [forgotten, wanted] = [await server.createRepository('forgotten'), await server.createRepository('wanted')];
  const first = createTestSource({ directory, engine: 'isomorphic' });
  await first.fetch(forgotten, 'main', signal);
  const [old = ''] = mirrorsIn(directory);
  await first.fetch(wanted, 'main', signal);
  await first[Symbol.asyncDispose]();
  const twoDaysAgo = Date.now() / 1_000 - 2 * 86_400;
  for (const name of mirrorsIn(directory)) utimesSync(path.join(directory, '0', name), twoDaysAgo, twoDaysAgo);
  mkdirSync(path.join(directory, '0', `unused-${old}`, 'gen-1'), { recursive: true });
  const asked = uploads('wanted');

  // the first look is after 2.5 s: what is wanted by then stays
  await using source = createTestSource({ directory, engine: 'isomorphic', mirrorLifeMs: 60_000 });
  await source.fetch(wanted, 'main', signal);
  await eventually(() => expect(mirrorsIn(directory)).toHaveLength(1));
  expect(mirrorsIn(directory)).not.toContain(old);
  expect(uploads('wanted')).toBe(asked);
  expect((await source.fetch(forgotten, 'main', signal)).message).toBe('Start');
  expect(mirrorsIn(directory)).toContain(old);
});

it('keeps what somebody reads, and clones again what is wanted again', async () => {
  const directory = path.join(scratch.path, 'life');
  const [read, other] = [await server.createRepository('read', { a: 'A' }), await server.createRepository('other')];
  await using source = createTestSource({ directory, engine: 'native', mirrorLifeMs: 240 });
  const { sha } = await source.fetch(read, 'main', signal);
  const snapshot = await source.open(read, sha, signal);
  const [kept = ''] = mirrorsIn(directory);
  await source.fetch(other, 'main', signal);
  await eventually(() => expect(mirrorsIn(directory)).toEqual([kept]));
  expect((await snapshot.read((await snapshot.entry('a'))?.oid ?? '')).toString()).toBe('A');
  snapshot[Symbol.dispose]();
  await eventually(() => expect(existsSync(path.join(directory, '0', kept))).toBe(false));
  using again = await source.open(read, sha, signal);
  expect((await again.read((await again.entry('a'))?.oid ?? '')).toString()).toBe('A');
});
