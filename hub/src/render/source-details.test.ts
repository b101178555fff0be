import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import { describe, expect, it } from 'vitest';
import { hydratedApplication } from '../hydrate/testing/hydrated-application.ts';
import { createMemorySnapshot } from '../source/memory-snapshot.ts';
import { applicationOf, createHubState, repoURL } from '../testing/hub-state.ts';
import { createSourceDetails } from './source-details.ts';

const signal = new AbortController().signal;
const key = { namespace: 'argocd', name: 'shop' };
const source = { repoURL, path: 'shop', targetRevision: 'main' };

interface World {
  unknown?: boolean;
  project?: AppProject['spec'];
  application?: Application;
}

/** Details of Application `shop`, whose commit is known unless `unknown`; what the renderer was asked is told. */
async function start({ unknown = false, project = {}, application = applicationOf('shop') }: World = {}) {
  const state = await createHubState();
  const metadata = { name: 'default', namespace: 'argocd' };
  const everything = { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] };
  const spec = { ...everything, ...project };
  await state.specs.put({ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata, spec }, { by: 'ann' });
  await state.specs.put(application, { by: 'ann' });
  if (!unknown) await state.derived.putRevision({ repoURL, targetRevision: 'main', sha: 'c0ffee' });
  const asked: string[] = [];
  const snapshot = { ...createMemorySnapshot({ 'shop/a.txt': '' }), [Symbol.dispose]: () => void asked.push('closed') };
  const details = createSourceDetails({
    ...state,
    sources: {
      open: async ({ targetRevision }, { sha }) => {
        asked.push(`${targetRevision} at ${sha}`);
        return snapshot;
      },
      verify: async () => undefined,
    },
    renderer: {
      describe: async ({ source: { plugin }, facts }) => {
        asked.push(`${plugin?.name} for ${facts.appName}`);
        return { type: 'Plugin', parameters: [{ name: 'tag' }] };
      },
    },
  });
  return { details, asked };
}

it('asks the plugin at the commit that is known, with the options that are given', async () => {
  const { details, asked } = await start();
  const given = { ...source, plugin: { name: 'words' } };
  expect(await details(key, { source: given }, signal)).toEqual({ type: 'Plugin', parameters: [{ name: 'tag' }] });
  expect(asked).toEqual(['main at c0ffee', 'words for shop', 'closed']);
});

it.each([undefined, 0])('asks the plugin of what is rendered to a branch, at index %s', async (index) => {
  const { details, asked } = await start({ application: hydratedApplication('shop', { dry: { path: 'dry' } }) });
  const given = { ...source, path: 'dry', plugin: { name: 'words' } };
  await details(key, { source: given, index }, signal);
  expect(asked).toEqual(['main at c0ffee', 'words for shop', 'closed']);
});

describe('nothing is opened', () => {
  it.each([
    [
      'for an Application that is not there',
      { ...key, name: 'other' },
      { source },
      {},
      'NotFound',
      'no Application other',
    ],
    [
      'of another repository',
      key,
      { source: { ...source, repoURL: 'https://x' } },
      {},
      'NotFound',
      'has no such source',
    ],
    ['of another folder', key, { source: { ...source, path: 'cart' } }, {}, 'NotFound', 'has no such source'],
    ['of another revision', key, { source: { ...source, targetRevision: 'x' } }, {}, 'NotFound', 'has no such source'],
    ['of another place among its sources', key, { source, index: 1 }, {}, 'NotFound', 'has no such source at 1'],
    ['before its commit is known', key, { source }, { unknown: true }, 'RevisionNotFound', 'was not resolved yet'],
    [
      'where its project permits nothing',
      key,
      { source },
      { project: { sourceRepos: [] } },
      'NotPermitted',
      'sourceRepos',
    ],
  ])('%s', async (...[, application, wanted, world, code, message]) => {
    const { details, asked } = await start(world);
    await expect(details(application, wanted, signal)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
    expect(asked).toEqual([]);
  });
});
