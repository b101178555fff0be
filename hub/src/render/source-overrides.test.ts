import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { describe, expect, it } from 'vitest';
import { createMemorySnapshot, type MemoryFiles } from '../source/memory-snapshot.ts';
import { applyOverrides, findOverrides, overridesIn } from './source-overrides.ts';

const source: ApplicationSource = {
  repoURL: 'https://git.example/repo',
  path: 'app',
  targetRevision: 'main',
  kustomize: { images: ['a:1'], namePrefix: 'p-' },
};
const override = async (files: MemoryFiles, application?: string) => {
  const snapshot = createMemorySnapshot({ 'app/kustomization.yaml': '', ...files });
  const children = await snapshot.children('app');
  return await applyOverrides(source, { snapshot, files: findOverrides(children, application) });
};

describe('applyOverrides', () => {
  it.each<[string, MemoryFiles, string | undefined, Partial<ApplicationSource>]>([
    ['nothing', {}, 'web', {}],
    [
      'for everybody',
      { 'app/.argocd-source.yaml': 'kustomize: {images: ["a:2"]}' },
      undefined,
      { kustomize: { images: ['a:2'], namePrefix: 'p-' } },
    ],
    [
      'for one, after that for everybody',
      {
        'app/.argocd-source.yaml': 'kustomize: {images: ["a:2"], nameSuffix: "-s"}',
        'app/.argocd-source-web.yaml': 'kustomize: {images: ["a:3"], namePrefix: null}',
      },
      'web',
      { kustomize: { images: ['a:3'], nameSuffix: '-s' } },
    ],
    ['for another', { 'app/.argocd-source-api.yaml': 'kustomize: {images: ["a:3"]}' }, 'web', {}],
    ['where the source is', { 'app/.argocd-source.yaml': '{path: other, repoURL: x, targetRevision: dev}' }, 'web', {}],
    ['an empty file', { 'app/.argocd-source.yaml': '' }, 'web', {}],
  ])('%s', async (...[, files, application, change]) => {
    expect(await override(files, application)).toEqual({ ...source, ...change });
  });

  it.each([
    ['[1]', 'Malformed', 'app/.argocd-source.yaml is not an object'],
    ['a: [', 'Malformed', 'app/.argocd-source.yaml: '],
    ['kustomize: {imagez: [a]}', 'UnknownField', 'app/.argocd-source.yaml: overrides spec.source wrongly at kustomize'],
    ['kustomize: {images: 1}', 'Invalid', 'app/.argocd-source.yaml: overrides spec.source wrongly at kustomize.images'],
  ])('refuses %s', async (text, code, message) => {
    await expect(override({ 'app/.argocd-source.yaml': text })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});

it('names who overrides', async () => {
  const files = { 'a/.argocd-source.yaml': '', 'a/.argocd-source-team_web.yaml': '', 'a/.argocd-source-x.yml': '' };
  expect(overridesIn(await createMemorySnapshot(files).children('a'))).toEqual(['team_web', '']);
});
