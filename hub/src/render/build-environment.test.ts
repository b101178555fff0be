import { describe, expect, it } from 'vitest';
import { buildEnvironment, readsRevision, substitute, substituteSource } from './build-environment.ts';

const source = { repoURL: 'https://git.example/repo', path: 'apps/web', targetRevision: 'main' };
const facts = { appName: 'web', appNamespace: 'argocd', project: 'default', namespace: 'shop' };
const environment = buildEnvironment(source, facts, 'abcdef0123456789');

describe('substitute', () => {
  it.each([
    ['a name', '$ARGOCD_APP_NAME-x', 'web-x'],
    ['braces', 'a${ARGOCD_APP_NAME}b', 'awebb'],
    ['the destination namespace', '$ARGOCD_APP_NAMESPACE', 'shop'],
    ['short revisions', '$ARGOCD_APP_REVISION_SHORT $ARGOCD_APP_REVISION_SHORT_8', 'abcdef0 abcdef01'],
    ['an unknown name', 'a$UNKNOWN-b', 'a-b'],
    ['an escaped dollar', '$$ARGOCD_APP_NAME', '$ARGOCD_APP_NAME'],
    ['a dollar before nothing', 'cost: 5$', 'cost: 5$'],
    ['a dollar before a slash', '$/x', '$/x'],
    ['a digit is a name of one character', '$10', '0'],
  ])('%s: %s', (_name, text, expected) => {
    expect(substitute(text, environment)).toBe(expected);
  });
});

it("names an Application outside of the control namespace as Argo CD's tracking does", () => {
  expect(buildEnvironment(source, { ...facts, appNamespace: 'team' }).get('ARGOCD_APP_NAME')).toBe('team_web');
});

describe('substituteSource', () => {
  it('reaches the fields that Argo CD substitutes, and no others', () => {
    const name = '$ARGOCD_APP_NAME';
    const result = substituteSource(
      {
        ...source,
        helm: {
          parameters: [{ name: 'a', value: name }],
          fileParameters: [{ name: 'f', path: name }],
          valueFiles: [name, '$values/x.yaml'],
          values: name,
        },
        kustomize: { images: [name], commonLabels: { a: name }, commonAnnotations: { a: name }, namePrefix: name },
      },
      environment,
    );
    expect(result).toMatchObject({
      helm: {
        parameters: [{ value: 'web' }],
        fileParameters: [{ path: 'web' }],
        valueFiles: ['web', '$values/x.yaml'],
        values: name,
      },
      kustomize: { images: ['web'], commonLabels: { a: 'web' }, commonAnnotations: { a: name }, namePrefix: name },
    });
  });

  it('substitutes annotations when told to', () => {
    const kustomize = { commonAnnotations: { a: '$ARGOCD_APP_NAME' }, commonAnnotationsEnvsubst: true };
    expect(substituteSource({ ...source, kustomize }, environment).kustomize?.commonAnnotations).toEqual({ a: 'web' });
  });
});

describe('readsRevision', () => {
  it.each([
    ['a label with the revision', { kustomize: { commonLabels: { a: '${ARGOCD_APP_REVISION_SHORT}' } } }, true],
    ['a label with the name', { kustomize: { commonLabels: { a: '$ARGOCD_APP_NAME' } } }, false],
    ['a directory', { directory: { include: '$ARGOCD_APP_REVISION' } }, false],
    [
      'an annotation that is not substituted',
      { kustomize: { commonAnnotations: { a: '$ARGOCD_APP_REVISION' } } },
      false,
    ],
  ])('%s', (_name, tool, expected) => {
    expect(readsRevision({ ...source, ...tool }, facts)).toBe(expected);
  });
});
