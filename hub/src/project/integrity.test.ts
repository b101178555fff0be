import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { describe, expect, it } from 'vitest';
import { integrityOf, whyNoPolicy } from './integrity.ts';

type Policy = NonNullable<AppProject['spec']['sourceIntegrity']>['git']['policies'][number];

const repoURL = 'https://git.example/team/app.git';
const policy = (mode: string, ...repos: string[]): Policy => ({
  repos: repos.map((url) => ({ url })),
  gpg: { mode, keys: ['K'] },
});

function project(spec: Partial<AppProject['spec']>): AppProject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'team', namespace: 'argocd' },
    spec,
  };
}

const withPolicies = (...policies: Policy[]) => project({ sourceIntegrity: { git: { policies } } });

describe('integrityOf', () => {
  it.each<[string, AppProject | undefined, object | undefined]>([
    ['no project', undefined, undefined],
    ['a project without keys', project({ signatureKeys: [] }), undefined],
    ['signatureKeys', project({ signatureKeys: [{ keyID: 'A' }, { keyID: 'B' }] }), { mode: 'head', keys: ['A', 'B'] }],
    ['a policy for the repository', withPolicies(policy('strict', repoURL)), { mode: 'strict', keys: ['K'] }],
    [
      'a glob that crosses folders',
      withPolicies(policy('head', 'https://git.example/*')),
      { mode: 'head', keys: ['K'] },
    ],
    ['a policy for another repository', withPolicies(policy('head', 'https://other.example/*')), undefined],
    ['a policy that takes it out', withPolicies(policy('head', '*', `!${repoURL}`)), undefined],
    ['a policy of mode none', withPolicies(policy('none', '*')), undefined],
  ])('of %s', (_name, given, expected) => {
    expect(integrityOf(given, { repoURL })).toEqual(expected);
    expect(integrityOf(given, { repoURL, chart: 'web' })).toBeUndefined();
  });
});

describe('whyNoPolicy', () => {
  it.each<[string, AppProject, string | undefined]>([
    ['one policy', withPolicies(policy('head', '*')), undefined],
    [
      'two policies for other repositories',
      withPolicies(policy('head', 'https://a/*'), policy('head', 'https://b/*')),
      undefined,
    ],
    [
      'two policies for one repository',
      withPolicies(policy('strict', repoURL), policy('none', '*')),
      'project team has 2 sourceIntegrity policies for https://git.example/team/app.git: let their repos not overlap',
    ],
    [
      'an unknown mode',
      withPolicies(policy('lax', '*')),
      'project team has a sourceIntegrity policy of mode "lax": it is none, head or strict',
    ],
    [
      'both fields',
      project({ signatureKeys: [{ keyID: 'A' }], sourceIntegrity: { git: { policies: [policy('head', '*')] } } }),
      'project team has both signatureKeys and sourceIntegrity: keep one',
    ],
  ])('of %s', (_name, given, expected) => {
    expect(whyNoPolicy(given, [{ repoURL }])).toBe(expected);
  });
});
