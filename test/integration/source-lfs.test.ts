// Files in Git LFS, from a server that answers as the documents of Git LFS say.
import { createLfs, type Lfs } from '@wheelhouse/hub/source/lfs/lfs';
import { createMemorySnapshot } from '@wheelhouse/hub/source/memory-snapshot';
import { createSources } from '@wheelhouse/hub/source/sources';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LfsServer, lfsId, lfsPointer, startLfsServer } from '../support/lfs-server.ts';
import { tempDir } from '../support/temp-dir.ts';

const signal = new AbortController().signal;
const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\n';
const oid = lfsId(manifest);
const credentials = { username: 'ada', password: 'secret-word' };
const basic = `Basic ${Buffer.from('ada:secret-word').toString('base64')}`;

describe('files in Git LFS', () => {
  let stack: AsyncDisposableStack;
  let directory: string;
  let server: LfsServer;
  let lfs: Lfs;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    directory = stack.use(await tempDir({ memory: true })).path;
    server = stack.use(await startLfsServer(manifest));
    lfs = startLfs();
  });
  afterEach(async () => await stack.disposeAsync());

  /** As a hub does, on the same disk. */
  const startLfs = () => createLfs({ directory, timeoutMs: 20_000, rewrites: [], path: undefined });

  const read = async (
    given: { enableLfs?: boolean; url?: string; pointer?: string; signal?: AbortSignal } = {},
  ): Promise<string> => {
    const { enableLfs = true, url = server.url, pointer = lfsPointer(oid, manifest.length) } = given;
    const files = { 'app/a.yaml': pointer, 'app/b.yaml': 'plain' };
    const unused = () => Promise.reject(new Error('not asked'));
    const snapshot = { ...createMemorySnapshot(files, 'c'.repeat(40)), [Symbol.dispose]: () => undefined };
    const sources = createSources({
      git: { listRefs: unused, fetch: unused, open: async () => snapshot },
      charts: { fetch: unused, open: unused },
      githubApps: { login: unused },
      files: { fetch: unused, open: unused },
      lfs,
      signatures: { verify: unused },
      keys: () => ({}),
      repository: () => ({ url, credentials, enableLfs }),
    });
    const location = { repoURL: url, targetRevision: 'main' };
    using opened = await sources.open(location, { sha: snapshot.sha }, given.signal ?? signal);
    expect((await opened.read((await opened.entry('app/b.yaml'))?.oid ?? '')).toString()).toBe('plain');
    return (await opened.read((await opened.entry('app/a.yaml'))?.oid ?? '')).toString();
  };

  it('are read in place of their pointers, downloaded once, with the login of the repository', async () => {
    expect(await read()).toBe(manifest);
    expect(await read()).toBe(manifest);
    expect(server.seen).toEqual([
      ['POST', '/team/app.git/info/lfs/objects/batch', basic],
      ['GET', `/store/${oid}`, basic],
    ]);
  });

  it('are not read by another repository that names their digest, nor again after a restart without asking', async () => {
    expect(await read()).toBe(manifest);
    server.answer({ error: { code: 404, message: 'Object does not exist' } });
    const url = server.url.replace('team/app', 'other/app');
    await expect(read({ url })).rejects.toMatchObject({ code: 'RepositoryUnreachable' });
    expect(await read()).toBe(manifest);
    lfs = startLfs();
    await expect(read()).rejects.toMatchObject({ code: 'RepositoryUnreachable' });
    server.answer({ error: undefined });
    expect(await read()).toBe(manifest);
    expect(server.seen.filter(([method]) => method === 'GET')).toHaveLength(1);
  });

  it('come from another host without the login, with what the server gave for it', async () => {
    const store = stack.use(await startLfsServer(manifest));
    server.answer({ href: `${store.origin}/store/${oid}?signature=x`, header: { Authorization: 'RemoteAuth z' } });
    expect(await read()).toBe(manifest);
    expect(store.seen).toEqual([['GET', `/store/${oid}?signature=x`, 'RemoteAuth z']]);
  });

  it('stay pointers where the Secret does not ask for them', async () => {
    expect(await read({ enableLfs: false })).toContain('git-lfs.github.com');
    expect(server.seen).toEqual([]);
  });

  it.each<[string, (of: typeof server) => Parameters<typeof read>[0], object]>([
    [
      'another content',
      (of) => (of.answer({ content: manifest.replace('big', 'bad') }), {}),
      { code: 'DigestMismatch', message: expect.stringContaining(`file ${oid.slice(0, 12)} in Git LFS of http`) },
    ],
    ['more than the pointer says', (of) => (of.answer({ content: `${manifest}more` }), {}), { code: 'TooLarge' }],
    [
      'an error of the server',
      (of) => (of.answer({ error: { code: 404, message: 'Object does not exist' } }), {}),
      { code: 'RepositoryUnreachable', message: expect.stringContaining('Object does not exist (404)') },
    ],
    ['a refused login', (of) => (of.answer({ status: 403 }), {}), { code: 'RepositoryAuthentication' }],
    ['a server without LFS', (of) => (of.answer({ status: 404 }), {}), { code: 'RepositoryUnreachable' }],
    ['an answer that is no JSON', (of) => (of.answer({ body: '<html>' }), {}), { code: 'RepositoryUnreachable' }],
    ['a file URL', (of) => (of.answer({ href: 'file:///etc/passwd' }), {}), { code: 'RepositoryUnreachable' }],
    ['a store that has lost it', (of) => (of.answer({ content: undefined }), {}), { code: 'RepositoryUnreachable' }],
    ['a file that is too large', () => ({ pointer: lfsPointer(oid, 65 << 20) }), { code: 'TooLarge' }],
    ['a stop', () => ({ signal: AbortSignal.abort() }), { code: 'Aborted' }],
  ])('refuse %s, and say which', async (...[, prepare, expected]) => {
    await expect(read(prepare(server))).rejects.toMatchObject(expected);
  });
});
