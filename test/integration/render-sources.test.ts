import { join } from 'node:path';
import type { Rendered, RenderRequest } from '@wheelhouse/hub/render/render';
import type { Snapshot } from '@wheelhouse/hub/source/source';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGitRepository, type RepositoryFiles } from '../support/git-repository.ts';
import { tempDir } from '../support/temp-dir.ts';
import { namesOf, type RenderFixture, startRender } from './render-fixture.ts';

const signal = new AbortController().signal;
const facts = { appName: 'web', appNamespace: 'argocd', project: 'default', namespace: 'shop' };
const configMap = (name: string, value = '{{ .Values.from }}') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {from: "${value}"}\n`;
const chart = (name: string) => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`;

const repositories: Record<string, RepositoryFiles> = {
  charts: {
    'web/Chart.yaml': chart('web'),
    'web/values.yaml': 'from: chart\n',
    'web/templates/cm.yaml': configMap('of-chart'),
  },
  values: {
    'envs/prod/values.yaml': 'from: prod\n',
    'envs/prod/more/b.yaml': 'from: globbed\n',
    'plain/cm.yaml': configMap('plain', 'plain'),
    'plain/again.yaml': configMap('of-chart', 'later'),
    'secret.txt': 'from a file',
  },
  bases: {
    'base/kustomization.yaml': 'resources: [cm.yaml, ../deeper]\n',
    'base/cm.yaml': configMap('of-base', 'base'),
    'deeper/kustomization.yaml': 'resources: [cm.yaml]\n',
    'deeper/cm.yaml': configMap('deeper', 'deeper'),
    'component/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n',
    'unrelated.txt': '1',
  },
};

describe('several repositories', () => {
  let stack: AsyncDisposableStack;
  let fixture: RenderFixture;
  let urls: Record<string, string>;
  let commit: (name: string, files: RepositoryFiles) => Promise<void>;
  const open: RenderRequest['open'] = async ({ repoURL, targetRevision }) =>
    await fixture.open(repoURL, targetRevision || 'main');

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const { path } = stack.use(await tempDir({ memory: true }));
    fixture = stack.use(await startRender({}));
    const made = await Promise.all(
      Object.entries(repositories).map(
        async ([name, files]) => [name, await createGitRepository(join(path, `${name}.git`), files)] as const,
      ),
    );
    urls = Object.fromEntries(made.map(([name, { dir }]) => [name, dir]));
    commit = async (name, files) => void (await Object.fromEntries(made)[name]?.commit(files, 'Change'));
  });
  afterAll(async () => await stack.disposeAsync());

  const render = async (...given: (Partial<ApplicationSource> & { of: string })[]): Promise<Rendered> => {
    const sources: { source: ApplicationSource; snapshot: Snapshot }[] = [];
    for (const { of, ...source } of given) {
      const repoURL = urls[of] ?? of;
      sources.push({ source: { repoURL, ...source }, snapshot: await open({ repoURL, targetRevision: '' }, signal) });
    }
    return await fixture.renderer.render({ sources, facts, open }, signal);
  };
  const dataOf = ({ manifests }: Rendered, name: string) =>
    manifests.find(({ metadata }) => metadata.name === name)?.['data'];
  const values = { of: 'values', ref: 'values' };

  it('takes value files and file parameters of another source', async () => {
    const valueFiles = ['$values/envs/prod/values.yaml'];
    const rendered = await render({ of: 'charts', path: 'web', helm: { valueFiles } }, values);
    expect(dataOf(rendered, 'of-chart')).toEqual({ from: 'prod' });
    const globbed = { valueFiles: [...valueFiles, '$values/envs/**/b.yaml'] };
    expect(dataOf(await render({ of: 'charts', path: 'web', helm: globbed }, values), 'of-chart')).toEqual({
      from: 'globbed',
    });
    const fileParameters = [{ name: 'from', path: '$values/secret.txt' }];
    expect(dataOf(await render({ of: 'charts', path: 'web', helm: { fileParameters } }, values), 'of-chart')).toEqual({
      from: 'from a file',
    });
  });

  it('concatenates manifests, the last of a repeated one winning with a warning', async () => {
    const rendered = await render({ of: 'charts', path: 'web' }, { of: 'values', path: 'plain' });
    expect(namesOf(rendered)).toEqual(['ConfigMap/of-chart', 'ConfigMap/plain']);
    expect(dataOf(rendered, 'of-chart')).toEqual({ from: 'later' });
    expect(rendered.warnings).toEqual([expect.stringContaining('RepeatedResourceWarning: ')]);
    expect(rendered.sourceTypes).toEqual(['Helm', 'Directory']);
  });

  it('depends upon what it reads of each repository, and nothing else', async () => {
    const helm = { valueFiles: ['$values/envs/prod/values.yaml'] };
    const { record } = await render({ of: 'charts', path: 'web', helm }, values);
    const valid = async () => await fixture.renderer.stillValid(record, open, signal);
    await commit('values', { 'envs/staging/values.yaml': 'from: staging\n' });
    await commit('charts', { 'api/Chart.yaml': chart('api') });
    expect(await valid()).toBe(true);
    await commit('values', { 'envs/prod/values.yaml': 'from: changed\n' });
    expect(await valid()).toBe(false);
  });

  it('fetches remote bases into the copy, and notices when they change', async () => {
    await using small = await startRender({
      'app/kustomization.yaml': `resources:\n- file://${urls['bases']}//base?ref=main\n- cm.yaml\nnamePrefix: x-\n`,
      'app/cm.yaml': configMap('own', 'own'),
    });
    const rendered = await small.render({ path: 'app' });
    expect(namesOf(rendered).sort()).toEqual(['ConfigMap/x-deeper', 'ConfigMap/x-of-base', 'ConfigMap/x-own']);
    const valid = async () => await small.renderer.stillValid(rendered.record, small.openLocation, signal);
    await commit('bases', { 'unrelated.txt': '2' });
    expect(await valid()).toBe(true);
    await commit('bases', { 'deeper/cm.yaml': configMap('deeper', 'changed') });
    expect(await valid()).toBe(false);
  });

  it('adds a component of another repository', async () => {
    await using small = await startRender({
      'app/kustomization.yaml': 'resources: [cm.yaml]\n',
      'app/cm.yaml': configMap('own', 'own'),
    });
    const components = [`file://${urls['bases']}//component?ref=main`];
    expect(namesOf(await small.render({ path: 'app', kustomize: { components } }))).toEqual(['ConfigMap/c-own']);
  });

  it.each<[string, (Partial<ApplicationSource> & { of: string })[], string, string]>([
    [
      'a value file of a source that is not there',
      [{ of: 'charts', path: 'web', helm: { valueFiles: ['$vals/x.yaml'] } }, values],
      'Invalid',
      'helm.valueFiles: $vals/x.yaml names a source that is not there: give one of spec.sources the ref vals, or use values',
    ],
    [
      'a value file that the other source does not have',
      [{ of: 'charts', path: 'web', helm: { valueFiles: ['$values/x.yaml'] } }, values],
      'PathNotFound',
      'helm.valueFiles: x.yaml does not exist at revision',
    ],
    [
      'a value file that leads out of the other source',
      [{ of: 'charts', path: 'web', helm: { valueFiles: ['$values/../../etc/passwd'] } }, values],
      'PathOutsideRepository',
      '../../etc/passwd leads out of the repository',
    ],
    [
      'a value file by a scheme that is not allowed',
      [{ of: 'charts', path: 'web', helm: { valueFiles: ['ftp://u:p@host/x.yaml'] } }],
      'Invalid',
      'helm.valueFiles: ftp://host/x.yaml: the scheme ftp is not among helm.valuesFileSchemes (https, http)',
    ],
    ['nothing but references', [values], 'Invalid', 'no source gives manifests'],
  ])('refuses %s', async (...[, sources, code, message]) => {
    await expect(render(...sources)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('says which remote base, or path of one, is not there', async () => {
    await using small = await startRender({
      'app/kustomization.yaml': `resources: ["file://${urls['bases']}//gone?ref=main"]\n`,
    });
    await expect(small.render({ path: 'app' })).rejects.toMatchObject({
      code: 'PathNotFound',
      message: expect.stringContaining('//gone?ref=main: path gone does not exist at revision'),
    });
    await small.commit({ 'app/kustomization.yaml': `resources: ["file://${urls['bases']}//base?ref=nope"]\n` });
    await expect(small.render({ path: 'app' })).rejects.toMatchObject({ code: 'RevisionNotFound' });
  });
});
