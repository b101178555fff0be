import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { selectRepositories } from '../../generate/generators/host-filters.ts';
import { createHostRule } from '../allowed.ts';
import { openRepositoryHost } from '../hosts.ts';
import { createFakeAccess, type FakeHost, memoryBucket, type Routes, startFakeHost } from '../testing/fake-host.ts';
import { linkedPages } from './pages.ts';
import { blockedUntil } from './rate-limit.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

async function start(routes: Routes): Promise<FakeHost> {
  const host = await startFakeHost(routes);
  opened.push(host);
  return host;
}

function accessWith(options: Parameters<typeof createFakeAccess>[0] = {}) {
  const access = createFakeAccess(options);
  opened.push(access);
  return access;
}

const anything = z.unknown();

describe('limits of a host', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const reset = String(now / 1_000 + 90);
  it.each([
    {
      why: 'GitHub, exhausted',
      status: 403,
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset },
      ms: 90_000,
    },
    {
      why: 'GitHub, its last request',
      status: 200,
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset },
      ms: 90_000,
    },
    { why: 'GitHub, secondary limit', status: 403, headers: { 'retry-after': '7' }, ms: 7_000 },
    { why: 'GitLab', status: 429, headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': reset }, ms: 90_000 },
    { why: 'Azure DevOps slows down', status: 200, headers: { 'retry-after': '3' }, ms: 3_000 },
    { why: 'a date', status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' }, ms: 5_000 },
    { why: 'much too long', status: 429, headers: { 'retry-after': '9'.repeat(400) }, ms: 3_600_000 },
    {
      why: 'much too long, of a reset',
      status: 429,
      headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '9'.repeat(30) },
      ms: 3_600_000,
    },
    { why: 'nothing is said', status: 429, headers: {}, ms: 60_000 },
    { why: 'rights, not rates', status: 403, headers: { 'x-ratelimit-remaining': '4999' }, ms: undefined },
    {
      why: 'plenty left',
      status: 200,
      headers: { 'x-ratelimit-remaining': '10', 'x-ratelimit-reset': reset },
      ms: undefined,
    },
  ])('$why', ({ status, headers, ms }) => {
    expect(blockedUntil({ status, headers }, now)).toBe(ms === undefined ? undefined : now + ms);
  });

  it('fails at once for as long as the host wants to be left alone, and says until when', async () => {
    const host = await start({ 'GET /a': { status: 429, headers: { 'retry-after': '3600' } }, 'GET /b': {} });
    const access = accessWith();
    const client = access.http.open({ api: host.url }, access.signal);
    await expect(client.ask('/a')).rejects.toMatchObject({ code: 'HostRateLimited', retryable: true });
    await expect(client.ask('/b')).rejects.toThrow(/takes no more requests with this credential until 20/);
    expect(host.asked).toEqual(['GET /a -> 429']);
    const other = access.http.open({ api: host.url, identity: 'another' }, access.signal);
    await expect(other.ask('/b')).resolves.toMatchObject({ status: 200 });
  });

  it('says until when to a host that says an absurd time', async () => {
    const host = await start({ 'GET /a': { status: 429, headers: { 'retry-after': '99999999999999' } } });
    const access = accessWith();
    const client = access.http.open({ api: host.url }, access.signal);
    await expect(client.ask('/a')).rejects.toMatchObject({ code: 'HostRateLimited' });
    await expect(client.ask('/a')).rejects.toMatchObject({ code: 'HostRateLimited' });
  });

  it('waits when it is not for long', async () => {
    const host = await start({ 'GET /a': { headers: { 'retry-after': '0.05' }, body: 1 }, 'GET /b': 2 });
    const access = accessWith();
    const client = access.http.open({ api: host.url }, access.signal);
    await client.ask('/a');
    await expect(client.get('/b', anything)).resolves.toBe(2);
  });

  it('spreads requests', async () => {
    const host = await start({ 'GET /a': 1 });
    const access = accessWith({ perSecond: 100, burst: 1 });
    const client = access.http.open({ api: host.url }, access.signal);
    const started = performance.now();
    await Promise.all(Array.from({ length: 6 }, async () => await client.ask('/a')));
    expect(performance.now() - started).toBeGreaterThan(45);
  });
});

describe('1,000 repositories', () => {
  const repositories = Array.from({ length: 1_000 }, (_, index) => ({
    id: index,
    name: `r${index}`,
    owner: { login: 'o' },
    ssh_url: `git@h:o/r${index}.git`,
    clone_url: '',
    default_branch: 'main',
    topics: [],
  }));
  const routes: Routes = {};
  for (let page = 0; page < 10; page += 1) {
    const path = page === 0 ? '/orgs/o/repos?per_page=100' : `/orgs/o/repos?per_page=100&page=${page + 1}`;
    routes[`GET ${path}`] = (origin: string) => ({
      headers: page === 9 ? {} : { link: `<${origin}/orgs/o/repos?per_page=100&page=${page + 2}>; rel="next"` },
      body: repositories.slice(page * 100, page * 100 + 100),
    });
  }
  for (const { name } of repositories)
    routes[`GET /repos/o/${name}/branches/main`] = { name: 'main', commit: { sha: name } };

  it('cost a token 1,010 requests once, and after a restart of the hub none but those that changed', async () => {
    const host = await start(routes);
    const bucket = memoryBucket();
    const select = async () => {
      await using access = createFakeAccess({ bucket });
      const github = { organization: 'o', api: host.url, tokenRef: { secretName: 's', key: 'token' } };
      return await selectRepositories(undefined, openRepositoryHost({ github }, access));
    };
    expect(await select()).toHaveLength(1_000);
    expect(host.asked).toHaveLength(1_010);
    host.asked.length = 0;
    host.routes['GET /repos/o/r7/branches/main'] = { name: 'main', commit: { sha: 'new' } };
    const again = await select();
    expect(again[7]?.sha).toBe('new');
    expect(host.asked.filter((line) => !line.endsWith(' 304'))).toEqual(['GET /repos/o/r7/branches/main -> 200']);
  });

  it('are asked about only where a filter could let them pass', async () => {
    const host = await start(routes);
    const access = accessWith();
    const github = { organization: 'o', api: host.url };
    const filters = [{ repositoryMatch: '^r1$', pathsExist: ['x'] }];
    expect(await selectRepositories(filters, openRepositoryHost({ github }, access))).toEqual([]);
    expect(host.asked).toHaveLength(12);
  });
});

describe('bad hosts', () => {
  it.each([
    {
      why: 'a redirect',
      answer: { status: 302, headers: { location: 'https://evil.example.com/x' } },
      code: 'GeneratorFailed',
      message: 'redirects to https://evil.example.com',
    },
    {
      why: 'a wrong credential',
      answer: { status: 401 },
      code: 'HostAuthentication',
      message: 'missing, expired, or may not read this',
    },
    {
      why: 'no JSON',
      answer: { headers: { 'content-type': 'text/html' } },
      code: 'GeneratorFailed',
      message: 'is api right?',
    },
    {
      why: 'other JSON',
      answer: { body: { a: 1 } },
      code: 'GeneratorFailed',
      message: 'something else than its API says',
    },
    { why: 'too much', answer: { body: 'x'.repeat(2_000) }, code: 'TooLarge', message: 'more than' },
  ])('$why', async ({ answer, code, message }) => {
    const host = await start({ 'GET /a': answer });
    const access = accessWith({ maxBytes: 1_000 });
    const client = access.http.open({ api: host.url }, access.signal);
    const found = client.get('/a', z.array(z.string()));
    await expect(found).rejects.toMatchObject({ code });
    await expect(found).rejects.toThrow(message);
  });

  it('tries again what failed on the way, and no more than twice', async () => {
    const host = await start({ 'GET /a': { status: 502 } });
    const access = accessWith();
    const client = access.http.open({ api: host.url }, access.signal);
    await expect(client.ask('/a')).rejects.toMatchObject({ code: 'HostUnreachable' });
    expect(host.asked).toHaveLength(3);
  });

  it('follows no next page to another host', async () => {
    const host = await start({
      'GET /a': { headers: { link: '<http://169.254.169.254/meta>; rel="next"' }, body: [] },
    });
    const access = accessWith();
    const client = access.http.open({ api: host.url, authorization: () => 'Bearer s3cret' }, access.signal);
    await expect(linkedPages(client, '/a', { item: anything })).rejects.toThrow('names a next page on 169.254.169.254');
  });
});

describe('hosts that may be asked', () => {
  const rule = createHostRule(['git.example.com', 'http://gitea.local:3000']);
  it.each([
    ['https://api.github.com', true],
    ['https://codecommit.eu-west-1.amazonaws.com', true],
    ['https://git.example.com', true],
    ['http://gitea.local:3000', true],
    ['http://git.example.com', false],
    ['https://gitea.local:3000', false],
    ['http://169.254.169.254', false],
    ['https://codecommit.eu-west-1.amazonaws.com.evil.example', false],
  ])('%s: %s', (origin, isAllowed) => {
    expect(rule(origin) === undefined).toBe(isAllowed);
  });

  it('names the setting', () => {
    const access = accessWith({ whyRefused: rule });
    expect(() => access.http.open({ api: 'https://10.0.0.1/' }, access.signal)).toThrow(
      'host https://10.0.0.1 is not one that generators may ask; add it to WHEELHOUSE_GENERATOR_HOSTS of the hub',
    );
  });

  it.each(['ftp://x', 'nonsense', 'https://user:secret@git.example.com'])('refuses the address %s', (api) => {
    const access = accessWith();
    expect(() => access.http.open({ api }, access.signal)).toThrow(
      expect.objectContaining({ code: 'Invalid' }) as Error,
    );
    expect(() => access.http.open({ api }, access.signal)).not.toThrow(/secret/);
  });
});
