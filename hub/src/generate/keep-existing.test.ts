import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSetSpec } from '@wheelhouse/shared/resources/application-set';
import { describe, expect, it } from 'vitest';
import { compileKeepExisting } from './keep-existing.ts';

function application(metadata: Partial<Application['metadata']>, source: object = {}): Application {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'a', namespace: 'argocd', ...metadata },
    spec: { project: 'default', destination: { name: 'c' }, source: { repoURL: 'r', targetRevision: 'v2', ...source } },
  };
}

function keep(spec: Partial<ApplicationSetSpec>, fresh: Application, existing: Application) {
  return compileKeepExisting({
    spec: { generators: [], template: { metadata: {}, spec: {} }, ...spec },
  }).keep(fresh, existing);
}

describe('preservedFields', () => {
  it('keeps named labels and annotations of the Application that exists, and no others', () => {
    const existing = application({ labels: { owner: 'ann', other: 'x' }, annotations: { note: 'n', gone: 'g' } });
    const fresh = application({ labels: { tier: 'prod' } });
    const kept = keep({ preservedFields: { labels: ['owner'], annotations: ['note'] } }, fresh, existing);
    expect(kept.metadata.labels).toEqual({ tier: 'prod', owner: 'ann' });
    expect(kept.metadata.annotations).toEqual({ note: 'n' });
  });

  it('always keeps what says that something is under way', () => {
    const existing = application({ annotations: { 'argocd.argoproj.io/refresh': 'hard' } });
    expect(keep({}, application({}), existing).metadata.annotations).toEqual({ 'argocd.argoproj.io/refresh': 'hard' });
  });

  it('gives the generated object itself when there is nothing to keep', () => {
    const fresh = application({});
    expect(keep({ preservedFields: { labels: ['owner'] } }, fresh, application({}))).toBe(fresh);
  });
});

describe('ignoreApplicationDifferences', () => {
  const pointers = [{ jsonPointers: ['/spec/source/targetRevision'] }];

  it('leaves an ignored field as it is, and brings every other change', () => {
    const existing = application({}, { targetRevision: 'v1', path: 'old' });
    const fresh = application({ labels: { a: 'b' } }, { path: 'new' });
    const kept = keep({ ignoreApplicationDifferences: pointers }, fresh, existing);
    expect(kept.spec.source).toMatchObject({ targetRevision: 'v1', path: 'new' });
    expect(kept.metadata.labels).toEqual({ a: 'b' });
  });

  it('takes away what the set has no more', () => {
    const existing = application({ labels: { a: 'b' } }, { targetRevision: 'v1', path: 'old' });
    const kept = keep({ ignoreApplicationDifferences: pointers }, application({}), existing);
    expect(kept.metadata.labels).toBeUndefined();
    expect(kept.spec.source).toEqual({ repoURL: 'r', targetRevision: 'v1' });
  });

  it('counts for the Application that it names', () => {
    const rules = [{ name: 'b', ...pointers[0] }];
    const kept = keep(
      { ignoreApplicationDifferences: rules },
      application({}),
      application({}, { targetRevision: 'v1' }),
    );
    expect(kept.spec.source?.targetRevision).toBe('v2');
  });

  it('replaces a list that differs elsewhere as a whole, as a JSON merge patch does', () => {
    const rules = [{ jqPathExpressions: ['.spec.source.helm.parameters[] | select(.name == "tag") | .value'] }];
    const of = (tag: string, replicas: string) => ({
      helm: {
        parameters: [
          { name: 'tag', value: tag },
          { name: 'replicas', value: replicas },
        ],
      },
    });
    const same = keep(
      { ignoreApplicationDifferences: rules },
      application({}, of('2', '1')),
      application({}, of('1', '1')),
    );
    expect(same.spec.source).toMatchObject(of('1', '1'));
    const other = keep(
      { ignoreApplicationDifferences: rules },
      application({}, of('2', '9')),
      application({}, of('1', '1')),
    );
    expect(other.spec.source).toMatchObject({
      helm: { parameters: [{ name: 'tag' }, { name: 'replicas', value: '9' }] },
    });
  });

  it('says which expression it does not understand', () => {
    const { warnings } = compileKeepExisting({
      spec: { ignoreApplicationDifferences: [{ jqPathExpressions: ['to_entries'] }] } as ApplicationSetSpec,
    });
    expect(warnings).toEqual([
      'spec.ignoreApplicationDifferences[0]: jqPathExpression to_entries is not understood and has no effect',
    ]);
  });
});
