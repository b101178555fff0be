import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { afterAll, describe, expect, it } from 'vitest';
import { createMemorySnapshot, type MemoryFiles } from '../source/memory-snapshot.ts';
import { createRenderer, type RenderFacts } from './render.ts';

const repoURL = 'https://git.example/repo';
const facts: RenderFacts = { appName: 'web', appNamespace: 'argocd', project: 'default', namespace: 'shop' };
const signal = new AbortController().signal;
const outcomes: string[] = [];
// No test here runs a tool: a path that does not exist proves it.
const renderer = createRenderer(
  {
    logger: createLogger({ name: 'test', level: 'silent' }),
    metrics: { rendered: ({ outcome }) => void outcomes.push(outcome) },
  },
  {
    tools: {
      kustomize: '/nonexistent/kustomize',
      helm: '/nonexistent/helm',
      versions: { kustomize: '5.8.1', helm: '4.1.4' },
    },
    concurrency: 1,
  },
);
afterAll(async () => await renderer[Symbol.asyncDispose]());

const configMap = (name: string, value = '1') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {v: "${value}"}\n`;
const nothingElse = () => Promise.reject(new Error('nothing else is read'));
const opening = (files: MemoryFiles) => () => Promise.resolve(createMemorySnapshot(files));
const render = async (files: MemoryFiles, source: Partial<ApplicationSource> = {}, change: Partial<RenderFacts> = {}) =>
  await renderer.render(
    {
      sources: [{ source: { repoURL, path: 'apps/x', ...source }, snapshot: createMemorySnapshot(files) }],
      facts: { ...facts, ...change },
      open: nothingElse,
    },
    signal,
  );
const names = async (files: MemoryFiles, source?: Partial<ApplicationSource>) =>
  (await render(files, source)).manifests.map(({ metadata }) => metadata.name);

describe('discovery', () => {
  it.each([
    ['a chart before a kustomization', ['Chart.yaml', 'kustomization.yaml'], {}, 'Helm'],
    ['kustomization.yaml', ['kustomization.yaml'], {}, 'Kustomize'],
    ['kustomization.yml', ['kustomization.yml'], {}, 'Kustomize'],
    ['Kustomization', ['Kustomization'], {}, 'Kustomize'],
    ['plain manifests', ['a.yaml'], {}, 'Directory'],
    ['a chart further down', ['sub/Chart.yaml'], {}, 'Directory'],
    ['what the source says', ['Chart.yaml'], { directory: {} }, 'Directory'],
    ['an empty kustomize block', ['a.yaml'], { kustomize: {} }, 'Kustomize'],
  ])('%s', async (...[, files, source, expected]) => {
    const snapshot = createMemorySnapshot(Object.fromEntries(files.map((file) => [`apps/x/${file}`, ''])));
    expect(await renderer.discover({ repoURL, path: 'apps/x', ...source }, snapshot, { signal })).toBe(expected);
  });
});

describe('a directory', () => {
  const files = {
    'apps/x/b.yaml': configMap('b'),
    'apps/x/a.yml': configMap('a'),
    'apps/x/c.json': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }),
    'apps/x/readme.md': '# not a manifest',
    'apps/x/a/deep.yaml': configMap('deep'),
    'apps/x/d.conf': configMap('conf'),
    'apps/xy/e.yaml': configMap('neighbour'),
  };
  it.each([
    ['without recursion', {}, ['a', 'b', 'c']],
    ['with recursion, folders in their place', { directory: { recurse: true } }, ['deep', 'a', 'b', 'c']],
    ['with include', { directory: { include: '{b,c}.*' } }, ['b', 'c']],
    ['with exclude, which wins', { directory: { include: '*.y*ml', exclude: 'b*' } }, ['a']],
    ['with include that crosses folders', { directory: { recurse: true, include: '*deep*' } }, ['deep']],
    ['without the filter of extensions', { directory: { disableExtensionFilter: true, include: '*.conf' } }, ['conf']],
    ['at the root', { path: '.', directory: { recurse: true, include: 'apps/xy/*' } }, ['neighbour']],
    ['with nothing in it', { directory: { include: 'none' } }, []],
  ])('%s', async (_name, source, expected) => {
    expect(await names(files, source)).toEqual(expected);
  });

  it('follows links inside the repository', async () => {
    const linked = {
      'apps/x/a.yaml': { link: '../../shared/link.yaml' },
      'shared/link.yaml': { link: 'real.yaml' },
      'shared/real.yaml': configMap('real'),
    };
    const { manifests, record } = await render(linked);
    expect(manifests.map(({ metadata }) => metadata.name)).toEqual(['real']);
    expect(record.parts[0]?.inputs.map(({ path }) => path)).toEqual(['apps/x', 'shared/link.yaml', 'shared/real.yaml']);
  });

  it('reads a heavy folder in another thread, with the same result', async () => {
    const many = Array.from({ length: 400 }, (_, index) => configMap(`m-${index}`, 'x'.repeat(1_000)));
    const light = (
      await Promise.all(
        many.map(async (text) => (await render({ 'apps/x/a.yaml': text })).bytes.toString().slice(1, -1)),
      )
    ).join(',');
    const { bytes, manifests } = await render({ 'apps/x/a.yaml': many.join('---\n') });
    expect(bytes.toString()).toBe(`[${light}]`);
    expect(manifests).toHaveLength(400);
    await expect(render({ 'apps/x/a.yaml': `${many.join('---\n')}---\nmetadata: {}\n` })).rejects.toMatchObject({
      code: 'ManifestInvalid',
      message: 'apps/x/a.yaml document 401: has no kind',
    });
  });
});

describe('bad input', () => {
  const huge = Buffer.alloc(20_000_000, 'a');
  const ok = configMap('a');
  it.each<[string, MemoryFiles, Partial<ApplicationSource>, string, string]>([
    ['a path that does not exist', { 'a.yaml': ok }, {}, 'PathNotFound', `path apps/x does not exist at revision `],
    ['a path that is a file', { 'apps/x': ok }, {}, 'PathNotFound', 'path apps/x is not a folder at revision '],
    [
      'a path out of the repository',
      { 'a.yaml': ok },
      { path: 'apps/../../etc' },
      'PathOutsideRepository',
      'spec.source.path: apps/../../etc leads out',
    ],
    ['an absolute path', { 'a.yaml': ok }, { path: '/apps/x' }, 'Invalid', 'spec.source.path /apps/x is absolute'],
    [
      'two tools',
      { 'apps/x/a.yaml': ok },
      { helm: {}, kustomize: {} },
      'Invalid',
      'names several tools (kustomize, helm)',
    ],
    [
      'overrides in Git that are wrong',
      { 'apps/x/a.yaml': ok, 'apps/x/.argocd-source.yaml': 'helm: {valuesfiles: []}' },
      {},
      'UnknownField',
      'apps/x/.argocd-source.yaml: overrides spec.source wrongly at helm',
    ],
    [
      'a malformed pattern',
      { 'apps/x/a.yaml': ok },
      { directory: { include: '{a' } },
      'Invalid',
      'directory.include: pattern {a is malformed',
    ],
    [
      'a link out of the repository',
      { 'apps/x/a.yaml': { link: '../../../etc/passwd' } },
      {},
      'PathOutsideRepository',
      'symbolic link apps/x/a.yaml: ../../../etc/passwd leads out',
    ],
    [
      'an absolute link',
      { 'apps/x/a.yaml': { link: '/etc/passwd' } },
      {},
      'PathOutsideRepository',
      'symbolic link apps/x/a.yaml',
    ],
    [
      'a link that leads nowhere',
      { 'apps/x/a.yaml': { link: 'b.yaml' } },
      {},
      'ManifestInvalid',
      'apps/x/a.yaml: symbolic link to apps/x/b.yaml, which does not exist',
    ],
    [
      'links in a circle',
      { 'apps/x/a.yaml': { link: 'b.yaml' }, 'apps/x/b.yaml': { link: 'a.yaml' } },
      {},
      'ManifestInvalid',
      'does not lead to a file',
    ],
    [
      'a manifest of 20 MB',
      { 'apps/x/a.yaml': ok, 'apps/x/big.yaml': huge },
      {},
      'TooLarge',
      'apps/x/big.yaml (20.0 MB): the manifests of this folder come to 20.0 MB, above the limit of 10.0 MB',
    ],
    [
      'a manifest with no kind',
      { 'apps/x/bad.yaml': `${ok}---\napiVersion: v1\nmetadata: {name: a}\n` },
      {},
      'ManifestInvalid',
      'apps/x/bad.yaml document 2: has no kind',
    ],
    [
      'a raw secret',
      { 'apps/x/s.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {a: eA==}\n' },
      {},
      'RawSecretRefused',
      'apps/x/s.yaml document 1: secret db has its data in Git',
    ],
    ['malformed YAML', { 'apps/x/a.yaml': 'kind: ConfigMap\n a: b\n' }, {}, 'Malformed', 'apps/x/a.yaml: YAML, line 2'],
    [
      'a chart inside of a kustomization',
      { 'apps/x/kustomization.yaml': 'helmCharts: [{name: c}]\n' },
      {},
      'Unsupported',
      'apps/x/kustomization.yaml: helmCharts: Helm inside kustomize is off: add --enable-helm to kustomize.buildOptions',
    ],
    [
      'a base that does not exist',
      { 'apps/x/kustomization.yaml': 'resources: [../base]\n' },
      {},
      'PathNotFound',
      'apps/x/kustomization.yaml: resources: ../base does not exist at revision ',
    ],
    [
      'a base out of the repository',
      { 'apps/x/kustomization.yaml': 'resources: [../../../base]\n' },
      {},
      'PathOutsideRepository',
      'apps/x/kustomization.yaml: resources: ../../../base leads out',
    ],
    [
      'a malformed kustomization',
      { 'apps/x/kustomization.yaml': 'resources: [\n' },
      {},
      'Malformed',
      'apps/x/kustomization.yaml: YAML, line',
    ],
    [
      'another version of kustomize',
      { 'apps/x/kustomization.yaml': '' },
      { kustomize: { version: 'v4.5.7' } },
      'Unsupported',
      'kustomize v4.5.7 is not installed',
    ],
    [
      'a value file out of the repository',
      { 'apps/x/Chart.yaml': 'name: x' },
      { helm: { valueFiles: ['../../../etc/passwd'] } },
      'PathOutsideRepository',
      'helm.valueFiles: ../../../etc/passwd leads out',
    ],
    [
      'a value file that does not exist',
      { 'apps/x/Chart.yaml': 'name: x' },
      { helm: { valueFiles: ['prod.yaml'] } },
      'PathNotFound',
      'helm.valueFiles: apps/x/prod.yaml does not exist',
    ],
    [
      'a pattern of value files without match',
      { 'apps/x/Chart.yaml': 'name: x' },
      { helm: { valueFiles: ['envs/*.yaml'] } },
      'PathNotFound',
      'helm.valueFiles: no file matches apps/x/envs/*.yaml at revision',
    ],
    [
      'a value file by a URL of another scheme',
      { 'apps/x/Chart.yaml': 'name: x' },
      { helm: { valueFiles: ['s3://x.example/v.yaml?key=word'] } },
      'Invalid',
      'helm.valueFiles: s3://x.example/v.yaml?…: the scheme s3 is not among helm.valuesFileSchemes (https, http)',
    ],
    [
      'a value file of another source',
      { 'apps/x/Chart.yaml': 'name: x' },
      { helm: { valueFiles: ['$values/v.yaml'] } },
      'Invalid',
      'helm.valueFiles: $values/v.yaml names a source that is not there: give one of spec.sources the ref values',
    ],
    [
      'helm 2',
      { 'apps/x/Chart.yaml': 'name: x' },
      { helm: { version: 'v2' } },
      'Unsupported',
      'helm v2 is not supported',
    ],
    [
      'a tool that is not there',
      { 'apps/x/kustomization.yaml': 'resources: []\n' },
      {},
      'ToolMissing',
      '/nonexistent/kustomize cannot be run',
    ],
  ])('%s', async (...[, files, source, code, message]) => {
    await expect(render(files, source)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('names the revision and the repository of a path that does not exist', async () => {
    const snapshot = createMemorySnapshot({ 'a.yaml': '' }, 'abc123');
    const sources = [{ source: { repoURL, path: 'apps/x' }, snapshot }];
    await expect(renderer.render({ sources, facts, open: nothingElse }, signal)).rejects.toThrow(
      `path apps/x does not exist at revision abc123 of ${repoURL}`,
    );
  });
});

describe('what a render depends upon', () => {
  const base = { 'apps/x/a.yaml': configMap('a'), 'apps/x/sub/b.yaml': configMap('b'), 'other/c.yaml': configMap('c') };
  const flat = {};
  const deep = { directory: { recurse: true } };
  const some = { directory: { recurse: true, exclude: 'sub/*' } };
  it.each<[string, Partial<ApplicationSource>, MemoryFiles, boolean]>([
    ['an unrelated commit', flat, { 'other/c.yaml': configMap('changed') }, true],
    ['a changed file', flat, { 'apps/x/a.yaml': configMap('changed') }, false],
    ['a new file', flat, { 'apps/x/new.yaml': configMap('new') }, false],
    ['a new file that is not a manifest', flat, { 'apps/x/readme.md': 'x' }, true],
    ['a change further down, without recursion', flat, { 'apps/x/sub/b.yaml': configMap('changed') }, true],
    ['a change further down, with recursion', deep, { 'apps/x/sub/b.yaml': configMap('changed') }, false],
    ['a change of what is excluded', some, { 'apps/x/sub/b.yaml': configMap('changed') }, true],
    ['a kustomization that appears', flat, { 'apps/x/Kustomization': 'resources: []' }, false],
    ['a chart that appears', flat, { 'apps/x/Chart.yaml': 'name: x' }, false],
    ['an override that appears', flat, { 'apps/x/.argocd-source.yaml': 'helm: {}' }, false],
  ])('%s', async (...[, source, change, valid]) => {
    const { record } = await render(base, source);
    expect(await renderer.stillValid(record, opening({ ...base, ...change }), signal)).toBe(valid);
  });

  it('a removed folder', async () => {
    const { record } = await render(base);
    expect(await renderer.stillValid(record, opening({ 'other/c.yaml': '' }), signal)).toBe(false);
  });

  it('another version of the tool', async () => {
    const { record } = await render(base);
    const parts = record.parts.map((part) => ({ ...part, toolVersion: 'directory 0' }));
    expect(await renderer.stillValid({ ...record, parts }, opening(base), signal)).toBe(false);
  });

  it('survives JSON', async () => {
    const { record } = await render(base, some);
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });
});

describe('sharing', () => {
  it('renders once for many Applications, and again only when the content is another', async () => {
    outcomes.length = 0;
    const files = { 'apps/x/a.yaml': configMap('shared') };
    const [first, second] = [
      await render(files),
      await render(files, {}, { appName: 'other', namespace: 'elsewhere' }),
    ];
    await render({ ...files, 'other.yaml': '' }, { targetRevision: 'HEAD' });
    expect(outcomes).toEqual(['rendered', 'cached', 'cached']);
    expect(second.bytes).toBe(first.bytes);
    expect(second.record.requestKey).toBe(first.record.requestKey);
    await render({ 'apps/x/a.yaml': configMap('changed') });
    expect(outcomes.at(-1)).toBe('rendered');
  });

  it('gives the key with the discovered tool', async () => {
    const request = {
      sources: [
        {
          source: { repoURL, path: 'apps/x' },
          snapshot: createMemorySnapshot({ 'apps/x/a.yaml': configMap('k') }),
        },
      ],
      facts,
      open: nothingElse,
    };
    const key = await renderer.requestKey(request, signal);
    expect((await renderer.render(request, signal)).record.requestKey).toBe(key);
    expect(await renderer.requestKey({ ...request, facts: { ...facts, appName: 'other' } }, signal)).toBe(key);
  });
});
