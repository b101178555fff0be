import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { beforeEach, describe, expect, it } from 'vitest';
import { applicationOf, createHubState, type HubState, outcomeOf, repoURL } from '../testing/hub-state.ts';
import { isWanted, wantedRevisions } from './wanted.ts';

const by = { by: 'ann' };
const base = { repoURL: 'https://files.example.com/base.yaml', targetRevision: '' };
let state: HubState;

const projectOf = (name: string, sourceRepos: string[]): KubeObject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name, namespace: 'argocd' },
  spec: { sourceRepos, destinations: [{ server: '*', namespace: '*' }] },
});

/** An Application whose last good render read `base` as well. */
async function put(name: string, project: string): Promise<void> {
  await state.specs.put(applicationOf(name, { spec: { project } }), by);
  const key = state.applications.find(name)?.request?.key ?? '';
  const outcome = outcomeOf(key);
  const parts = outcome.record?.parts.map((part) => ({ ...part, inputs: [{ path: '', oid: '1', from: base }] })) ?? [];
  await state.derived.putRender({ ...outcome, ...(outcome.record ? { record: { ...outcome.record, parts } } : {}) });
}

beforeEach(async () => {
  state = await createHubState();
  await state.specs.put(projectOf('team', ['*']), by);
  await state.specs.put(projectOf('other', ['*']), by);
  await state.derived.putRevision({ repoURL, targetRevision: 'main', sha: 'c0ffee' });
  await state.derived.putDiscovery({
    repoURL,
    targetRevision: 'main',
    types: { shop: 'Directory', cart: 'Directory' },
  });
  await put('shop', 'team');
});

describe('what a render read besides its own sources', () => {
  const polled = () => [...wantedRevisions(state).keys()].sort();

  it('is looked at as long as the project permits it', async () => {
    expect([polled(), isWanted(base, state)]).toEqual([[base.repoURL, repoURL], true]);
    await state.specs.put(projectOf('team', [repoURL]), by);
    expect([polled(), isWanted(base, state)]).toEqual([[repoURL], false]);
    await state.specs.put(projectOf('team', [repoURL, 'https://files.example.com/*']), by);
    expect([polled(), isWanted(base, state)]).toEqual([[base.repoURL, repoURL], true]);
  });

  it('is looked at as long as the project of another permits it', async () => {
    await put('cart', 'other');
    await state.specs.put(projectOf('team', [repoURL]), by);
    expect(isWanted(base, state)).toBe(true);
    await state.specs.put(projectOf('other', [repoURL]), by);
    expect(isWanted(base, state)).toBe(false);
  });

  it('is not looked at for an Application whose project is gone', async () => {
    await state.specs.delete('AppProject', 'argocd', 'team');
    expect(polled()).toEqual([]);
  });
});
