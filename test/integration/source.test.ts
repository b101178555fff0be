import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createAuthorityCertificate, createServerCertificate } from '@wheelhouse/hub/fleet/certificates';
import { materialise, resolveEntry, type Snapshot } from '@wheelhouse/hub/source/source';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { createTestSource, startFront } from './source-fixture.ts';

const signal = new AbortController().signal;
const engines = [{ engine: 'isomorphic' }, { engine: 'native' }] as const;

let server: GitServer;
let scratch: TempDir;
let count = 0;
beforeAll(async () => {
  server = await startGitServer();
  scratch = await tempDir();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const files = { 'apps/a/cm.yaml': 'kind: A\n', 'apps/b/cm.yaml': 'kind: B\n', README: 'hello\n' };
const nextName = () => `repository-${(count += 1)}`;
const createRepository = async () => await server.createRepository(nextName(), files);
const nextDirectory = () => path.join(scratch.path, `mirrors-${(count += 1)}`);

async function readAt(snapshot: Snapshot, file: string): Promise<string> {
  const entry = await snapshot.entry(file);
  if (!entry) throw new Error(`${file} is not there`);
  return (await snapshot.read(entry.oid)).toString();
}

/** The generations of the only mirror below a directory. */
function generationsIn(directory: string): string[] {
  const slot = path.join(directory, '0');
  const [mirror = ''] = readdirSync(slot).filter((name) => name !== 'owner.json');
  return readdirSync(path.join(slot, mirror))
    .filter((name) => name.startsWith('gen-'))
    .map((name) => path.join(slot, mirror, name));
}

const uploads = () => server.requests.filter((line) => line.startsWith('POST')).length;

describe.each(engines)('$engine engine', ({ engine }) => {
  const create = (options: Partial<Parameters<typeof createTestSource>[0]> = {}) =>
    createTestSource({ directory: nextDirectory(), engine, ...options });

  it('lists refs without a clone', async () => {
    const repository = await createRepository();
    const head = await repository.git('rev-parse', 'main');
    await repository.git('-c', 'user.name=T', '-c', 'user.email=t@e', 'tag', '-a', 'v1.2.3', '-m', 'x', 'main');
    await repository.tag('v1.0.0', 'main');
    const directory = nextDirectory();
    await using source = create({ directory });
    const refs = await source.listRefs(repository, signal);
    expect(refs).toMatchObject({ head, defaultBranch: 'refs/heads/main' });
    expect(Object.fromEntries(refs.refs)).toEqual({
      'refs/heads/main': head,
      'refs/tags/v1.0.0': head,
      'refs/tags/v1.2.3': head,
    });
    expect(refs.resolve('1.*')).toBe(head);
    expect(refs.resolve('gone')).toBeUndefined();
    expect(await readdir(path.join(directory, '0'))).toEqual(['owner.json']);
  });

  it('clones, says what the commit says, and reads it', async () => {
    const repository = await createRepository();
    await using source = create();
    const fetched = await source.fetch(repository, '', signal);
    expect(fetched).toMatchObject({ author: 'Test <test@example.com>', message: 'Start' });
    expect(Date.parse(fetched.committedAt ?? '')).toBeGreaterThan(Date.now() - 600_000);
    using snapshot = await source.open(repository, fetched.sha, signal);
    expect((await snapshot.children('apps')).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await readAt(snapshot, 'apps/b/cm.yaml')).toBe('kind: B\n');
  });

  it('fetches what is new, and nothing when nothing is', async () => {
    const repository = await createRepository();
    await using source = create();
    const before = await source.fetch(repository, 'main', signal);
    using old = await source.open(repository, before.sha, signal);
    const sha = await repository.commit({ 'apps/a/cm.yaml': 'kind: A2\n', 'apps/b/cm.yaml': null }, 'Change');
    expect((await source.fetch(repository, 'main', signal)).sha).toBe(sha);
    using now = await source.open(repository, sha, signal);
    expect(await readAt(now, 'apps/a/cm.yaml')).toBe('kind: A2\n');
    expect(await now.entry('apps/b')).toBeUndefined();
    expect(await readAt(old, 'apps/b/cm.yaml')).toBe('kind: B\n');
    const name = path.basename(repository.url);
    const asked = () => server.requests.filter((line) => line.includes(name)).map((line) => line.split(' ')[0]);
    const soFar = asked().length;
    expect((await source.fetch(repository, 'main', signal)).sha).toBe(sha);
    // native git lists refs by protocol version 2
    const look = engine === 'native' ? ['GET', 'POST'] : ['GET'];
    expect(asked().slice(soFar)).toEqual(look);
  });

  it('asks as little as it can for what is new', async () => {
    const repository = await createRepository();
    await using source = create();
    await source.fetch(repository, 'main', signal);
    await repository.commit({ README: 'hello again\n' }, 'Change');
    const soFar = server.requests.length;
    await source.fetch(repository, 'main', signal);
    expect(server.requests.slice(soFar).length).toBe(engine === 'native' ? 5 : 2);
  });

  it('follows a forced push to another history', async () => {
    const repository = await createRepository();
    await using source = create();
    using old = await source.open(repository, (await source.fetch(repository, 'main', signal)).sha, signal);
    await repository.commit({ 'apps/c/cm.yaml': 'kind: C\n' }, 'Root', 'other');
    await repository.git('update-ref', 'refs/heads/main', 'refs/heads/other');
    await repository.git('update-ref', '-d', 'refs/heads/other');
    await repository.git('reflog', 'expire', '--expire=now', '--all');
    await repository.git('gc', '--quiet', '--prune=now');
    using now = await source.open(repository, (await source.fetch(repository, 'main', signal)).sha, signal);
    expect(await readAt(now, 'apps/c/cm.yaml')).toBe('kind: C\n');
    expect(await readAt(old, 'apps/a/cm.yaml')).toBe('kind: A\n');
  });

  it('resolves branches, tags, refs and versions', async () => {
    const repository = await createRepository();
    const first = await repository.git('rev-parse', 'main');
    await repository.tag('v1.0.0', first);
    const second = await repository.commit({ x: '2' }, 'Two', 'feature/x');
    await repository.git('-c', 'user.name=T', '-c', 'user.email=t@e', 'tag', '-a', 'v1.1.0', '-m', 'x', second);
    await using source = create();
    const shaOf = async (revision: string) => (await source.fetch(repository, revision, signal)).sha;
    expect(await shaOf('feature/x')).toBe(second);
    expect(await shaOf('refs/heads/main')).toBe(first);
    expect(await shaOf('v1.0.0')).toBe(first);
    expect(await shaOf('v1.1.0')).toBe(second);
    expect(await shaOf('refs/tags/v1.1.0')).toBe(second);
    expect(await shaOf('^1.0.0')).toBe(second);
    using snapshot = await source.open(repository, second, signal);
    expect(await readAt(snapshot, 'x')).toBe('2');
  });

  it('survives a branch that becomes a folder of branches', async () => {
    const repository = await createRepository();
    await repository.commit({ x: '1' }, 'One', 'team');
    await using source = create();
    await source.fetch(repository, 'team', signal);
    await repository.git('update-ref', '-d', 'refs/heads/team');
    const sha = await repository.commit({ x: '2' }, 'Two', 'team/a');
    expect((await source.fetch(repository, 'team/a', signal)).sha).toBe(sha);
  });

  it.each([
    { name: 'a server that gives any commit', allowed: 'true' },
    { name: 'a server that gives tips only', allowed: 'false' },
  ])('brings a full sha that is no tip, from $name', async ({ allowed }) => {
    const repository = await createRepository();
    const first = await repository.git('rev-parse', 'main');
    await repository.commit({ 'apps/a/cm.yaml': 'kind: A2\n' }, 'Two');
    await repository.commit({ 'apps/a/cm.yaml': 'kind: A3\n' }, 'Three');
    await repository.git('config', 'uploadpack.allowAnySHA1InWant', allowed);
    await using source = create();
    await source.fetch(repository, 'main', signal);
    expect((await source.fetch(repository, first, signal)).sha).toBe(first);
    using snapshot = await source.open(repository, first, signal);
    expect(await readAt(snapshot, 'apps/a/cm.yaml')).toBe('kind: A\n');
    const next = await repository.commit({ y: '4' }, 'Four');
    expect((await source.fetch(repository, 'main', signal)).sha).toBe(next);
  });

  it.each([
    { revision: 'gone', message: /revision "gone" is no branch, tag or commit in repository http/ },
    { revision: '9.*', message: /matched by no tag/ },
    { revision: 'b'.repeat(40), message: /does not have the revision asked for, or no longer has it: b{40}/ },
  ])('does not find $revision, and goes on', async ({ revision, message }) => {
    const repository = await createRepository();
    await using source = create();
    await expect(source.fetch(repository, revision, signal)).rejects.toMatchObject({
      code: 'RevisionNotFound',
      message,
    });
    expect((await source.fetch(repository, 'main', signal)).message).toBe('Start');
  });

  it('says that an empty repository is empty', async () => {
    const repository = await createRepository();
    await repository.git('update-ref', '-d', 'refs/heads/main');
    await using source = create();
    await expect(source.fetch(repository, '', signal)).rejects.toMatchObject({
      code: 'RevisionNotFound',
      message: /empty/,
    });
  });

  it('refuses paths and symlinks that leave the repository', async () => {
    const repository = await server.createRepository(nextName(), {
      'a/link': { symlink: '../../etc' },
      'a/in': { symlink: '../b' },
      b: 'x',
    });
    await using source = create();
    using snapshot = await source.open(repository, (await source.fetch(repository, '', signal)).sha, signal);
    const refused = { code: 'PathOutsideRepository' };
    await expect(snapshot.entry('../x')).rejects.toMatchObject(refused);
    await expect(resolveEntry(snapshot, 'a/link')).rejects.toMatchObject(refused);
    expect((await resolveEntry(snapshot, 'a/in'))?.path).toBe('b');
    await using to = await tempDir();
    const limits = { maxBytes: 1000, maxFiles: 10 };
    await expect(materialise(snapshot, ['a'], { directory: to.path, limits, signal })).rejects.toMatchObject(refused);
  });

  it('keeps old snapshots readable through 5 fetches and a re-clone, then lets go of them', async () => {
    const repository = await createRepository();
    const directory = nextDirectory();
    await using source = create({ directory, fetchesBeforeReclone: 5 });
    const first = await source.fetch(repository, 'main', signal);
    const old = await source.open(repository, first.sha, signal);
    const [oldGeneration = ''] = generationsIn(directory);
    await repository.commit({ x: '0' }, 'Other', 'stays');
    await source.fetch(repository, 'stays', signal);
    let last = '';
    for (let n = 1; n <= 5; n += 1) {
      last = await repository.commit({ [`apps/${n}/cm.yaml`]: `kind: N${n}\n` }, `Commit ${n}`);
      await source.fetch(repository, 'main', signal);
    }
    await eventually(() => expect(generationsIn(directory).at(-1)).not.toBe(oldGeneration));
    await eventually(async () => {
      using now = await source.open(repository, last, signal);
      expect(await readAt(now, 'apps/5/cm.yaml')).toBe('kind: N5\n');
      expect(existsSync(path.join(path.dirname(oldGeneration), 'current'))).toBe(true);
    });
    expect(await readAt(old, 'apps/a/cm.yaml')).toBe('kind: A\n');
    const next = await repository.commit({ z: '1' }, 'After');
    expect((await source.fetch(repository, 'main', signal)).sha).toBe(next);
    old[Symbol.dispose]();
    await eventually(() => expect(generationsIn(directory)).toHaveLength(1));
  });

  it('finds its mirror again after a restart', async () => {
    const repository = await createRepository();
    const directory = nextDirectory();
    const { sha } = await (async () => {
      await using source = create({ directory });
      return await source.fetch(repository, 'main', signal);
    })();
    const packs = uploads();
    await using source = create({ directory });
    using snapshot = await source.open(repository, sha, signal);
    expect(await readAt(snapshot, 'README')).toBe('hello\n');
    expect(uploads()).toBe(packs);
    const next = await repository.commit({ README: 'again\n' }, 'Next');
    expect((await source.fetch(repository, 'main', signal)).sha).toBe(next);
  });

  it.each([
    {
      name: 'a crash in mid-fetch',
      damage: (generation: string) => writeFileSync(path.join(generation, 'fetching'), ''),
    },
    {
      name: 'a disk that lost the end of an index',
      damage: (generation: string) => {
        const packs = path.join(generation, 'objects', 'pack');
        for (const file of readdirSync(packs).filter((name) => name.endsWith('.idx'))) {
          // git makes packs read-only
          rmSync(path.join(packs, `${file}.old`), { force: true });
          truncateSync(path.join(packs, file), 100);
        }
      },
    },
  ])('never uses a mirror after $name', async ({ damage }) => {
    const repository = await createRepository();
    const directory = nextDirectory();
    const first = create({ directory });
    const { sha } = await first.fetch(repository, 'main', signal);
    await first[Symbol.asyncDispose]();
    const [generation = ''] = generationsIn(directory);
    damage(generation);
    await using source = create({ directory });
    using snapshot = await source.open(repository, sha, signal);
    expect(await readAt(snapshot, 'README')).toBe('hello\n');
    expect(generationsIn(directory)).not.toContain(generation);
  });

  it('fetches once for all who ask at once', async () => {
    const repository = await createRepository();
    await using source = create();
    const packs = uploads();
    const all = await Promise.all(Array.from({ length: 20 }, () => source.fetch(repository, 'main', signal)));
    expect(new Set(all.map(({ sha }) => sha)).size).toBe(1);
    expect(uploads() - packs).toBeLessThanOrEqual(3);
  });

  it('fetches several revisions at once', async () => {
    const repository = await createRepository();
    const shas = await Promise.all([1, 2, 3].map(async () => ''));
    for (const [n] of shas.entries()) shas[n] = await repository.commit({ n: String(n) }, `Branch ${n}`, `branch-${n}`);
    await using source = create();
    const all = await Promise.all(shas.map((_, n) => source.fetch(repository, `branch-${n}`, signal)));
    expect(all.map(({ sha }) => sha)).toEqual(shas);
  });

  it('rewrites URLs', async () => {
    const repository = await createRepository();
    await using source = create({ rewrites: [{ from: 'https://github.com/acme/', to: `${server.url}/` }] });
    const url = repository.url.replace(`${server.url}/`, 'https://github.com/acme/');
    expect((await source.fetch({ url }, 'main', signal)).message).toBe('Start');
    await expect(source.fetch({ url: 'https://github.com/acme/none.git' }, '', signal)).rejects.toMatchObject({
      message: expect.stringContaining(
        `https://github.com/acme/none.git (rewritten to ${server.url}/none.git)`,
      ) as string,
    });
  });
});

describe.each(engines)('$engine engine logs in', ({ engine }) => {
  const create = (timeoutMs = 30_000) => createTestSource({ directory: nextDirectory(), engine, timeoutMs });
  const s3cret = 's3cret-Pa55';

  it('with user and password, and says so when they are wrong or missing', async () => {
    await using guarded = await startGitServer();
    const repository = await guarded.createRepository('private', files);
    guarded.requireBasic('ada', s3cret);
    await using source = create();
    const good = { username: 'ada', password: s3cret };
    expect((await source.fetch({ ...repository, credentials: good }, '', signal)).message).toBe('Start');
    const inUrl = repository.url.replace('http://', `http://ada:${s3cret}@`);
    expect((await source.fetch({ url: inUrl }, '', signal)).message).toBe('Start');
    const wrong = source.fetch({ ...repository, credentials: { username: 'ada', password: `${s3cret}!` } }, '', signal);
    await expect(wrong).rejects.toMatchObject({
      code: 'RepositoryAuthentication',
      message: /refuses the credentials given/,
    });
    await expect(wrong).rejects.toMatchObject({ message: expect.not.stringContaining(s3cret) as string });
    await expect(source.fetch(repository, '', signal)).rejects.toMatchObject({
      code: 'RepositoryAuthentication',
      message: expect.stringContaining(`repository ${repository.url} asks for credentials`) as string,
    });
  });

  it('with a bearer token', async () => {
    const repository = await createRepository();
    await using front = await startFront(server.url, ({ incoming: { headers } }, response) => {
      if (headers.authorization === `Bearer ${s3cret}`) return false;
      response.writeHead(401).end();
      return true;
    });
    await using source = create();
    const url = repository.url.replace(server.url, front.url);
    expect((await source.fetch({ url, credentials: { bearerToken: s3cret } }, '', signal)).message).toBe('Start');
    await expect(source.fetch({ url, credentials: { bearerToken: 'old' } }, '', signal)).rejects.toMatchObject({
      code: 'RepositoryAuthentication',
    });
  });

  it.each([
    { name: 'password', credentials: { username: 'ada', password: s3cret } },
    { name: 'bearer token', credentials: { bearerToken: s3cret } },
  ])('and carries no $name along a redirect to another host', async ({ credentials }) => {
    const repository = await createRepository();
    await using target = await startFront(server.url, ({ incoming: { headers } }, response) => {
      if (headers.authorization) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return true;
    });
    await using front = await startFront(server.url, ({ incoming: { url, headers } }, response) => {
      const elsewhere = `${target.url.replace('127.0.0.1', 'localhost')}${url}`;
      if (headers.authorization) response.writeHead(301, { location: elsewhere }).end();
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return true;
    });
    await using source = create();
    const url = repository.url.replace(server.url, front.url);
    await expect(source.fetch({ url, credentials }, '', signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^Repository(Authentication|Unreachable)$/) as string,
    });
    expect(front.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
    expect(target.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  it('and follows a redirect to where a repository moved', async () => {
    const repository = await createRepository();
    await using front = await startFront(server.url, ({ incoming }, response) => {
      if (!incoming.url?.startsWith('/old')) return false;
      response
        .writeHead(301, { location: incoming.url.replace(/^\/old[^/]*/, new URL(repository.url).pathname) })
        .end();
      return true;
    });
    await using source = create();
    expect((await source.fetch({ url: `${front.url}/old.git` }, '', signal)).message).toBe('Start');
  });

  it('over TLS, to hosts whose certificate is vouched for', async () => {
    const repository = await createRepository();
    const now = new Date();
    const authority = await createAuthorityCertificate(now);
    const tls = await createServerCertificate(authority, ['127.0.0.1'], now);
    await using front = await startFront(server.url, () => false, tls);
    await using source = create();
    const url = repository.url.replace(server.url, front.url);
    await expect(source.fetch({ url }, '', signal)).rejects.toMatchObject({
      code: 'RepositoryUnreachable',
      message: /TLS certificate that is not trusted; add the certificate authority/,
    });
    expect((await source.fetch({ url, credentials: { caPem: authority.cert } }, '', signal)).message).toBe('Start');
    expect((await source.fetch({ url, credentials: { insecure: true } }, '', signal)).message).toBe('Start');
  });

  it.each([
    { status: 403, code: 'RepositoryAuthentication', message: /asks for credentials/ },
    { status: 404, code: 'RepositoryUnreachable', message: /does not exist/ },
    { status: 500, code: 'RepositoryUnreachable', message: /cannot be reached/ },
  ])('or says what HTTP $status means', async ({ status, code, message }) => {
    await using failing = await startGitServer();
    const repository = await failing.createRepository('r', files);
    failing.failWith(status);
    await using source = create();
    await expect(source.fetch(repository, '', signal)).rejects.toMatchObject({ code, message });
    failing.failWith(undefined);
    expect((await source.fetch(repository, '', signal)).message).toBe('Start');
  });

  it('or says that nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}/a.git`;
    await using source = create();
    await expect(source.listRefs({ url }, signal)).rejects.toMatchObject({
      code: 'RepositoryUnreachable',
      retryable: true,
      message: expect.stringContaining(`repository ${url} cannot be reached`) as string,
    });
  });

  it('or gives up on a server that never answers, and lets go of it', async () => {
    const closed: string[] = [];
    await using silent = await startFront(server.url, ({ incoming: { url = '', socket } }) => {
      socket.on('close', () => closed.push(url));
      return true;
    });
    await using source = create(3_000);
    const repository = await createRepository();
    // until the worker thread is up
    await eventually(async () => await source.listRefs(repository, signal));
    const controller = new AbortController();
    const stopped = source.fetch({ url: `${silent.url}/stopped.git` }, '', controller.signal);
    await eventually(() => expect(silent.requests).toHaveLength(1));
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'Aborted' });
    await eventually(() => expect(closed).toHaveLength(1));
    await expect(source.fetch({ url: `${silent.url}/a.git` }, '', signal)).rejects.toMatchObject({
      code: 'Timeout',
      message: `repository ${silent.url}/a.git gave no answer within 3 s`,
    });
    await eventually(() => expect(closed).toHaveLength(2));
  });

  it('or notices a pack that was cut off', async () => {
    const repository = await createRepository();
    let isCut = true;
    await using front = await startFront(server.url, ({ wantsPack }, response) => {
      if (!isCut || !wantsPack) return false;
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
      response.write('0008NAK\n0030\u0001PACK');
      response.destroy();
      return true;
    });
    await using source = create();
    const url = repository.url.replace(server.url, front.url);
    await expect(source.fetch({ url }, 'main', signal)).rejects.toMatchObject({ code: 'RepositoryUnreachable' });
    isCut = false;
    expect((await source.fetch({ url }, 'main', signal)).message).toBe('Start');
  });
});

it('isomorphic engine begins anew where a fetch cannot go on from what was listed', async () => {
  const repository = await createRepository();
  let cut = 0;
  await using front = await startFront(server.url, ({ wantsPack }, response) => {
    if (!wantsPack || cut > 0) return false;
    cut += 1;
    response.destroy();
    return true;
  });
  await using source = createTestSource({ directory: nextDirectory(), engine: 'isomorphic' });
  const url = repository.url.replace(server.url, front.url);
  expect((await source.fetch({ url }, 'main', signal)).message).toBe('Start');
  expect([cut, front.requests.map(({ method }) => method)]).toEqual([1, ['GET', 'POST', 'GET', 'POST']]);
});

describe('a credential', () => {
  it.each([
    { name: 'password', credentials: { username: 'ada', password: 's3cret-Pa55' } },
    { name: 'bearer token', credentials: { bearerToken: 's3cret-Pa55' } },
  ])('is on no command line and in no mirror: $name', async ({ credentials }) => {
    const repository = await createRepository();
    const commandLines: string[] = [];
    await using front = await startFront(server.url, ({ incoming: { headers } }, response) => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
        commandLines.push(readIfThere(`/proc/${pid}/cmdline`));
      if (headers.authorization) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return true;
    });
    const directory = nextDirectory();
    await using source = createTestSource({ directory, engine: 'native' });
    const url = repository.url.replace(server.url, front.url);
    await source.fetch({ url, credentials }, '', signal);
    const seen = commandLines.join('\n');
    expect(seen).toContain(url);
    expect(seen).not.toContain('s3cret');
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const contents = entries
      .filter((entry) => entry.isFile())
      .map((entry) => readIfThere(path.join(entry.parentPath, entry.name)));
    expect(contents.length).toBeGreaterThan(3);
    expect(contents.join('\n')).not.toContain('s3cret');
  });
});

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // the process has just ended
  }
}

describe('auto', () => {
  it('takes isomorphic-git for HTTP, and native git once a repository is big', async () => {
    const repository = await server.createRepository(nextName(), {
      big: randomBytes(200_000),
    });
    const directory = nextDirectory();
    await using forced = createTestSource({
      directory: nextDirectory(),
      engine: 'isomorphic',
      maxIsomorphicPackBytes: 2_000,
    });
    await expect(forced.fetch(repository, '', signal)).rejects.toMatchObject({
      code: 'TooLarge',
      message: /too much for isomorphic-git/,
    });
    const source = createTestSource({ directory, maxIsomorphicPackBytes: 2_000 });
    const { sha } = await source.fetch(repository, '', signal);
    using snapshot = await source.open(repository, sha, signal);
    expect(await snapshot.entry('big')).toMatchObject({ type: 'file' });
    await source[Symbol.asyncDispose]();
    const packs = uploads();
    await using later = createTestSource({ directory, maxIsomorphicPackBytes: 2_000 });
    expect((await later.fetch(repository, sha, signal)).sha).toBe(sha);
    expect(uploads()).toBe(packs);
  });

  it('says what to install when git is needed and missing', async () => {
    await using source = createTestSource({ directory: nextDirectory(), environment: { PATH: '/nowhere' } });
    await expect(source.fetch({ url: 'git@127.0.0.1:a/b' }, '', signal)).rejects.toMatchObject({ code: 'ToolMissing' });
  });

  it.each(['file:///etc', '/etc', 'git://127.0.0.1/a', 'ext::sh -c id'])('refuses %s', async (url) => {
    await using source = createTestSource({ directory: nextDirectory() });
    await expect(source.fetch({ url }, '', signal)).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('reads a local repository where that is allowed', async () => {
    const repository = await createRepository();
    await using source = createTestSource({ directory: nextDirectory(), allowFileUrls: true });
    expect((await source.fetch({ url: repository.dir }, '', signal)).message).toBe('Start');
  });
});
