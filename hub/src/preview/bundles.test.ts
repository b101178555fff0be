import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { expect, it } from 'vitest';
import { factsOf } from '../assign/render-request.ts';
import type { RenderRequest } from '../render/request.ts';
import type { SourceLocation } from '../source/location.ts';
import { createMemorySnapshot } from '../source/memory-snapshot.ts';
import { applicationOf, indexedOf, outcomeOf } from '../testing/hub-state.ts';
import { createBundles } from './bundles.ts';

const signal = new AbortController().signal;
const source = { repoURL: 'https://git.example/team/app.git', targetRevision: 'main', path: '.' };
const elsewhere = { repoURL: 'http://169.254.169.254/latest', targetRevision: '', file: true } as const;

function appOf(name: string, project: string, sourceRepos: string[]) {
  const metadata = { name: project, namespace: 'argocd' };
  const resource: AppProject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata,
    spec: { sourceRepos },
  };
  const application = applicationOf(name, { spec: { project } });
  const request = { key: 'one', facts: factsOf(application) };
  return indexedOf(application, { sources: [source], project: resource, request });
}

/** Bundles of a revision whose render reads a file elsewhere, and what was asked for. */
function createPreviewed() {
  const asked: SourceLocation[] = [];
  const overlay = {
    sha: 'a'.repeat(40),
    baseSha: 'b'.repeat(40),
    replaces: () => false,
    open: async (location: SourceLocation) => {
      asked.push(location);
      return createMemorySnapshot({}, 'a'.repeat(40));
    },
    [Symbol.dispose]: () => undefined,
  };
  const render = async ({ open }: RenderRequest) => {
    await open(elsewhere, signal);
    const record = { requestKey: 'one', digest: 'sha256:one', parts: [], warnings: [] };
    return {
      digest: 'sha256:one',
      bytes: Buffer.alloc(0),
      manifests: [],
      warnings: [],
      rawSecrets: [],
      record,
      sourceTypes: [],
    };
  };
  const stillValid = async (_record: unknown, open: RenderRequest['open']) => {
    await open(elsewhere, signal);
    return true;
  };
  const renderer = { requestKey: async () => 'one', stillValid, render };
  const deps = { derived: { render: outcomeOf }, blobs: { get: async () => Buffer.alloc(0) }, renderer };
  return { asked, bundles: createBundles(overlay, deps, signal) };
}

it('a revision that nobody has merged makes the hub call nothing that the project does not permit', async () => {
  const { asked, bundles } = createPreviewed();
  const refused = bundles.after(appOf('shop', 'team', [source.repoURL]));
  await expect(refused).rejects.toMatchObject({ code: 'NotPermitted' });
  expect(asked).toEqual([source].map(({ repoURL, targetRevision }) => ({ repoURL, targetRevision })));
});

it('what one project does not permit, another may', async () => {
  const { asked, bundles } = createPreviewed();
  const outcomes = await Promise.allSettled([
    bundles.after(appOf('shop', 'team', [source.repoURL])),
    bundles.after(appOf('till', 'admins', ['*'])),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(asked).toContainEqual(elsewhere);
});

it('what was rendered before is looked at for those alone whose project still permits what it read', async () => {
  const { asked, bundles } = createPreviewed();
  expect(await bundles.isSame(appOf('shop', 'team', [source.repoURL]))).toBe(false);
  expect(asked).toEqual([]);
  expect(await bundles.isSame(appOf('till', 'admins', ['*']))).toBe(true);
  expect(asked).toEqual([elsewhere]);
});
