import { describe, expect, it } from 'vitest';
import type { StoredSpec } from '../store/specs.ts';
import { storedOf } from '../testing/hub-state.ts';
import { findRepository, findWriteRepository, versionOfWriter } from './repositories.ts';

const secret = (type: string, stringData: Record<string, string>): StoredSpec =>
  storedOf({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `s-${type}`, namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': type } },
    stringData,
  });
const configMap = (name: string, data: Record<string, string>): StoredSpec =>
  storedOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'argocd' }, data });

const url = 'https://git.example/team/shop.git';
const wide = { url: 'https://git.example', username: 'wide', password: 'w' };
const near = { url: 'https://git.example/team', username: 'near', password: 'n' };

describe('findRepository', () => {
  it.each<[string, StoredSpec[], object | undefined]>([
    ['nothing', [], undefined],
    ['another repository', [secret('repository', { url: 'https://git.example/other', password: 'p' })], undefined],
    ['the same, without .git', [secret('repository', { url: url.slice(0, -4), password: 'p' })], { password: 'p' }],
    [
      'the longest prefix',
      [secret('repo-creds', wide), secret('repo-creds', near)],
      { username: 'near', password: 'n' },
    ],
    [
      'an entry without a login takes the template, and keeps what it has',
      [secret('repository', { url, insecure: 'true' }), secret('repo-creds', near)],
      { username: 'near', password: 'n', insecure: true },
    ],
    [
      'an entry with a login takes nothing of the template',
      [secret('repository', { url, sshPrivateKey: 'k' }), secret('repo-creds', near)],
      { sshPrivateKey: 'k' },
    ],
    [
      'certificates, a proxy and hosts',
      [
        secret('repository', {
          url,
          tlsClientCertData: 'c',
          tlsClientCertKey: 'k',
          proxy: 'http://proxy:1',
          noProxy: 'a,b',
          insecureIgnoreHostKey: 'true',
        }),
      ],
      { tlsCertificate: 'c', tlsKey: 'k', proxy: 'http://proxy:1', noProxy: 'a,b', insecure: true },
    ],
  ])('%s', (_name, secrets, credentials) => {
    expect(findRepository(url, { secrets })).toEqual(credentials ? { url, credentials } : { url });
  });

  it.each([
    ['https://git.example/a', { caPem: 'of git', knownHosts: 'hosts' }],
    ['https://git.example:8443/a', { caPem: 'of the port', knownHosts: 'hosts' }],
    ['git@git.example:a.git', { knownHosts: 'hosts' }],
    ['https://other.example/a', { knownHosts: 'hosts' }],
  ])('trusts what the ConfigMaps say of %s', (asked, credentials) => {
    const configMaps = [
      configMap('argocd-tls-certs-cm', { 'git.example': 'of git', 'git.example:8443': 'of the port' }),
      configMap('argocd-ssh-known-hosts-cm', { ssh_known_hosts: 'hosts' }),
    ];
    expect(findRepository(asked, { secrets: [], configMaps })).toEqual({ url: asked, credentials });
  });

  it.each<[string, string, boolean]>([
    ['https://git.example', 'https://git.example/a', true],
    ['https://git.example/', 'https://git.example/a', true],
    ['https://Git.example', 'https://git.example:443/a', true],
    ['https://git.example', 'https://git.example:8443/a', false],
    ['https://git.example:8443', 'https://git.example:8443/a', true],
    ['https://git.example:8443', 'https://git.example:84430/a', false],
    ['https://git.example/te', 'https://git.example/team/a', true],
    ['https://git.example', 'https://git.example.evil.org/a', false],
    ['https://git.example', 'https://git.example@evil.org/a', false],
    ['https://git.example', 'https://git.example:p@evil.org/a', false],
    ['https://org@dev.azure.com', 'https://org@dev.azure.com/org/a', true],
    ['https://org@dev.azure.com', 'https://org@dev.azure.com:x@evil.org/a', false],
    ['https://org@dev.azure.com', 'https://org@dev.azure.com:31000/a', false],
    ['git.example', 'git.example:p@evil.org/a', false],
    ['git@git.example', 'git@git.example:team/a.git', true],
    ['git@git.example', 'git@git.example:42/a.git', true],
    ['git@git.example', 'git@git.example:p@evil.org/a', false],
    ['ssh://git@git.example', 'ssh://git@git.example:2222/a', false],
    ['git@git.example:team', 'git@git.example:team/a.git', true],
    ['git@git.example', 'git@git.example.evil.org:team/a.git', false],
    ['ssh://git@git.example', 'ssh://git@git.example:22/team/a.git', true],
    ['registry.example', 'registry.example/charts', true],
    ['registry.example', 'registry.example.evil.org/charts', false],
    ['registry.example', 'registry.example:31000/charts', false],
    ['registry.example:5000', 'registry.example:5000/charts', true],
    ['registry.example:5000', 'registry.example:50001/charts', false],
    ['oci://registry.example', 'oci://registry.example:31000/charts', false],
    ['https://[fd00::1]', 'https://[fd00::1]/a', true],
    ['https://', 'https://git.example/a', true],
  ])('gives the login of %s to %s: %j', (prefix, asked, isGiven) => {
    const credentials = { username: 'near', password: 'n' };
    const found = findRepository(asked, { secrets: [secret('repo-creds', { ...near, url: prefix })] });
    expect(found).toEqual(isGiven ? { url: asked, credentials } : { url: asked });
  });

  it('reads what a registry and a GitHub App need', () => {
    const secrets = [
      secret('repository', {
        url: 'registry.example/charts',
        name: 'charts',
        enableOCI: 'true',
        insecureOCIForceHttp: 'true',
      }),
      secret('repo-creds', { url: 'https://github.com/org', githubAppID: '1', githubAppPrivateKey: 'pem' }),
    ];
    const registry = { url: 'registry.example/charts', enableOci: true, plainHttp: true };
    expect(findRepository('registry.example/charts', { secrets })).toEqual(registry);
    expect(findRepository('@charts', { secrets })).toEqual(registry);
    expect(findRepository('https://github.com/org/shop', { secrets })).toEqual({
      url: 'https://github.com/org/shop',
      githubApp: { id: '1', privateKeyPem: 'pem', apiUrl: 'https://api.github.com' },
    });
  });

  it.each([
    ['true', true],
    ['false', undefined],
    [undefined, undefined],
  ])('reads files in Git LFS where enableLfs says %s', (enableLfs, expected) => {
    const secrets = [secret('repository', { url, ...(enableLfs && { enableLfs }) })];
    expect(findRepository(url, { secrets }).enableLfs).toBe(expected);
  });

  it.each([
    ['@gone', {}, 'no repository Secret has the name gone'],
    [url, { gcpServiceAccountKey: 'key-material' }, 'argocd/s-repository: gcpServiceAccountKey is not supported'],
    [url, { githubAppID: '1' }, 'argocd/s-repository: githubAppID needs githubAppPrivateKey'],
  ])('refuses %s with %j', (asked, fields, message) => {
    const find = () => findRepository(asked, { secrets: [secret('repository', { url, ...fields })] });
    expect(find).toThrow(message);
    expect(find).not.toThrow('key-material');
  });
});

describe('findWriteRepository', () => {
  const team = new Set(['team']);
  const own = secret('repository-write', { url, username: 'robot', password: 'p' });
  it.each<[string, StoredSpec[], object]>([
    ['the same repository', [secret('repo-write-creds', wide), own], { username: 'robot', password: 'p' }],
    [
      'the same, without .git',
      [secret('repository-write', { url: url.slice(0, -4), password: 'p' })],
      { password: 'p' },
    ],
    [
      'the longest prefix',
      [secret('repo-write-creds', wide), secret('repo-write-creds', near)],
      { username: 'near', password: 'n' },
    ],
    ['an entry without a login: whoever may reach it may write', [secret('repository-write', { url })], {}],
    [
      'one of the only project that asks',
      [secret('repository-write', { url, password: 'p', project: 'team' })],
      { password: 'p' },
    ],
  ])('%s', (_name, secrets, credentials) => {
    expect(findWriteRepository(url, team, { secrets })).toEqual({ url, credentials });
  });

  it.each<[string, StoredSpec[], ReadonlySet<string>]>([
    ['nothing', [], team],
    ['logins for reading', [secret('repository', { url, password: 'r' }), secret('repo-creds', wide)], team],
    ['another repository', [secret('repository-write', { url: 'https://git.example/other', password: 'p' })], team],
    [
      'a prefix that ends within the name of a host',
      [secret('repo-write-creds', { ...wide, url: 'https://git.exam' })],
      team,
    ],
    ['a login of another project', [secret('repository-write', { url, password: 'p', project: 'other' })], team],
    [
      'a login of one project where two ask',
      [secret('repository-write', { url, password: 'p', project: 'team' })],
      new Set(['team', 'other']),
    ],
  ])('refuses to write with %s', (_name, secrets, projects) => {
    expect(() => findWriteRepository(url, projects, { secrets })).toThrow(
      expect.objectContaining({
        code: 'RepositoryAuthentication',
        retryable: false,
        message: expect.stringContaining('repository-write') as string,
      }),
    );
  });

  it.each<[string, Parameters<typeof versionOfWriter>[2], boolean]>([
    ['the same login', { secrets: [own] }, false],
    ['a change of it', { secrets: [{ ...own, revision: own.revision + 1 }] }, true],
    ['a template that matches', { secrets: [own, secret('repo-write-creds', wide)] }, true],
    ['a login for reading, which is none for writing', { secrets: [own, secret('repository', { url })] }, false],
    ['no login at all', { secrets: [] }, true],
  ])('the version of a writer with %s', (_name, settings, isAnother) => {
    const [before, after] = [{ secrets: [own] }, settings].map((one) => versionOfWriter(url, team, one));
    expect(before !== after).toBe(isAnother);
  });

  it.each(['ann:secret', 'ann:p@secret'])('never uses what the URL itself holds: %s', (inUrl) => {
    const found = findWriteRepository(`https://${inUrl}@git.example/team/shop.git`, team, {
      secrets: [secret('repo-write-creds', near)],
    });
    expect(found).toEqual({ url, credentials: { username: 'near', password: 'n' } });
  });

  it.each(['https://ann:secret@git.example/x', 'https://ann:p@secret@git.example/x'])(
    'never shows a login of %s',
    (of) => {
      const none = () => findWriteRepository(of, team, { secrets: [] });
      expect(none).toThrow('no login may write to https://git.example/x:');
    },
  );
});
