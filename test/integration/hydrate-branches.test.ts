// Branches that are written over smart HTTP: what a commit holds, what is left as it is, and what servers refuse.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { type Branches, type BranchWrite, createBranches, type Written } from '@wheelhouse/hub/hydrate/branches';
import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const signal = new AbortController().signal;
const projects = new Set(['default']);
let server: GitServer;
let scratch: TempDir;
let repository: ServedRepository;
let branches: Branches;
let announced: Written[];
let count = 0;

beforeAll(async () => {
  server = await startGitServer();
  scratch = await tempDir();
});
beforeEach(async () => {
  count += 1;
  announced = [];
  server.interceptPushes({});
  repository = await server.createRepository(`deployments-${count}`, { 'README.md': 'main' });
  branches = createTestBranches();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

function createTestBranches(credentials: object = {}, timeoutMs = 30_000, maxCopyBytes?: number): Branches {
  const now = () => Date.parse('2026-01-01T00:00:00Z');
  return createBranches(
    { repository: async (url) => ({ url, credentials }), now },
    {
      directory: path.join(scratch.path, String(count)),
      rewrites: [],
      timeoutMs,
      ...(maxCopyBytes === undefined ? {} : { maxCopyBytes }),
      environment: { PATH: process.env['PATH'] },
      allowFile: false,
    },
  );
}

function wantedOf(text: string, fields: Partial<BranchWrite> = {}): BranchWrite {
  return {
    branch: 'env/east',
    syncBranch: 'env/east',
    folders: [folderOf('apps/shop', text)],
    root: { 'hydrator.metadata': `{"drySha": "${text}"}\n` },
    initial: { '.gitattributes': 'x\n' },
    message: `Write ${text}\n`,
    author: 'Bot <bot@example.com>',
    announce: async (push) => void announced.push(push),
    ...fields,
  };
}

const folderOf = (at: string, text: string) => ({
  path: at,
  files: { 'manifest.yaml': `text: ${text}\n`, 'hydrator.metadata': `{"drySha": "${text}"}\n`, 'README.md': text },
});
const write = async (wanted: BranchWrite, by = branches) =>
  await by.write({ repoURL: repository.url, projects }, wanted, signal);
const log = async (branch = 'env/east') => (await repository.git('log', '--format=%s', branch)).split('\n');
const files = async (branch = 'env/east') => (await repository.git('ls-tree', '-r', '--name-only', branch)).split('\n');
const code = (expected: string) => expect.objectContaining({ code: expected }) as FleetError;

describe('a branch', () => {
  it('begins with nothing, and holds only what is written', async () => {
    const written = await write(wantedOf('one'));
    expect(written).toEqual({ sha: await repository.git('rev-parse', 'env/east'), changed: ['apps/shop'] });
    expect(announced).toEqual([written]);
    expect(await files()).toEqual([
      '.gitattributes',
      'apps/shop/README.md',
      'apps/shop/hydrator.metadata',
      'apps/shop/manifest.yaml',
      'hydrator.metadata',
    ]);
    expect(await repository.git('log', '-1', '--format=%an <%ae> %ct %s', 'env/east')).toBe(
      'Bot <bot@example.com> 1767225600 Write one',
    );
  });

  it('gets no commit when it has all that is wanted', async () => {
    const { sha } = await write(wantedOf('one'));
    announced = [];
    expect(await write(wantedOf('one', { root: { 'hydrator.metadata': 'other' } }))).toEqual({ sha, changed: [] });
    expect([await log(), announced]).toEqual([['Write one'], []]);
  });

  it('keeps what others put there, and gets what differs alone', async () => {
    const both = { folders: [folderOf('apps/shop', 'one'), folderOf('apps/till', 'one')] };
    await write(wantedOf('one', both));
    await repository.commit({ 'NOTES.md': 'by hand', '.gitattributes': 'by hand' }, 'By hand', 'env/east');
    const { changed } = await write(
      wantedOf('two', { folders: [folderOf('apps/shop', 'two'), folderOf('apps/till', 'one')] }),
    );
    expect(changed).toEqual(['apps/shop']);
    expect(await log()).toEqual(['Write two', 'By hand', 'Write one']);
    expect(await repository.git('show', 'env/east:.gitattributes')).toBe('by hand');
    expect(await repository.git('show', 'env/east:apps/till/hydrator.metadata')).toContain('one');
    expect(await repository.git('show', 'env/east:hydrator.metadata')).toContain('two');
  });

  it('for staging begins where it is merged to, also with nothing new', async () => {
    const { sha } = await write(wantedOf('one'));
    const staging = { branch: 'env/east-next' };
    expect(await write(wantedOf('one', staging))).toEqual({ sha, changed: [] });
    expect(await repository.git('rev-parse', 'env/east-next')).toBe(sha);
    await write(wantedOf('two', staging));
    expect([await log('env/east-next'), await log()]).toEqual([['Write two', 'Write one'], ['Write one']]);
  });

  it('is written with folders whose names are unusual', async () => {
    const odd = ['a "b"', ':(glob)*', 'ü\\x', 'with space/[x]'];
    const folders = odd.map((at) => folderOf(at, 'one'));
    expect((await write(wantedOf('one', { folders }))).changed).toEqual(odd);
    expect((await write(wantedOf('one', { folders }))).changed).toEqual([]);
  });

  it('is written with many folders at once', async () => {
    const folders = Array.from({ length: 700 }, (_, index) => folderOf(`apps/shop-${index}`, 'one'));
    expect((await write(wantedOf('one', { folders }))).changed).toHaveLength(700);
    expect((await write(wantedOf('one', { folders }))).changed).toEqual([]);
  });

  it('leaves no copy behind', async () => {
    await write(wantedOf('one'));
    expect(await readdir(path.join(scratch.path, String(count)))).toEqual([]);
  });
});

it('a branch that takes more of the disk than is allowed is not written', async () => {
  await repository.commit({ 'blob.bin': randomBytes(3 << 20) }, 'Large', 'env/east');
  await expect(write(wantedOf('one'), createTestBranches({}, 30_000, 2 << 20))).rejects.toThrow(
    expect.objectContaining({ code: 'TooLarge', message: expect.stringContaining('more than 2 MiB') as string }),
  );
  expect(await readdir(path.join(scratch.path, String(count)))).toEqual([]);
  await write(wantedOf('one'), createTestBranches({}, 30_000, 4 << 20));
});

describe('what lies there already', () => {
  it.each<[string, Parameters<ServedRepository['commit']>[0], RegExp]>([
    ['a manifest of somebody', { 'apps/shop/deploy.yaml': 'x: 1\n' }, /holds deploy\.yaml/],
    [
      'manifests of that name',
      { 'apps/shop/manifest.yaml': 'x: 1\n' },
      /manifest\.yaml, which was not written by a hyd/,
    ],
    ['a symbolic link out of it', { 'apps/shop': { symlink: '../../elsewhere' } }, /apps\/shop is no folder there/],
    ['a link above', { apps: { symlink: '/etc' } }, /apps is no folder there/],
    ['a file above', { apps: 'file' }, /apps is no folder there/],
  ])('%s is left as it is', async (_name, present, reason) => {
    const sha = await repository.commit(present, 'By hand', 'env/east');
    await expect(write(wantedOf('one'))).rejects.toThrow(reason);
    expect(await repository.git('rev-parse', 'env/east')).toBe(sha);
  });
});

describe('another writer', () => {
  it('between fetch and push keeps his commit: the next attempt comes after it', async () => {
    await write(wantedOf('one'));
    let pushes = 0;
    const before = async () => {
      pushes += 1;
      if (pushes < 3) await repository.commit({ 'NOTES.md': `${pushes}` }, `By hand ${pushes}`, 'env/east');
    };
    server.interceptPushes({ before });
    const { sha } = await write(wantedOf('two'));
    expect(await log()).toEqual(['Write two', 'By hand 2', 'By hand 1', 'Write one']);
    expect(sha).toBe(await repository.git('rev-parse', 'env/east'));
    expect(announced).toHaveLength(4);
  });

  it('who makes the branch first keeps it', async () => {
    server.interceptPushes({
      before: async () => {
        server.interceptPushes({});
        await repository.commit({ 'NOTES.md': 'first' }, 'By hand', 'env/east');
      },
    });
    await write(wantedOf('one'));
    expect(await log()).toEqual(['Write one', 'By hand']);
  });

  it('who writes all the time wins in the end', async () => {
    let pushes = 0;
    const before = async () =>
      void (await repository.commit({ n: `${(pushes += 1)}` }, `By hand ${pushes}`, 'env/east'));
    server.interceptPushes({ before });
    await expect(write(wantedOf('one'))).rejects.toMatchObject({ code: 'Conflict', retryable: true });
    expect([pushes, await log()]).toEqual([5, [5, 4, 3, 2, 1].map((n) => `By hand ${n}`)]);
  });

  it('of this process waits', async () => {
    const texts = ['one', 'two', 'three'];
    await Promise.all(texts.map(async (text) => await write(wantedOf(text))));
    expect((await log()).sort()).toEqual(texts.map((text) => `Write ${text}`).sort());
    expect(announced).toHaveLength(3);
  });
});

describe('what a server does not take', () => {
  it('is said with its own words', async () => {
    await repository.git('config', 'receive.denyCreates', 'true');
    await repository.git('config', 'transfer.hideRefs', 'refs/heads/env');
    await expect(write(wantedOf('one'))).rejects.toThrow(
      /does not take a commit on branch env\/east: .*hidden.*; let the login of its repository-write Secret push there/,
    );
  });

  it('a branch whose name is a folder of another is not taken for a race', async () => {
    await repository.git('branch', 'env', 'main');
    await expect(write(wantedOf('one'))).rejects.toThrow(code('PushRefused'));
  });

  it.each<[string, object]>([
    ['no login', {}],
    ['a wrong login', { username: 'robot', password: 'wr0ng' }],
  ])('%s is said without showing it', async (_name, credentials) => {
    await using guarded = await startGitServer();
    repository = await guarded.createRepository('guarded');
    guarded.requireBasicToPush('robot', 'wr1te');
    const error = await write(wantedOf('one'), createTestBranches(credentials)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'RepositoryAuthentication', retryable: false });
    expect(String(error)).not.toContain('wr0ng');
    await write(wantedOf('one'), createTestBranches({ username: 'robot', password: 'wr1te' }));
    expect(await log()).toEqual(['Write one']);
  });

  it('a repository that is not there', async () => {
    const at = { repoURL: `${server.url}/absent.git`, projects };
    await expect(branches.write(at, wantedOf('one'), signal)).rejects.toThrow(code('RepositoryUnreachable'));
  });

  it('a server that does not answer in time', async () => {
    server.interceptPushes({ before: async () => await new Promise<never>(() => undefined) });
    await expect(write(wantedOf('one'), createTestBranches({}, 2_000))).rejects.toThrow(code('Timeout'));
  });

  it('a write that is stopped ends at once', async () => {
    const stop = new AbortController();
    server.interceptPushes({ before: async () => stop.abort() });
    const at = { repoURL: repository.url, projects };
    await expect(branches.write(at, wantedOf('one'), stop.signal)).rejects.toThrow(code('Aborted'));
    expect(await readdir(path.join(scratch.path, String(count)))).toEqual([]);
  });
});
