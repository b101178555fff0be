import { join } from 'node:path';
import { type ChartSource, createChartSource } from '@wheelhouse/hub/source/charts/chart-source';
import type { SourceLocation } from '@wheelhouse/hub/source/location';
import type { Repository } from '@wheelhouse/hub/source/source';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ChartRepository, startChartRepository } from '../support/chart-repository.ts';
import { tempDir } from '../support/temp-dir.ts';

const signal = new AbortController().signal;

interface Fixture {
  repository: ChartRepository;
  /** The hub's fetcher; a second one on the same disk is another replica. */
  charts: ChartSource;
  fetch(targetRevision: string, more?: Partial<SourceLocation>, login?: Repository['credentials']): Promise<string>;
  textOf(targetRevision: string): Promise<string>;
}

async function start(): Promise<Fixture & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const repository = stack.use(await startChartRepository());
  const { path } = stack.use(await tempDir({ memory: true }));
  const charts = stack.use(createChartSource({ directory: join(path, 'charts'), timeoutMs: 20_000 }));
  for (const version of ['1.0.0', '1.2.0', '1.2.1', '2.0.0-rc.1'])
    await repository.publish('web', version, { 'templates/a.txt': version });
  const owned = stack.move();
  const locate = (targetRevision: string, more: Partial<SourceLocation> = {}): SourceLocation => ({
    repoURL: repository.url,
    chart: 'web',
    targetRevision,
    ...more,
  });
  return {
    repository,
    charts,
    fetch: async (targetRevision, more, credentials) => {
      const location = locate(targetRevision, more);
      return (await charts.fetch(location, { url: location.repoURL, credentials }, signal)).revision;
    },
    textOf: async (targetRevision) => {
      const known = { url: repository.url };
      const location = locate(targetRevision);
      const fetched = await charts.fetch(location, known, signal);
      const snapshot = await charts.open(location, { ...fetched, repository: known }, signal);
      const entry = await snapshot.entry('templates/a.txt');
      return (await snapshot.read(entry?.oid ?? '')).toString();
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

describe('a Helm repository over HTTP', () => {
  let fixture: Fixture & AsyncDisposable;
  beforeEach(async () => {
    fixture = await start();
    return async () => await fixture[Symbol.asyncDispose]();
  });

  it.each([
    ['1.2.0', '1.2.0'],
    ['v1.2.0', '1.2.0'],
    ['1.2', '1.2.1'],
    ['^1.0.0', '1.2.1'],
    ['1.x', '1.2.1'],
    ['>=1.0.0 <1.2.1', '1.2.0'],
    ['*', '1.2.1'],
    ['>=2.0.0-0', '2.0.0-rc.1'],
  ])('%s is %s', async (targetRevision, expected) => {
    expect(await fixture.fetch(targetRevision)).toBe(expected);
  });

  it('shows the files of the chart, downloaded once', async () => {
    expect(await fixture.textOf('1.2.0')).toBe('1.2.0');
    expect(await fixture.textOf('~1.2.0 <1.2.1')).toBe('1.2.0');
    const archives = fixture.repository.requests.filter((request) => request.includes('.tgz'));
    expect(archives).toEqual(['GET /web-1.2.0.tgz 200']);
    expect(fixture.repository.requests).toContain('GET /index.yaml 304');
  });

  it('notices a version that is published again', async () => {
    expect(await fixture.textOf('1.2.0')).toBe('1.2.0');
    await fixture.repository.publish('web', '1.2.0', { 'templates/a.txt': 'again' });
    expect(await fixture.textOf('1.2.0')).toBe('again');
  });

  it('logs in', async () => {
    fixture.repository.requireBasic('ada', 'secret-word');
    await expect(fixture.fetch('*')).rejects.toMatchObject({
      code: 'RepositoryAuthentication',
      message: expect.stringContaining('check the credentials in its repository Secret'),
    });
    expect(await fixture.fetch('*', {}, { username: 'ada', password: 'secret-word' })).toBe('1.2.1');
    await expect(fixture.fetch('*', {}, { username: 'ada', password: 'wrong-word' })).rejects.toThrow(
      expect.not.stringContaining('wrong-word'),
    );
  });

  it('sends no login to another host, unless told to', async () => {
    await using elsewhere = await startChartRepository();
    await elsewhere.publish('web', '9.0.0');
    elsewhere.requireBasic('ada', 'secret-word');
    fixture.repository.lie('web', { version: '9.0.0', urls: [`${elsewhere.url}/web-9.0.0.tgz`] });
    const login = { username: 'ada', password: 'secret-word' };
    await expect(fixture.fetch('9.0.0', {}, login)).rejects.toMatchObject({ code: 'RepositoryAuthentication' });
    await expect(fixture.fetch('9.0.0', { passCredentials: true }, login)).rejects.toMatchObject({
      code: 'DigestMismatch',
    });
    expect(elsewhere.requests).toEqual(['GET /web-9.0.0.tgz 401', 'GET /web-9.0.0.tgz 200']);
  });

  it.each<[string, string, Partial<SourceLocation>, string, string]>([
    ['a version that is not there', '3.*', {}, 'RevisionNotFound', 'has no version 3.*; there are 1.0.0, 1.2.0'],
    ['a chart that is not there', '*', { chart: 'api' }, 'RevisionNotFound', 'chart api of http://127.0.0.1:'],
    ['no chart repository', '*', { repoURL: 'http://127.0.0.1:9' }, 'RepositoryUnreachable', 'cannot be reached'],
  ])('refuses %s', async (...[, targetRevision, more, code, message]) => {
    await expect(fixture.fetch(targetRevision, more)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('refuses an archive of another digest', async () => {
    fixture.repository.lie('web', { digest: 'a'.repeat(64) });
    await expect(fixture.fetch('1.0.0')).rejects.toMatchObject({ code: 'DigestMismatch' });
  });
});

describe('what is kept unpacked', () => {
  it.each([
    ['the same again, while it fits', 1 << 20, true],
    ['nothing that is larger than all that may be kept', 1_000, false],
  ])('is %s', async (_name, maxSnapshotBytes, same) => {
    await using repository = await startChartRepository();
    await using folder = await tempDir({ memory: true });
    await using charts = createChartSource({ directory: folder.path, timeoutMs: 20_000, maxSnapshotBytes });
    await repository.publish('web', '1.0.0', { 'templates/a.txt': 'x'.repeat(10_000) });
    const location = { repoURL: repository.url, chart: 'web', targetRevision: '1.0.0' };
    const known = { url: repository.url };
    const fetched = { ...(await charts.fetch(location, known, signal)), repository: known };
    const open = async () => await charts.open(location, fetched, signal);
    expect((await open()) === (await open())).toBe(same);
  });
});
