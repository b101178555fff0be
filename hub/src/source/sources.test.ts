import { describe, expect, it } from 'vitest';
import { createMemorySnapshot } from './memory-snapshot.ts';
import type { Repository, Snapshot } from './source.ts';
import { createSources, type SourcesDeps } from './sources.ts';

const signal = new AbortController().signal;
const tags = ['app-1.0.0', 'app-1.2.0', 'lib-1.3.0', '1.9.0'];

const login = { username: 'ci', password: 'secret' };

/** With a submodule in the folder lib. */
function withLib(url: string): Snapshot & Disposable {
  const base = createMemorySnapshot({ '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = ${url}\n` });
  const lib = { path: 'lib', name: 'lib', oid: 'd'.repeat(40), type: 'submodule', mode: '160000' } as const;
  return {
    ...base,
    entry: async (path) => (path === 'lib' ? lib : await base.entry(path)),
    [Symbol.dispose]: () => undefined,
  };
}

/** With which login a submodule is read that a repository with a login has. */
async function loginOf(repoURL: string, submodule: string): Promise<Repository['credentials']> {
  const opened: Repository[] = [];
  const open: SourcesDeps['git']['open'] = async (repository) => {
    opened.push(repository);
    if (opened.length === 1) return withLib(submodule);
    return { ...createMemorySnapshot({ a: '' }), [Symbol.dispose]: () => undefined };
  };
  const { sources } = setUp({ open, repository: (url) => ({ url, credentials: login }) });
  using snapshot = await sources.open({ repoURL, targetRevision: 'main' }, { sha: 'c'.repeat(40) }, signal);
  await snapshot.entry('lib/a');
  expect(opened).toHaveLength(2);
  return opened[1]?.credentials;
}

function setUp({ open, repository }: Partial<Pick<SourcesDeps['git'], 'open'> & SourcesDeps> = {}) {
  const asked: string[] = [];
  const unused = () => Promise.reject(new Error('not asked'));
  const git: SourcesDeps['git'] = {
    listRefs: async () => ({
      refs: new Map(tags.map((tag) => [`refs/tags/${tag}`, 'c'.repeat(40)])),
      resolve: () => undefined,
    }),
    fetch: async ({ credentials }, revision) => {
      asked.push(`${revision} ${credentials?.password ?? ''}`.trim());
      return { sha: 'c'.repeat(40) };
    },
    open: open ?? unused,
  };
  const app = { id: '1', privateKeyPem: '', apiUrl: '' };
  const sources = createSources({
    git,
    charts: { fetch: async () => ({ revision: '1.0.0', digest: 'd' }), open: unused },
    githubApps: { login: async () => ({ username: 'x-access-token', password: 'token-of-the-app' }) },
    files: { fetch: unused, open: unused },
    lfs: { open: (snapshot) => snapshot },
    signatures: { verify: unused },
    keys: () => ({}),
    repository: repository ?? ((url) => (url.includes('github') ? { url, githubApp: app } : { url })),
  });
  return { asked, sources };
}

describe('createSources', () => {
  it.each([
    ['a range is matched by the tags that begin with it', '1.*', 'app-', 'refs/tags/app-1.2.0'],
    ['a range that no such tag matches is taken as it is', '2.*', 'app-', '2.*'],
    ['a branch stays a branch', 'main', 'app-', 'main'],
    ['without one all tags count', '1.*', undefined, '1.*'],
  ])('with a tagPrefix, %s', async (...[, targetRevision, tagPrefix, expected]) => {
    const { asked, sources } = setUp();
    const prefix = tagPrefix === undefined ? {} : { tagPrefix };
    await sources.fetch({ repoURL: 'https://git.example/a', targetRevision, ...prefix }, signal);
    expect(asked).toEqual([expected]);
  });

  it('logs in as a GitHub App', async () => {
    const { asked, sources } = setUp();
    await sources.fetch({ repoURL: 'https://github.example/a', targetRevision: 'main' }, signal);
    expect(asked).toEqual(['main token-of-the-app']);
  });

  it.each([
    { repoURL: 'https://charts.example', chart: 'web', targetRevision: '1.*' },
    { repoURL: 'oci://registry.example/web', targetRevision: '1.*' },
  ])('reads $repoURL as a chart or artifact', async (location) => {
    const { asked, sources } = setUp();
    expect(await sources.fetch(location, signal)).toEqual({ sha: '1.0.0', digest: 'd' });
    expect(asked).toEqual([]);
  });

  const shop = 'https://git.example/team/shop.git';
  it.each<[string, string, boolean]>([
    [shop, '../lib.git', true],
    [shop, 'https://git.example/x', true],
    [shop, 'https://ann@Git.example:443/x', true],
    ['https://git.example:8443/a', 'https://git.example:8443/x', true],
    ['git@git.example:a.git', 'ssh://git@git.example/x', true],
    ['git@git.example:a.git', 'git@git.example:x.git', true],
    ['ssh://git@git.example:22/a', 'git.example:x.git', true],
    ['ssh://git@git.example:2222/a', 'ssh://git@git.example:2222/x', true],
    [shop, 'https://a@git.example:b@evil.com/x', false],
    [shop, 'https://git.example:b@evil.com/x', false],
    [shop, 'https://git.example\\@evil.com/x', false],
    [shop, 'http://git.example/x', false],
    [shop, 'https://git.example:8443/x', false],
    [shop, 'git@git.example:x.git', false],
    [shop, 'https://evil.com/x', false],
    ['git@git.example:a.git', 'git@evil.com:x.git', false],
    ['git@git.example:a.git', 'ssh://git@git.example:2222/x', false],
    ['git@git.example:a.git', 'ssh://git@git.example:b@evil.com/x', false],
  ])('with the login of %s, reads its submodule %s: %j', async (repoURL, submodule, isGiven) => {
    expect(await loginOf(repoURL, submodule)).toEqual(isGiven ? login : undefined);
  });
});
