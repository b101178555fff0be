import { describe, expect, it } from 'vitest';
import { createSources, type SourcesDeps } from './sources.ts';

const signal = new AbortController().signal;
const tags = ['app-1.0.0', 'app-1.2.0', 'lib-1.3.0', '1.9.0'];

function setUp() {
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
    open: unused,
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
    repository: (url) => (url.includes('github') ? { url, githubApp: app } : { url }),
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
});
