import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { expect, it } from 'vitest';
import { factsOf } from '../assign/render-request.ts';
import type { OpenLocation } from '../render/render.ts';
import { createMemorySnapshot } from '../source/memory-snapshot.ts';
import { indexedOf, outcomeOf, repoURL } from '../testing/hub-state.ts';
import { describeHydration } from './describe-hydration.ts';
import { gather } from './gather.ts';
import type { HydratedIndexed } from './group.ts';
import { hydratedApplication } from './testing/hydrated-application.ts';

const { signal } = new AbortController();
const elsewhere = { repoURL: 'https://elsewhere.example/base.git', targetRevision: 'main' };

function hydratedBy(sourceRepos: string[]): HydratedIndexed {
  const application = hydratedApplication('shop');
  const metadata = { name: 'default', namespace: 'argocd' };
  const project: AppProject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata,
    spec: { sourceRepos },
  };
  const app = indexedOf(application, { project });
  const hydration = describeHydration(app, () => ({ key: 'key', facts: factsOf(application) }));
  if (!hydration) throw new Error('it has no hydrator');
  return { ...app, hydration };
}

it.each<[string, string[], object, number]>([
  ['is looked at again', ['*'], { type: 'bundle' }, 1],
  [
    'is not looked at where the project does not permit it',
    [repoURL],
    { type: 'failed', error: { code: 'NotPermitted' } },
    0,
  ],
])('what a render read elsewhere %s', async (...[, sourceRepos, expected, looks]) => {
  const asked: unknown[] = [];
  const open: OpenLocation = async (location) => {
    asked.push(location);
    return createMemorySnapshot({}, 'c'.repeat(40));
  };
  const renderer = {
    stillValid: async (_record: unknown, opening: OpenLocation) => (await opening(elsewhere, signal)).sha !== '',
  };
  const deps = { derived: { render: () => outcomeOf('key') }, renderer, render: async () => undefined };
  const found = await gather(hydratedBy(sourceRepos), { ...deps, open, traceparent: undefined }, signal);
  expect(found).toMatchObject(expected);
  expect(asked).toHaveLength(looks);
});
