import { expect, it } from 'vitest';
import type { IndexedApplication } from '../assign/applications.ts';
import { factsOf } from '../assign/render-request.ts';
import type { RenderOutcome } from '../store/derived.ts';
import { applicationOf, indexedOf, outcomeOf, repoURL } from '../testing/hub-state.ts';
import { whyNotSettled } from './settled.ts';

const problem = { code: 'Malformed', message: 'line 1 is no YAML' };
const never: RenderOutcome = { requestKey: 'key', kinds: [], warnings: [], problem };

interface Given {
  sha?: string | undefined;
  outcome?: RenderOutcome | undefined;
  pinned?: boolean;
  stillValid?: boolean;
  problem?: IndexedApplication['problem'];
}

async function reasonOf(given: Given): Promise<string | undefined> {
  const { sha = 'c0ffee', pinned = false, stillValid = true } = given;
  const application = applicationOf('shop');
  const location = { repoURL, targetRevision: 'main' };
  const app = indexedOf(application, {
    sources: [location],
    request: { key: 'key', facts: factsOf(application) },
    ...(given.problem ? { problem: given.problem } : {}),
  });
  const deps = {
    derived: { revision: () => (sha ? { ...location, sha } : undefined), render: () => given.outcome },
    open: () => Promise.reject(new Error('nothing is opened')),
    resolveLocation: () => Promise.reject(new Error('nothing is resolved')),
    stillValid: async () => stillValid,
  };
  return await whyNotSettled([{ ...app, pinned }], deps, new AbortController().signal);
}

it.each<[string, Given, string | undefined]>([
  ['what is rendered of the newest commit', { outcome: outcomeOf('key') }, undefined],
  [
    'not what is rendered of an older one',
    { outcome: outcomeOf('key'), stillValid: false },
    'shop is not rendered at the newest revision yet',
  ],
  ['not what was not rendered', {}, 'shop is not rendered yet'],
  ['not what no commit is known of', { sha: '' }, "shop: revision 'main' was not resolved yet"],
  [
    'not what cannot be rendered any more',
    { outcome: outcomeOf('key', 'sha256:one', { problem }) },
    'shop cannot be rendered: line 1 is no YAML',
  ],
  ['what never could be rendered, and runs nothing', { outcome: never }, undefined],
  [
    'not what runs, and whose last good render is not known any more',
    { outcome: never, pinned: true },
    'shop cannot be rendered: line 1 is no YAML',
  ],
  ['what has a problem of its own', { problem }, undefined],
])('settled is %s', async (_what, given, expected) => {
  expect(await reasonOf(given)).toBe(expected);
});

it('looks at nothing that its project does not permit any more, and waits for none of it', async () => {
  const application = applicationOf('shop');
  const location = { repoURL, targetRevision: 'main' };
  const elsewhere = { repoURL: 'https://elsewhere.example/base.git', targetRevision: 'main' };
  const metadata = { name: 'default', namespace: 'argocd' };
  const spec = { sourceRepos: [repoURL] };
  const project = { apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata, spec } as const;
  const request = { key: 'key', facts: factsOf(application) };
  const app = indexedOf(application, { sources: [location], request, project });
  const asked: unknown[] = [];
  const look = async (at: unknown): Promise<never> => {
    asked.push(at);
    throw new Error('it was looked at');
  };
  const deps: Parameters<typeof whyNotSettled>[1] = {
    derived: { revision: () => ({ ...location, sha: 'c0ffee' }), render: () => outcomeOf('key') },
    open: look,
    resolveLocation: look,
    stillValid: async (_record, open, signal) => (await open(elsewhere, signal)) !== undefined,
  };
  expect(await whyNotSettled([{ ...app, pinned: false }], deps, new AbortController().signal)).toBeUndefined();
  expect(asked).toEqual([]);
  const broken = { ...deps, stillValid: async () => await Promise.reject(new Error('broken')) };
  const judging = whyNotSettled([{ ...app, pinned: false }], broken, new AbortController().signal);
  await expect(judging).rejects.toThrow('broken');
});
