// What hydration asks of a Git server, in requests: nothing of branches whose folders stay as they are.
import path from 'node:path';
import { createBranches } from '@wheelhouse/hub/hydrate/branches';
import { createHydrating, type Hydrating } from '@wheelhouse/hub/hydrate/testing/hydrating';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

let server: GitServer;
let scratch: TempDir;
let repository: ServedRepository;
let parts: Hydrating;

beforeAll(async () => {
  server = await startGitServer();
  scratch = await tempDir();
  repository = await server.createRepository('shop', { 'README.md': 'main' });
  parts = await createHydrating();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

/** Runs the job of every branch, and returns the requests of it, and the branches that have a new commit. */
async function run(): Promise<{ requests: number; written: string[] }> {
  const branches = createBranches(
    {
      repository: async () => ({ url: repository.url, credentials: {} }),
      now: () => parts.state.now().getTime(),
    },
    {
      directory: path.join(scratch.path, 'copies'),
      rewrites: [],
      timeoutMs: 30_000,
      environment: { PATH: process.env['PATH'] },
      allowFile: false,
    },
  );
  const [before, tips] = [server.requests.length, await tipsOf()];
  await parts.run({ branches });
  const now = await tipsOf();
  return {
    requests: server.requests.length - before,
    written: [...now].flatMap(([name, sha]) => (tips.get(name) === sha ? [] : name)),
  };
}

async function tipsOf(): Promise<Map<string, string>> {
  const listed = await repository.git('for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads/env');
  const pairs = listed.split('\n').map((line) => line.split(' '));
  return new Map(pairs.flatMap(([name = '', sha = '']) => (name ? [[name, sha] as const] : [])));
}

const names = ['east', 'north', 'south', 'west'];

it('every branch is fetched and pushed once', async () => {
  for (const name of names) await parts.put(name, 'one', { targetBranch: `env/${name}` });
  const { requests, written } = await run();
  expect(written).toEqual(names.map((name) => `env/${name}`));
  // what the server has (two), what may be pushed, and the push
  expect(requests).toBe(names.length * 4);
});

it('a dry commit that changes nothing asks for nothing, and is told', async () => {
  await parts.commit('dry2');
  expect(await run()).toEqual({ requests: 0, written: [] });
  expect(parts.state.hydrations.list().map(({ phase, drySHA }) => [phase, drySHA])).toEqual(
    names.map(() => ['Hydrated', 'dry2']),
  );
});

it('one that changes one branch asks for that one', async () => {
  parts.texts['south'] = 'two';
  await parts.commit('dry3');
  const { requests, written } = await run();
  expect(written).toEqual(['env/south']);
  // as above, and what is fetched
  expect(requests).toBe(5);
});

it('a hard refresh asks for what the branch has, and pushes nothing', async () => {
  parts.state.pass(1_000);
  const { branchKey } = parts.state.applications.find('west')?.hydration ?? { branchKey: '' };
  await parts.state.hydrations.request({ branchKey, at: parts.state.now().toISOString() });
  const { requests, written } = await run();
  expect(written).toEqual([]);
  expect(requests).toBeGreaterThan(0);
  expect(server.requests.slice(-requests).filter((one) => one.includes('receive-pack'))).toEqual([]);
});
