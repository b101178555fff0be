import { describe, expect, it } from 'vitest';
import { applicationOf, repoURL } from '../testing/hub-state.ts';
import { branchKey, hydrationKey, targetOf, whyNotHydratable } from './hydration-spec.ts';
import { type HydratorFields, hydratorOf } from './testing/hydrated-application.ts';

describe('where manifests are written to', () => {
  const other = 'https://git.example.com/deployments.git';
  it.each<[string, HydratorFields, object]>([
    ['the branch that is deployed', {}, { repoURL, branch: 'environments/east', path: 'shop' }],
    ['a staging branch', { hydrateTo: 'next' }, { branch: 'next', syncBranch: 'environments/east' }],
    ['another repository', { sync: { repoURL: other }, hydrateTo: 'next' }, { repoURL: other, branch: 'next' }],
    ['a path that is written oddly', { sync: { path: './a//b/../shop/' } }, { path: 'a/shop' }],
  ])('%s', (_name, fields, target) => {
    expect(targetOf(hydratorOf(fields))).toMatchObject(target);
  });

  it.each<[string, HydratorFields, RegExp]>([
    ['a folder', { sync: { path: 'apps/shop' } }, /^$/],
    ['the root', { sync: { path: '.' } }, /the root of the repository/],
    ['nothing', { sync: { path: '' } }, /the root of the repository/],
    ['a path that comes to the root', { sync: { path: 'a/..' } }, /the root of the repository/],
    ['a path that leads out', { sync: { path: 'a/../../b' } }, /leads out of the repository/],
    ['a dry path that leads out', { dry: { path: '../b' } }, /drySource\.path: .*leads out/],
    ['what git keeps to itself', { sync: { path: 'a/.GIT/hooks' } }, /holds "\.GIT"/],
    ['what a host acts upon', { sync: { path: '.github/workflows' } }, /holds "\.github"/],
    ['a folder named like a file that is written', { sync: { path: 'a/manifest.yaml' } }, /holds "manifest\.yaml"/],
    ['a line break', { sync: { path: 'a\nb' } }, /holds "a\\nb"/],
    ['a branch with a space', { sync: { targetBranch: 'a b' } }, /syncSource\.targetBranch "a b"/],
    ['an option as a branch', { hydrateTo: '--force' }, /hydrateTo\.targetBranch "--force"/],
    ['a ref as a branch', { hydrateTo: 'refs/heads/x' }, /is not the name of a branch/],
    ['no branch', { sync: { targetBranch: '' } }, /is not the name of a branch/],
    ['a range of refs', { hydrateTo: 'a..b' }, /is not the name of a branch/],
  ])('%s: refused or not', (_name, fields, refused) => {
    const application = applicationOf('shop', { spec: { sourceHydrator: hydratorOf(fields) } });
    expect(whyNotHydratable(application)?.message ?? '').toMatch(refused);
  });
});

describe('what is written together', () => {
  const key = (fields: HydratorFields) => hydrationKey(hydratorOf(fields));
  it.each<[string, HydratorFields, HydratorFields, boolean]>([
    ['another folder', {}, { dry: { path: 'x' }, sync: { path: 'y' } }, true],
    ['the same repository, with and without .git', {}, { dry: { repoURL: repoURL.replace(/\.git$/u, '') } }, true],
    ['another dry revision', {}, { dry: { targetRevision: 'v1' } }, false],
    ['another branch', {}, { sync: { targetBranch: 'environments/west' } }, false],
    ['the same branch by way of hydrateTo', { hydrateTo: 'next' }, { sync: { targetBranch: 'next' } }, true],
  ])('%s', (...[, one, two, isSame]) => {
    expect(key(one) === key(two)).toBe(isSame);
  });

  it('is of one job for each branch, whatever it is made of', () => {
    const branch = { repoURL, branch: 'next' };
    expect(branchKey(branch)).toBe(branchKey({ ...branch, repoURL: `${repoURL}/` }));
    expect(branchKey(branch)).not.toBe(branchKey({ ...branch, branch: 'Next' }));
    expect(branchKey(branch)).not.toContain(':');
  });
});
