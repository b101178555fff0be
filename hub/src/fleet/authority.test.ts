import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJwt } from '@wheelhouse/shared/protocol/jwt';
import { createKeyPair } from '@wheelhouse/shared/protocol/nkeys';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAuthority } from './authority.ts';
import { formatNatsConfig } from './nats-config.ts';

describe("the hub's authority", () => {
  let directory: string;
  const load = (options: { names?: string[]; now?: Date } = {}) =>
    loadAuthority({
      directory: join(directory, 'authority'),
      names: options.names ?? ['127.0.0.1', 'localhost'],
      ...(options.now ? { now: () => options.now ?? new Date() } : {}),
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wheelhouse-authority-'));
  });
  afterEach(async () => await rm(directory, { recursive: true }));

  it('is made once, and only its owner can read it', async () => {
    const first = await load();
    const again = await load();
    expect(again.ca).toEqual(first.ca);
    expect(again.tls.cert).toBe(first.tls.cert);
    expect(again.documentKey.kid).toBe(first.documentKey.kid);
    expect(again.jwts.systemAccount).toBe(first.jwts.systemAccount);
    const folder = join(directory, 'authority');
    const files = (await readdir(folder)).toSorted();
    expect(files).toEqual(['authority.json', 'ca.pem', 'leaf.pem', 'server.key', 'server.pem']);
    const modes = await Promise.all(
      [folder, ...files.map((file) => join(folder, file))].map(async (path) => (await stat(path)).mode & 0o777),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600, 0o600, 0o600]);
  });

  it('is one, when two replicas make it at once', async () => {
    const [one, two] = await Promise.all([load(), load()]);
    expect(one.documentKey.kid).toBe(two.documentKey.kid);
    expect(one.ca.fingerprint).toBe(two.ca.fingerprint);
  });

  it('has a certificate for its names, under its CA', async () => {
    const { ca, tls } = await load({ names: ['127.0.0.1', '::1', 'hub.example'] });
    const server = new X509Certificate(tls.cert);
    const root = new X509Certificate(ca.pem);
    expect([server.checkHost('hub.example'), server.checkIP('127.0.0.1'), server.checkHost('other.example')]).toEqual([
      'hub.example',
      '127.0.0.1',
      undefined,
    ]);
    expect([server.verify(root.publicKey), server.checkIssued(root), root.ca, server.ca]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(root.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(ca.fingerprint);
    expect(tls.cert.endsWith(ca.pem)).toBe(true);
  });

  it.each([
    ['a name is new', { names: ['127.0.0.1', 'localhost', 'new.example'] }],
    ['it nears its end', { now: new Date(Date.now() + 340 * 86_400_000) }],
  ])('makes a new certificate, under the same CA, when %s', async (_name, options) => {
    const before = await load();
    const after = await load(options);
    expect(after.tls.cert).not.toBe(before.tls.cert);
    expect(after.ca).toEqual(before.ca);
    expect(await readFile(after.tls.certFile, 'utf8')).toBe(after.tls.cert);
    expect((await readFile(after.tls.leafFile, 'utf8')) + after.ca.pem).toBe(after.tls.cert);
  });

  it('makes a server certificate anew of which one file is older than another', async () => {
    const { tls } = await load();
    const older = await readFile(tls.certFile);
    await rm(tls.leafFile);
    const newer = await load();
    await writeFile(tls.certFile, older);
    const after = await load();
    expect([newer.tls.key, newer.tls.cert]).not.toContain(after.tls.key);
    expect(new X509Certificate(after.tls.cert).checkPrivateKey(createPrivateKey(after.tls.key))).toBe(true);
  });

  it('says what to do when its file is damaged, and does not replace it', async () => {
    await load();
    const file = join(directory, 'authority', 'authority.json');
    await writeFile(file, '{');
    await expect(load()).rejects.toThrow(/is damaged: restore it from a backup/);
    expect(await readFile(file, 'utf8')).toBe('{');
  });

  it('signs spokes with the key that allows them only what a spoke may', async () => {
    const authority = await load();
    const user = createKeyPair('user').publicKey;
    const spoke = parseJwt(authority.mintSpoke('us-east', user, new Date('2030-01-01T00:00:00Z')));
    expect(spoke).toMatchObject({ name: 'us-east', sub: user, exp: 1_893_456_000 });
    const fleet = Object.values(authority.jwts.accounts)
      .map(parseJwt)
      .find(({ name }) => name === 'FLEET');
    expect(fleet?.nats['signing_keys']).toMatchObject([
      { kind: 'user_scope', key: spoke.iss, role: 'spoke' },
      { kind: 'user_scope', role: 'pending' },
    ]);
    expect(spoke.iss).not.toBe(fleet?.sub);
  });

  it.each(['*', '>', 'a.b', '', 'A'])('signs nobody under the name %j', async (name) => {
    const authority = await load();
    expect(() => authority.mintSpoke(name, createKeyPair('user').publicKey, new Date())).toThrow(/cluster name/);
  });

  it('puts no secret into the configuration of the server', async () => {
    const authority = await load();
    const text = formatNatsConfig({ authority, listen: '127.0.0.1:4222', storeDir: '/data' });
    expect(text).not.toMatch(/\bS[OAU][A-Z2-7]{56}\b|PRIVATE KEY/);
    expect(text).toContain('tls {');
    expect(formatNatsConfig({ authority, listen: '127.0.0.1:4222', storeDir: '/data', tls: false })).not.toContain(
      'tls {',
    );
  });
});
