import { describe, expect, it } from 'vitest';
import type { RenderFacts } from './build-environment.ts';
import { renderRequestKey } from './request.ts';

const source = { repoURL: 'https://git.example/repo', path: 'apps/web', targetRevision: 'main' };
const facts: RenderFacts = { appName: 'web', appNamespace: 'argocd', project: 'default', namespace: 'shop' };
const other: RenderFacts = { appName: 'api', appNamespace: 'team', project: 'other', namespace: 'bank' };

describe('renderRequestKey', () => {
  it.each([
    ['a directory', { directory: { recurse: true } }, undefined],
    ['a kustomization', { kustomize: { namespace: 'fixed' } }, undefined],
    ['a discovered directory', {}, 'Directory' as const],
    ['a discovered kustomization', {}, 'Kustomize' as const],
    ['a chart with its release name and namespace given', { helm: { releaseName: 'r', namespace: 'n' } }, undefined],
  ])('%s shares one key between Applications', (_name, tool, type) => {
    const key = renderRequestKey([{ ...source, ...tool }], facts, [type]);
    expect(renderRequestKey([{ ...source, ...tool }], other, [type])).toBe(key);
    expect(key).toMatch(/^[0-9a-f]{64}$/u);
  });

  it.each([
    ['the release name of a chart', { helm: {} }, { appName: 'api' }],
    ['the namespace of a chart', { helm: { releaseName: 'r' } }, { namespace: 'bank' }],
    ['the Kubernetes version of a chart', { helm: { releaseName: 'r' } }, { kubeVersion: '1.33' }],
    ['the API versions of a chart', { helm: { releaseName: 'r' } }, { apiVersions: ['apps/v1'] }],
    ['the name in an image', { kustomize: { images: ['a=$ARGOCD_APP_NAME'] } }, { appName: 'api' }],
    ['what nobody knows yet', {}, { appName: 'api' }],
  ])('%s makes another key', (_name, tool, change) => {
    expect(renderRequestKey([{ ...source, ...tool }], { ...facts, ...change })).not.toBe(
      renderRequestKey([{ ...source, ...tool }], facts),
    );
  });

  it.each([
    ['repository', { repoURL: 'https://git.example/other' }],
    ['path', { path: 'apps/api' }],
    ['revision', { targetRevision: 'v1' }],
    ['option', { directory: { recurse: true } }],
  ])('another %s makes another key', (_name, change) => {
    const base = { ...source, directory: {} };
    expect(renderRequestKey([{ ...base, ...change }], facts)).not.toBe(renderRequestKey([base], facts));
  });

  it('does not depend on the order of fields', () => {
    const { repoURL, path, targetRevision } = source;
    expect(renderRequestKey([{ targetRevision, path, repoURL }], facts)).toBe(renderRequestKey([source], facts));
  });
});
