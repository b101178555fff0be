import type { AppProject, AppProjectSpec } from '@wheelhouse/shared/resources/app-project';
import { describe, expect, it } from 'vitest';
import { applicationOf } from '../testing/hub-state.ts';
import {
  defaultProject,
  projectProblems,
  whyKindNotPermitted,
  whyNamespaceNotPermitted,
  whyNotPermitted,
} from './project.ts';

function projectOf(spec: AppProjectSpec): AppProject {
  return { ...defaultProject, metadata: { name: 'team', namespace: 'argocd' }, spec };
}

const application = applicationOf('web', {
  source: { repoURL: 'https://git.example.com/team/web.git', path: '.' },
  spec: { project: 'team', destination: { name: 'eu-1', namespace: 'web' } },
});
const clusters = [{ name: 'eu-1', server: 'https://eu-1.example.com' }];
const anywhere = [{ server: '*', namespace: '*' }];

describe('whyNotPermitted', () => {
  it.each<[string, AppProjectSpec]>([
    ['by wildcards', { sourceRepos: ['*'], destinations: anywhere }],
    [
      'by the URL that the cluster name stands for',
      { sourceRepos: ['*'], destinations: [{ server: 'https://eu-*', namespace: 'web' }] },
    ],
    [
      'by a repository pattern in other case and with .git',
      { sourceRepos: ['https://GIT.example.com/team/*'], destinations: anywhere },
    ],
    ['by the implicit default project', defaultProject.spec],
  ])('permits %s', (_name, spec) => {
    expect(whyNotPermitted({ project: projectOf(spec), application, clusters })).toBeUndefined();
  });

  it('judges a destination by the present name of a cluster, whichever of its names it uses', () => {
    const renamed = [{ name: 'fra-1', server: 'https://eu-1.example.com', formerNames: ['eu-1'] }];
    const verdict = (destinations: NonNullable<AppProjectSpec['destinations']>) =>
      whyNotPermitted({
        project: projectOf({ sourceRepos: ['*'], destinations }),
        application,
        clusters: renamed,
      })?.message;
    expect(verdict([{ name: 'fra-1', namespace: '*' }])).toBeUndefined();
    expect(verdict([...anywhere, { name: '!fra-1', namespace: '*' }])).toContain('cluster "fra-1" is not permitted');
  });

  it.each<[string, AppProjectSpec, string]>([
    ['nothing given', {}, 'repository https://git.example.com/team/web.git is not permitted in project team'],
    [
      'a star that stops at a slash',
      { sourceRepos: ['https://git.example.com/*'], destinations: anywhere },
      'add it to spec.sourceRepos',
    ],
    [
      'a denied repository',
      { sourceRepos: ['*', '!https://git.example.com/team/*'], destinations: anywhere },
      'repository',
    ],
    [
      'another namespace',
      { sourceRepos: ['*'], destinations: [{ server: '*', namespace: 'api' }] },
      'namespace "web" of cluster "eu-1" is not permitted in project team',
    ],
    [
      'a denied cluster',
      { sourceRepos: ['*'], destinations: [...anywhere, { name: '!eu-1', namespace: '*' }] },
      'cluster "eu-1"',
    ],
    [
      "a cluster that is not the project's own",
      { sourceRepos: ['*'], destinations: anywhere, permitOnlyProjectScopedClusters: true },
      'cluster "eu-1"',
    ],
  ])('refuses %s', (_name, spec, message) => {
    expect(whyNotPermitted({ project: projectOf(spec), application, clusters })?.message).toContain(message);
  });
});

describe('whyKindNotPermitted', () => {
  const deployment = { group: 'apps', kind: 'Deployment', name: 'web', namespaced: true };
  const role = { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'x', namespaced: false };
  it.each<[string, AppProjectSpec, typeof deployment, boolean]>([
    ['a namespaced kind without lists', {}, deployment, true],
    ['a namespaced kind with an empty allow list', { namespaceResourceWhitelist: [] }, deployment, false],
    ['a denied kind', { namespaceResourceBlacklist: [{ group: 'app*', kind: '*' }] }, deployment, false],
    ['a kind of the cluster without lists', {}, role, false],
    [
      'a kind of the cluster by name',
      { clusterResourceWhitelist: [{ group: '*', kind: 'ClusterRole', name: 'x' }] },
      role,
      true,
    ],
  ])('%s', (...[, spec, object, permitted]) => {
    expect(whyKindNotPermitted(projectOf(spec), object) === undefined).toBe(permitted);
  });
});

describe('whyNamespaceNotPermitted', () => {
  it.each([
    ['the control namespace', [], 'argocd', true],
    ['a pattern', ['team-*'], 'team-a', true],
    ['an expression', ['/^team-[ab]$/'], 'team-c', false],
    ['an expression that cannot be read', ['/(/'], '(', false],
  ])('%s', (...[, sourceNamespaces, namespace, permitted]) => {
    expect(whyNamespaceNotPermitted(projectOf({ sourceNamespaces }), namespace, 'argocd') === undefined).toBe(
      permitted,
    );
  });
});

describe('projectProblems', () => {
  it.each<[string, AppProjectSpec, string]>([
    ['a repository twice', { sourceRepos: ['a', 'a'] }, 'sourceRepos: "a" stands there twice'],
    [
      'a policy of another role',
      { roles: [{ name: 'dev', policies: ['p, proj:team:ops, applications, get, team/*, allow'] }] },
      'the subject must be proj:team:dev',
    ],
    [
      'a window without targets',
      { syncWindows: [{ kind: 'allow', schedule: '0 9 * * mon-fri', duration: '8h' }] },
      'must name at least one of',
    ],
    [
      'a schedule that cannot be read',
      { syncWindows: [{ kind: 'deny', schedule: '0 25 * * *', duration: '1h', clusters: ['*'] }] },
      'the hour cannot be read',
    ],
  ])('finds %s', (_name, spec, message) => {
    expect(projectProblems(projectOf(spec))).toEqual([expect.stringContaining(message)]);
  });
});
