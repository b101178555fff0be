import { readFile } from 'node:fs/promises';
import { defaultRenderSettings } from '@wheelhouse/hub/render/settings';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChartRepository, startChartRepository } from '../support/chart-repository.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { namesOf, startRender } from './render-fixture.ts';

const signal = new AbortController().signal;
const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: b}\n`;
let charts: ChartRepository;

beforeAll(async () => {
  charts = await startChartRepository();
  for (const version of ['1.0.0', '1.1.0', '2.0.0'])
    await charts.publish('library', version, {
      'values.yaml': '',
      'templates/cm.yaml': configMap(`of-library-${version[0]}.${version[2]}`),
    });
});
afterAll(async () => await charts[Symbol.asyncDispose]());

const chart = (name: string, dependencies = '') => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${dependencies}`;
const needs = (name: string, version: string, repository: string) =>
  `dependencies:\n- {name: ${name}, version: "${version}", repository: "${repository}"}\n`;

describe('dependencies of a chart in Git', () => {
  it('are downloaded by the hub, the newest that the range takes', async () => {
    await using app = await startRender({ 'app/Chart.yaml': chart('app', needs('library', '^1.0.0', charts.url)) });
    const rendered = await app.render({ path: 'app' });
    expect(namesOf(rendered)).toEqual(['ConfigMap/of-library-1.1']);
    const location = { repoURL: charts.url, chart: 'library', targetRevision: '^1.0.0' };
    expect(rendered.record.parts[0]?.inputs).toContainEqual(expect.objectContaining({ path: '', from: location }));
    expect(await app.renderer.stillValid(rendered.record, app.openLocation, signal)).toBe(true);
    await charts.publish('library', '1.2.0', { 'templates/cm.yaml': configMap('newer') });
    expect(await app.renderer.stillValid(rendered.record, app.openLocation, signal)).toBe(false);
  });

  it('are those of the lock file, where there is one', async () => {
    const lock = `${needs('library', '1.0.0', charts.url)}digest: sha256:0\ngenerated: "2026-01-01T00:00:00Z"\n`;
    await using app = await startRender({
      'app/Chart.yaml': chart('app', needs('library', '^1.0.0', charts.url)),
      'app/Chart.lock': lock,
    });
    expect(namesOf(await app.render({ path: 'app' }))).toEqual(['ConfigMap/of-library-1.0']);
    await app.commit({ 'app/Chart.yaml': chart('app', needs('library', '^2.0.0', charts.url)) });
    await expect(app.render({ path: 'app' })).rejects.toMatchObject({
      code: 'Invalid',
      message:
        'app/Chart.yaml: Chart.lock has library 1.0.0, which is not ^2.0.0: run helm dependency update and commit Chart.lock',
    });
  });

  it('may lie in the repository and have their own', async () => {
    await using app = await startRender({
      'app/Chart.yaml': chart('app', needs('near', '*', 'file://../near')),
      'near/Chart.yaml': chart('near', needs('library', '2.0.0', charts.url)),
      'near/templates/cm.yaml': configMap('near'),
    });
    expect(namesOf(await app.render({ path: 'app' })).sort()).toEqual(['ConfigMap/near', 'ConfigMap/of-library-2.0']);
  });

  it.each([
    ['a version that is not there', 'library', '^9', 'chart library of http://127.0.0.1:'],
    ['a name that is no folder', '../x', '1', 'app/Chart.yaml: a dependency has no name, or one that is no name'],
  ])('refuse %s', async (...[, name, version, message]) => {
    await using app = await startRender({ 'app/Chart.yaml': chart('app', needs(name, version, charts.url)) });
    await expect(app.render({ path: 'app' })).rejects.toThrow(message);
  });
});

describe('values.schema.json', () => {
  const schema = 'values.schema.json';
  const here = { 'app/Chart.yaml': chart('app'), 'app/templates/cm.yaml': configMap('app') };
  const known = JSON.stringify({ properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } });
  /** A file that is there and one that is not: helm would tell them apart. */
  const foreign = ['file:///etc/hostname', '/etc/nothing-like-it'].map(($ref) => JSON.stringify({ $ref }));

  it('is heeded, with what it refers to in itself', async () => {
    await using app = await startRender({ ...here, [`app/${schema}`]: known });
    expect(namesOf(await app.render({ path: 'app' }))).toEqual(['ConfigMap/app']);
    const wrong = app.render({ path: 'app', helm: { valuesObject: { a: 1 } } });
    await expect(wrong).rejects.toThrow(/got number, want string/u);
  });

  it.each(foreign)('is refused with a reference to a file: %s', async (content) => {
    await using app = await startRender({ ...here, [`app/${schema}`]: content });
    await expect(app.render({ path: 'app' })).rejects.toMatchObject({
      code: 'PathOutsideRepository',
      message: `app/${schema} has a $ref to ${JSON.stringify((JSON.parse(content) as { $ref: string }).$ref)}, which is not part of it: put that below "$defs" and refer to "#/$defs/NAME"`,
    });
    const unchecked = await app.render({ path: 'app', helm: { skipSchemaValidation: true } });
    expect(namesOf(unchecked)).toEqual(['ConfigMap/app']);
  });

  it('is refused in dependencies: in charts/, packed, linked, of a repository, and packed there', async () => {
    const [content = ''] = foreign;
    await charts.publish('inner', '1.0.0', { [schema]: content });
    const packed = await readFile(await charts.publish('outer', '1.0.0', { [schema]: content }));
    await charts.publish('carrier', '1.0.0', {
      'charts/inner/Chart.yaml': chart('inner'),
      [`charts/inner/${schema}`]: content,
    });
    const cases: [RepositoryFiles, RegExp][] = [
      [
        { 'app/charts/sub/Chart.yaml': chart('sub'), [`app/charts/sub/${schema}`]: content },
        /^app\/charts\/sub\/values/u,
      ],
      [{ 'app/charts/any.tgz': packed }, /^app\/charts\/any\.tgz\/outer\/values\.schema\.json has a \$ref/u],
      [{ [`app/${schema}`]: { symlink: '../other.json' }, 'other.json': content }, /^app\/values\.schema\.json has/u],
      [{ 'app/Chart.yaml': chart('app', needs('inner', '1.0.0', charts.url)) }, /^inner\/values\.schema\.json has/u],
      [{ 'app/Chart.yaml': chart('app', needs('carrier', '1.0.0', charts.url)) }, /^carrier\/charts\/.*inner.*values/u],
    ];
    for (const [files, message] of cases) {
      await using app = await startRender({ ...here, ...files });
      const refused = { code: 'PathOutsideRepository', message: expect.stringMatching(message) as string };
      await expect(app.render({ path: 'app' })).rejects.toMatchObject(refused);
    }
  });
});

describe('kustomize.buildOptions', () => {
  const options = (...kustomizeBuildOptions: string[]) => ({
    settings: () => ({ ...defaultRenderSettings, kustomizeBuildOptions }),
  });

  it("may lift load restrictions, within the repository and not for the hub's own files", async () => {
    const generator = (file: string) => `configMapGenerator:\n- {name: x, files: ["${file}"]}\n`;
    const lifted = options('--load-restrictor', 'LoadRestrictionsNone');
    await using app = await startRender(
      { 'app/kustomization.yaml': generator('../shared/a.txt'), 'shared/a.txt': 'shared' },
      lifted,
    );
    expect((await app.render({ path: 'app' })).manifests[0]).toMatchObject({ data: { 'a.txt': 'shared' } });
    for (const file of ['/etc/hostname', '../../../../../../../../etc/hostname']) {
      await app.commit({ 'app/kustomization.yaml': generator(file) });
      await expect(app.render({ path: 'app' })).rejects.toThrow(/no such file or directory/u);
    }
  });

  it.each(['--enable-exec', '--enable-alpha-plugins', '--output=/tmp', '--network'])('may not be %s', async (flag) => {
    await using app = await startRender({ 'app/kustomization.yaml': '' }, options(flag));
    await expect(app.render({ path: 'app' })).rejects.toMatchObject({
      code: 'Unsupported',
      message: expect.stringContaining(`kustomize.buildOptions in argocd-cm: ${flag.split('=')[0]}`),
    });
  });
});

describe('Helm inside kustomize', () => {
  const kustomization = () =>
    `helmCharts:\n- {name: library, version: 2.0.0, repo: "${charts.url}", releaseName: x}\nnamePrefix: k-\n`;

  it('is off unless the hub is told', async () => {
    await using app = await startRender({ 'app/kustomization.yaml': kustomization() });
    await expect(app.render({ path: 'app' })).rejects.toMatchObject({
      code: 'Unsupported',
      message: expect.stringContaining('add --enable-helm to kustomize.buildOptions in argocd-cm'),
    });
  });

  it('takes the chart that the hub downloaded', async () => {
    const settings = () => ({ ...defaultRenderSettings, kustomizeBuildOptions: ['--enable-helm'] });
    await using app = await startRender({ 'app/kustomization.yaml': kustomization() }, { settings });
    const rendered = await app.render({ path: 'app' });
    expect(namesOf(rendered)).toEqual(['ConfigMap/k-of-library-2.0']);
    expect(rendered.record.parts[0]?.toolVersion).toContain('--enable-helm');
  });
});
