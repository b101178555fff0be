import { join } from 'node:path';
import { type ChartSource, createChartSource } from '@wheelhouse/hub/source/charts/chart-source';
import type { SourceLocation } from '@wheelhouse/hub/source/location';
import type { Repository } from '@wheelhouse/hub/source/source';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChartRepository } from '../support/chart-repository.ts';
import { type Registry, startRegistry } from '../support/registry.ts';
import { tempDir } from '../support/temp-dir.ts';
import { namesOf, startRender } from './render-fixture.ts';

const signal = new AbortController().signal;
// ada / secret-word, bcrypt
const htpasswd = 'ada:$2b$12$dlV/aQSqtdzXu/vXME86MOdO87V5NmZZJcenUoT2pFBPzqnY7AkW.\n';
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-{{ .Chart.Version }}"}\n';

describe('an OCI registry', () => {
  const stack = new AsyncDisposableStack();
  let registry: Registry;
  let charts: ChartSource;

  beforeAll(async () => {
    registry = stack.use(await startRegistry());
    const { path } = stack.use(await tempDir({ memory: true }));
    charts = stack.use(createChartSource({ directory: join(path, 'charts'), timeoutMs: 20_000 }));
    const packing = stack.use(await startChartRepository());
    for (const version of ['1.0.0', '1.1.0', '1.1.0+build.1', '2.0.0'])
      registry.push(await packing.publish('web', version, { 'templates/cm.yaml': configMap }), 'team/charts');
  }, 60_000);
  afterAll(async () => await stack.disposeAsync());

  const fetch = async (
    location: Partial<SourceLocation> & { targetRevision: string },
    more: Partial<Repository> = {},
  ) => {
    const full = { repoURL: `${registry.host}/team/charts`, chart: 'web', ...location };
    const repository = { url: full.repoURL, plainHttp: true, ...more };
    const fetched = await charts.fetch(full, repository, signal);
    return { ...fetched, snapshot: await charts.open(full, { ...fetched, repository }, signal) };
  };

  it.each([
    ['1.0.0', '1.0.0'],
    ['^1.0.0', '1.1.0'],
    ['*', '2.0.0'],
    ['1.1.0+build.1', '1.1.0+build.1'],
  ])('has the chart %s as %s', async (targetRevision, expected) => {
    const { revision, snapshot } = await fetch({ targetRevision });
    expect([revision, snapshot.sha]).toEqual([expected, expected]);
    expect((await snapshot.children('')).map(({ name }) => name)).toEqual(['Chart.yaml', 'templates']);
  });

  it('is named by oci:// or enableOCI too', async () => {
    const repoURL = `oci://${registry.host}/team/charts`;
    expect((await fetch({ repoURL, targetRevision: '1.*' })).revision).toBe('1.1.0');
    const http = `http://${registry.host}/team/charts`;
    expect((await fetch({ repoURL: http, targetRevision: '1.*' }, { enableOci: true })).revision).toBe('1.1.0');
  });

  it('has artifacts, whose revision is their digest', async () => {
    const artifact = { repoURL: `oci://${registry.host}/team/charts/web`, chart: '' };
    const { revision, snapshot } = await fetch({ ...artifact, targetRevision: '1.0.0' });
    expect(revision).toMatch(/^sha256:[0-9a-f]{64}$/u);
    expect(await snapshot.entry('Chart.yaml')).toBeDefined();
    expect((await fetch({ ...artifact, targetRevision: revision })).revision).toBe(revision);
    expect((await fetch({ ...artifact, targetRevision: '~1.0.0' })).revision).toBe(revision);
  });

  it('gives a chart that helm renders', async () => {
    await using fixture = await startRender({});
    const source = { repoURL: `${registry.host}/team/charts`, chart: 'web', targetRevision: '1.*' };
    const { snapshot } = await fetch(source);
    const facts = { appName: 'shop', appNamespace: 'argocd', project: 'default', namespace: 'shop' };
    const open = fixture.openLocation;
    const rendered = await fixture.renderer.render({ sources: [{ source, snapshot }], facts, open }, signal);
    expect(namesOf(rendered)).toEqual(['ConfigMap/shop-1.1.0']);
    expect(rendered.record.parts[0]?.location).toEqual(source);
  });

  it('gives a dependency of a chart in Git', async () => {
    const dependencies = `dependencies:\n- {name: web, version: 2.x, repository: "oci://${registry.host}/team/charts"}\n`;
    await using fixture = await startRender({
      'app/Chart.yaml': `apiVersion: v2\nname: app\nversion: 1.0.0\n${dependencies}`,
    });
    expect(namesOf(await fixture.render({ path: 'app' }))).toEqual(['ConfigMap/web-2.0.0']);
  });

  it.each<[string, Partial<SourceLocation> & { targetRevision: string }, string, string]>([
    ['a version that is not there', { targetRevision: '9.*' }, 'RevisionNotFound', 'has no version 9.*; there are'],
    [
      'a chart that is not there',
      { chart: 'api', targetRevision: '1.0.0' },
      'RevisionNotFound',
      'charts/api does not have its tags',
    ],
    ['a name that no registry takes', { chart: 'Web', targetRevision: '1.0.0' }, 'Invalid', 'is no OCI repository'],
    [
      'a host that is not there',
      { repoURL: '127.0.0.1:9/x', targetRevision: '1.0.0' },
      'RepositoryUnreachable',
      'cannot be reached',
    ],
  ])('refuses %s', async (...[, location, code, message]) => {
    await expect(fetch(location)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('logs in, and says when it is refused', async () => {
    await using closed = await startRegistry({ htpasswd });
    await using packing = await startChartRepository();
    const archive = await packing.publish('web', '1.0.0', { 'templates/cm.yaml': configMap });
    closed.push(archive, 'team', { user: 'ada', password: 'secret-word' });
    const location = { repoURL: `${closed.host}/team`, targetRevision: '1.0.0' };
    const login = (password: string) => ({ credentials: { username: 'ada', password } });
    expect((await fetch(location, login('secret-word'))).revision).toBe('1.0.0');
    const refused = { code: 'RepositoryAuthentication', message: expect.not.stringContaining('word') };
    await expect(fetch({ ...location, targetRevision: '1.*' })).rejects.toMatchObject(refused);
    await expect(fetch(location, login('another-word'))).rejects.toMatchObject(refused);
  });
});
