import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { createBranches } from '@wheelhouse/hub/hydrate/branches';
import { createLfs } from '@wheelhouse/hub/source/lfs/lfs';
import { createMemorySnapshot } from '@wheelhouse/hub/source/memory-snapshot';
import type { RepositoryCredentials } from '@wheelhouse/hub/source/source';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { createGitRepository, type GitRepository } from '../support/git-repository.ts';
import { lfsId, lfsPointer, startLfsServer } from '../support/lfs-server.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { createTestSource } from './source-fixture.ts';

const sshd = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd'].find((file) => existsSync(file));
const signal = new AbortController().signal;

// needs an SSH server to talk to: `apt-get install openssh-server` (it need not run as a service)
describe.skipIf(!sshd)(`over SSH${sshd ? '' : ' (skipped: no sshd on this machine)'}`, () => {
  let scratch: TempDir;
  let repository: GitRepository;
  let server: Child;
  let url: string;
  let port: number;
  let good: RepositoryCredentials;
  const tmpBefore = process.env['TMPDIR'];
  const at = (...names: string[]) => path.join(scratch.path, ...names);
  const readKey = (name: string) => readFileSync(at(name), 'utf8');
  const knownHostLine = (key: string) => `[127.0.0.1]:${port} ${readKey(`${key}.pub`)}`;
  let count = 0;
  const create = () => createTestSource({ directory: at(`mirrors-${(count += 1)}`) });

  beforeAll(async () => {
    scratch = await tempDir();
    mkdirSync(at('tmp'));
    process.env['TMPDIR'] = at('tmp');
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
    for (const name of ['host', 'other-host', 'user', 'stranger'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
    writeFileSync(at('authorized_keys'), readKey('user.pub'), { mode: 0o600 });
    port = await freePort();
    const settings = [
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      'ListenAddress 127.0.0.1',
      `Port ${port}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      `SetEnv PATH=${at('bin')}:/usr/local/bin:/usr/bin:/bin`,
    ];
    writeFileSync(at('sshd_config'), settings.join('\n'));
    server = await startChild({
      command: sshd ?? '',
      args: ['-D', '-e', '-f', at('sshd_config')],
      logFile: at('sshd.log'),
      ready: port,
    });
    repository = await createGitRepository(at('repository.git'), { 'a/b': 'content\n' });
    url = `ssh://${userInfo().username}@127.0.0.1:${port}${repository.dir}`;
    good = { sshPrivateKey: readKey('user'), knownHosts: knownHostLine('host') };
  });
  afterAll(async () => {
    if (tmpBefore === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = tmpBefore;
    await server?.[Symbol.asyncDispose]();
    await scratch?.[Symbol.asyncDispose]();
  });

  it.each<[string, string, object]>([
    ['is taken with a key that may write', 'user', { status: 'fulfilled' }],
    ['is not with another', 'stranger', { status: 'rejected', reason: { code: 'RepositoryAuthentication' } }],
  ])('a push %s; no key is left behind', async (...[, key, outcome]) => {
    const credentials = { ...good, sshPrivateKey: readKey(key) };
    const branches = createBranches(
      { repository: async () => ({ url, credentials }), now: Date.now },
      { directory: at('copies'), rewrites: [], timeoutMs: 30_000, environment: process.env, allowFile: false },
    );
    const branch = `env/${key}`;
    const folders = [{ path: 'shop', files: { 'manifest.yaml': 'a: 1\n' } }];
    const files = { root: {}, initial: {}, folders, message: 'Write\n', author: 'Bot <bot@example.com>' };
    const wanted = { ...files, branch, syncBranch: branch, announce: async () => undefined };
    const write = branches.write({ repoURL: url, projects: new Set() }, wanted, signal);
    expect(await Promise.allSettled([write])).toMatchObject([outcome]);
    const refs = await repository.git('for-each-ref', '--format=%(refname:short)', `refs/heads/${branch}`);
    expect(refs).toBe(key === 'user' ? branch : '');
    expect(await readdir(at('tmp'))).toEqual([]);
  });

  it('clones, fetches and reads, and leaves no key behind', async () => {
    await using source = create();
    const { sha } = await source.fetch({ url, credentials: good }, 'main', signal);
    using snapshot = await source.open({ url, credentials: good }, sha, signal);
    const entry = await snapshot.entry('a/b');
    expect((await snapshot.read(entry?.oid ?? '')).toString()).toBe('content\n');
    const next = await repository.commit({ 'a/b': 'more\n' }, 'Next');
    expect((await source.fetch({ url, credentials: good }, 'main', signal)).sha).toBe(next);
    expect(await readdir(at('tmp'))).toEqual([]);
  });

  it('takes a key without its last newline', async () => {
    await using source = create();
    const credentials = {
      ...good,
      sshPrivateKey: good.sshPrivateKey?.trimEnd(),
      knownHosts: good.knownHosts?.trimEnd(),
    };
    expect((await source.listRefs({ url, credentials }, signal)).defaultBranch).toBe('refs/heads/main');
  });

  it('refuses a host that is not known, and says what to add', async () => {
    await using source = create();
    const credentials = { ...good, knownHosts: '' };
    await expect(source.fetch({ url, credentials }, '', signal)).rejects.toMatchObject({
      code: 'HostKeyMismatch',
      retryable: false,
      message: expect.stringMatching(
        new RegExp(`^SSH host 127.0.0.1:${port} of repository .* is not known.*"ssh-keyscan -p ${port} 127.0.0.1"`),
      ) as string,
      details: { host: `127.0.0.1:${port}` },
    });
  });

  it('refuses a host with another key than the one known, and names what it shows', async () => {
    await using source = create();
    const credentials = { ...good, knownHosts: knownHostLine('other-host') };
    const fingerprint = execFileSync('ssh-keygen', ['-l', '-f', at('host.pub')])
      .toString()
      .split(' ')[1];
    await expect(source.fetch({ url, credentials }, '', signal)).rejects.toMatchObject({
      code: 'HostKeyMismatch',
      message: expect.stringContaining(`shows another host key than the one known (it shows ${fingerprint})`) as string,
      details: { fingerprint },
    });
  });

  it('checks no host key only where that is asked for', async () => {
    await using source = create();
    const credentials = { ...good, knownHosts: '', insecure: true };
    expect((await source.fetch({ url, credentials }, '', signal)).sha).toHaveLength(40);
  });

  it.each([
    { name: 'no key', key: undefined, message: /asks for credentials/ },
    { name: 'a key that is not authorised', key: 'stranger', message: /refuses the credentials given/ },
  ])('says that $name does not do', async ({ key, message }) => {
    await using source = create();
    const credentials = { knownHosts: good.knownHosts, ...(key ? { sshPrivateKey: readKey(key) } : {}) };
    await expect(source.fetch({ url, credentials }, '', signal)).rejects.toMatchObject({
      code: 'RepositoryAuthentication',
      message,
    });
    expect(await readdir(at('tmp'))).toEqual([]);
  });

  describe('files in Git LFS', () => {
    const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\n';
    const read = async (credentials = good, signalOfRead = signal) => {
      const lfs = createLfs({
        directory: at(`lfs-${(count += 1)}`),
        timeoutMs: 5_000,
        rewrites: [],
        path: process.env['PATH'],
      });
      const snapshot = createMemorySnapshot({ a: lfsPointer(lfsId(manifest), manifest.length) }, 'c'.repeat(40));
      const opened = lfs.open(snapshot, { url, credentials, enableLfs: true }, signalOfRead);
      return (await opened.read((await opened.entry('a'))?.oid ?? '')).toString();
    };
    /** The host's own program, as a shell script. */
    const authenticateBy = (script: string) => {
      mkdirSync(at('bin'), { recursive: true });
      writeFileSync(at('bin', 'git-lfs-authenticate'), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    };

    it('come from where the host says, with the login that it gives', async () => {
      await using lfs = await startLfsServer(manifest);
      const answer = { href: `${lfs.origin}/of/it`, header: { Authorization: 'RemoteAuth one' }, expires_in: 600 };
      authenticateBy(`echo "$@" >> ${at('asked')}; echo '${JSON.stringify(answer)}'`);
      expect(await read()).toBe(manifest);
      expect(readFileSync(at('asked'), 'utf8')).toBe(`${repository.dir} download\n`);
      expect(lfs.seen).toEqual([
        ['POST', '/of/it/objects/batch', 'RemoteAuth one'],
        ['GET', `/store/${lfsId(manifest)}`, 'RemoteAuth one'],
      ]);
      expect(await readdir(at('tmp'))).toEqual([]);
    });

    it.each<[string, string, object]>([
      [
        'whose host has no LFS',
        'echo not found >&2; exit 127',
        { code: 'RepositoryUnreachable', message: expect.stringContaining('not found') },
      ],
      ['whose host says something else', 'echo hello', { message: expect.stringContaining('names no LFS server') }],
      [
        'whose server is a file',
        `echo '{"href":"file:///etc"}'`,
        { message: expect.stringContaining('names no LFS server') },
      ],
      ['whose host hangs', 'exec sleep 60', { code: 'Timeout', message: expect.stringContaining('within 5 s') }],
    ])('are not read from a repository %s', async (...[, script, expected]) => {
      authenticateBy(script);
      await expect(read()).rejects.toMatchObject(expected);
    });

    it('are asked for of no host that is not known', async () => {
      authenticateBy('echo {}');
      await expect(read({ ...good, knownHosts: '' })).rejects.toMatchObject({ code: 'HostKeyMismatch' });
    });

    it('are not waited for after a stop', async () => {
      authenticateBy('exec sleep 60');
      await expect(read(good, AbortSignal.timeout(200))).rejects.toMatchObject({ code: 'Aborted' });
    });
  });

  it('says that a repository does not exist', async () => {
    await using source = create();
    await expect(source.fetch({ url: `${url}-gone`, credentials: good }, '', signal)).rejects.toMatchObject({
      code: 'RepositoryUnreachable',
      message: /does not exist/,
    });
  });
});
