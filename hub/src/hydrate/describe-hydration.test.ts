import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { beforeEach, describe, expect, it } from 'vitest';
import { defaultProject } from '../project/project.ts';
import { wantedRevisions } from '../source/wanted.ts';
import { applicationOf, createHubState, evaluationOf, type HubState, repoURL } from '../testing/hub-state.ts';
import { hydratedApplication } from './testing/hydrated-application.ts';

const by = { by: 'ann' };
const main = { repoURL, targetRevision: 'main' };
const branch = { repoURL, targetRevision: 'environments/east' };
const otherURL = 'https://git.example.com/deployments.git';
let state: HubState;

beforeEach(async () => {
  state = await createHubState();
  await state.derived.putDiscovery({ ...main, types: { shop: 'Kustomize' } });
  await state.derived.putDiscovery({ ...branch, types: { shop: 'Directory' } });
});

const find = () => state.applications.find('shop');

function partsOf() {
  const app = find();
  if (!app?.hydration || !app.request) throw new Error('it is not hydrated');
  const { dry, branchKey } = app.hydration;
  return { app, dry, keys: { dry: dry.request?.key ?? '', deployed: app.request.key, branch: branchKey } };
}

describe('an Application with a source hydrator', () => {
  it('is deployed from its sync source, and rendered from its dry source to be written there', async () => {
    await state.specs.put(hydratedApplication('shop'), by);
    expect(find()?.sources).toEqual([{ ...branch, path: 'shop' }]);
    expect(find()?.hydration).toMatchObject({
      target: { repoURL, branch: 'environments/east', path: 'shop' },
      dry: { id: 'shop', sources: [{ ...main, path: 'shop' }] },
    });
    const keys = [find()?.request?.key, find()?.hydration?.dry.request?.key];
    expect(new Set(keys).size).toBe(2);
    expect(keys).not.toContain(undefined);
  });

  it('is found by both of its sources, each as the part that names it, and by its branch', async () => {
    await state.specs.put(hydratedApplication('shop'), by);
    const { app, dry, keys } = partsOf();
    expect(state.applications.bySource(main)).toEqual([dry]);
    expect(state.applications.bySource(branch)).toEqual([app]);
    expect(state.applications.byRequest(keys.dry)).toEqual([dry]);
    expect(state.applications.byRequest(keys.deployed)).toEqual([app]);
    expect(state.applications.byBranch(keys.branch)).toEqual([app]);
    expect(state.applications.byCluster('east')).toEqual([app]);
    expect([...wantedRevisions(state)]).toEqual([[repoURL, expect.arrayContaining([main, branch])]]);
  });

  it('leaves every index when it goes', async () => {
    await state.specs.put(hydratedApplication('shop'), by);
    const key = find()?.hydration?.branchKey ?? '';
    await state.specs.delete('Application', 'argocd', 'shop');
    expect([state.applications.bySource(main), state.applications.byBranch(key)]).toEqual([[], []]);
    expect([...wantedRevisions(state)]).toEqual([]);
  });

  it('wins over other sources, and comes from an ApplicationSet as well', async () => {
    const { spec } = hydratedApplication('shop');
    const generated = applicationOf('shop', { spec: { ...spec, sources: [{ repoURL: otherURL, path: 'x' }] } });
    await state.derived.putEvaluation(evaluationOf([generated]));
    expect(find()?.sources).toEqual([{ ...branch, path: 'shop' }]);
    expect(find()?.hydration?.dry.origin).toMatchObject({ type: 'generated' });
  });

  it('has another request when it is discovered what its dry source is', async () => {
    await state.specs.put(hydratedApplication('shop'), by);
    const before = find()?.hydration?.dry.request?.key;
    await state.derived.putDiscovery({ ...main, types: { shop: 'Helm' } });
    expect(find()?.hydration?.dry.request?.key).not.toBe(before);
  });
});

describe('what is not permitted is not written', () => {
  const projectOf = (...sourceRepos: string[]): AppProject => ({
    ...defaultProject,
    metadata: { name: 'team', namespace: 'argocd' },
    spec: { ...defaultProject.spec, sourceRepos },
  });

  it.each<[string, string[], RegExp]>([
    ['both repositories', [repoURL, otherURL], /^$/u],
    ['the dry one alone', [repoURL], /deployments\.git is not permitted/u],
    ['the one that is written alone', [otherURL], /shop\.git is not permitted/u],
  ])('a project that permits %s', async (_name, sourceRepos, refused) => {
    await state.specs.put(projectOf(...sourceRepos), by);
    const sync = { repoURL: otherURL };
    await state.specs.put(hydratedApplication('shop', { sync }, { spec: { project: 'team' } }), by);
    expect(find()?.problem?.message ?? '').toMatch(refused);
    expect(find()?.hydration === undefined).toBe(find()?.problem !== undefined);
  });

  it.each<[string, Parameters<typeof hydratedApplication>[1], RegExp]>([
    ['the root', { sync: { path: '.' } }, /application shop: spec\.sourceHydrator\.syncSource\.path is the root/u],
    ['two tools', { dry: { helm: {}, kustomize: {} } }, /names several tools \(kustomize, helm\)/u],
  ])('%s', async (_name, hydrator, reason) => {
    await state.specs.put(hydratedApplication('shop', hydrator), by);
    expect(find()).toMatchObject({ problem: { code: 'Invalid', message: expect.stringMatching(reason) as string } });
    expect(find()?.hydration).toBeUndefined();
  });
});
