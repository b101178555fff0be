import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { beforeEach, describe, expect, it } from 'vitest';
import { applicationOf, createHubState, type HubState } from '../testing/hub-state.ts';
import { createGlobalProjects } from './global-projects.ts';

let state: HubState;
const by = { by: 'test' };
const openly = { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] };

beforeEach(async () => {
  state = await createHubState();
});

function projectOf(name: string, spec: AppProject['spec'], labels: Record<string, string> = {}): AppProject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace: 'argocd', labels },
    spec,
  };
}

async function settings(globalProjects: string): Promise<void> {
  const metadata = { name: 'argocd-cm', namespace: 'argocd' };
  await state.specs.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { globalProjects } }, by);
}

const ofTeam = '- {projectName: all, labelSelector: {matchExpressions: [{key: team, operator: Exists}]}}\n';
const team = { team: 'shop' };

describe('a project', () => {
  it('has the lists of the global projects that select it, besides its own, and no other field', async () => {
    await settings(ofTeam);
    await state.specs.put(
      projectOf('all', {
        sourceRepos: ['https://shared'],
        namespaceResourceBlacklist: [{ group: '', kind: 'ResourceQuota' }],
        namespaceResourceWhitelist: [],
        description: 'for all',
        permitOnlyProjectScopedClusters: true,
      }),
      by,
    );
    const own = projectOf('shop', { ...openly, sourceRepos: ['https://own'] }, team);
    const { project } = createGlobalProjects(state.specs).inherit(own);
    expect(project).toEqual({
      ...own,
      spec: {
        ...own.spec,
        sourceRepos: ['https://own', 'https://shared'],
        namespaceResourceBlacklist: [{ group: '', kind: 'ResourceQuota' }],
      },
    });
  });

  it('stays what it is when no global project selects it, or there are none', async () => {
    const projects = createGlobalProjects(state.specs);
    const own = projectOf('shop', openly);
    expect(projects.inherit(own)).toEqual({ project: own });
    await settings(ofTeam);
    expect(projects.inherit(own).project).toBe(own);
  });

  it('is the same object until it, a global project or the settings change', async () => {
    const projects = createGlobalProjects(state.specs);
    const own = projectOf('shop', openly, team);
    await settings(ofTeam);
    await state.specs.put(projectOf('all', { sourceRepos: ['https://one'] }), by);
    const first = projects.inherit(own).project;
    expect(projects.inherit(own).project).toBe(first);
    await state.specs.put(projectOf('all', { sourceRepos: ['https://two'] }), by);
    expect(projects.inherit(own).project.spec.sourceRepos).toEqual(['*', 'https://two']);
    await settings('');
    expect(projects.inherit(own).project).toBe(own);
  });

  it.each([
    ['a global project that does not exist', ofTeam, 'global project all, which does not exist'],
    ['settings that are no list', 'projectName: all', 'globalProjects of ConfigMap argocd-cm cannot be read'],
    ['an unknown field', '- {projectName: all, selector: {}}', 'Unrecognized key'],
    [
      'an operator that there is not',
      '- {projectName: all, labelSelector: {matchExpressions: [{key: a, operator: Is}]}}',
      '"Is" is not a selector operator',
    ],
  ])('permits nothing with %s', async (_what, text, message) => {
    await settings(text);
    expect(createGlobalProjects(state.specs).inherit(projectOf('shop', openly, team)).problem?.message).toContain(
      message,
    );
  });
});

describe('Applications', () => {
  const problem = () => state.applications.find('web')?.problem;

  it('are judged anew when the settings or a global project change', async () => {
    await state.specs.put(projectOf('shop', { destinations: openly.destinations }, team), by);
    await state.specs.put(applicationOf('web', { spec: { project: 'shop' } }), by);
    expect(problem()?.message).toContain('is not permitted in project shop');
    await settings(ofTeam);
    expect(problem()).toMatchObject({
      code: 'NotPermitted',
      message: expect.stringContaining('does not exist') as string,
    });
    await state.specs.put(projectOf('all', { sourceRepos: ['*'] }), by);
    expect(problem()).toBeUndefined();
    await state.specs.put(projectOf('all', { sourceRepos: ['https://elsewhere'] }), by);
    expect(problem()?.message).toContain('is not permitted in project shop');
  });
});
