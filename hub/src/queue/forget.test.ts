import { describe, expect, it } from 'vitest';
import {
  applicationOf,
  createHubState,
  evaluationOf,
  type HubState,
  logger,
  outcomeOf,
  repoURL,
} from '../testing/hub-state.ts';
import { createForget } from './forget.ts';

const main = { repoURL, targetRevision: 'main', sha: 'c0ffee' };

/** Application `shop` of a folder at `main`, resolved, discovered and rendered. */
async function start(): Promise<HubState & { forget: ReturnType<typeof createForget>; key: string }> {
  const state = await createHubState();
  await state.specs.put(applicationOf('shop'), { by: 'test' });
  await state.derived.putRevision(main);
  await state.derived.putDiscovery({ repoURL, targetRevision: 'main', types: { shop: 'Directory' } });
  const key = state.applications.find('shop')?.request?.key ?? '';
  await state.derived.putRender(outcomeOf(key));
  return { ...state, key, forget: createForget({ ...state, logger }) };
}

function known({ derived }: HubState): string[] {
  return [
    ...derived.revisions().map(({ targetRevision }) => targetRevision),
    ...(derived.discovery({ repoURL, targetRevision: 'main' }) ? ['discovery'] : []),
    ...derived.renders().map(() => 'render'),
  ];
}

describe('forgetting what nothing reads', () => {
  it.each<[string, (state: HubState) => Promise<unknown>, string[]]>([
    ['the Application is deleted', async ({ specs }) => await specs.delete('Application', 'argocd', 'shop'), []],
    [
      'it reads another folder of the revision',
      async ({ specs }) => await specs.put(applicationOf('shop', { source: { path: 'other' } }), { by: 'test' }),
      ['main', 'discovery'],
    ],
    [
      'it reads another revision',
      async ({ specs }) => await specs.put(applicationOf('shop', { source: { targetRevision: 'v1' } }), { by: 'test' }),
      [],
    ],
    [
      'it may not be rendered any more',
      async ({ specs }) => await specs.put(applicationOf('shop', { cluster: 'mars' }), { by: 'test' }),
      [],
    ],
    [
      'its folder becomes a chart',
      async ({ derived }) => await derived.putDiscovery({ repoURL, targetRevision: 'main', types: { shop: 'Helm' } }),
      ['main', 'discovery'],
    ],
    [
      'only its sync policy changes',
      async ({ specs }) =>
        await specs.put(applicationOf('shop', { spec: { syncPolicy: { automated: {} } } }), { by: 'test' }),
      ['main', 'discovery', 'render'],
    ],
  ])('when %s', async (_name, change, left) => {
    const state = await start();
    await change(state);
    expect(known(state)).toEqual(left);
  });

  it.each<[string, (state: HubState) => Promise<unknown>, string[]]>([
    [
      'another Application of the same folder',
      async ({ specs }) => await specs.put(applicationOf('twin', { source: { path: 'shop' } }), { by: 'test' }),
      ['main', 'discovery', 'render'],
    ],
    [
      'a generator that names the revision',
      async ({ specs }) =>
        await specs.put(
          {
            apiVersion: 'argoproj.io/v1alpha1',
            kind: 'ApplicationSet',
            metadata: { name: 'fleet', namespace: 'argocd' },
            spec: { generators: [{ matrix: { generators: [{ git: { repoURL, revision: 'main' } }, { list: {} }] } }] },
          },
          { by: 'test' },
        ),
      ['main', 'discovery'],
    ],
    [
      'an evaluation that read the revision',
      async ({ derived }) =>
        await derived.putEvaluation(
          evaluationOf([], { reads: { repositories: [{ repoURL, revision: 'main' }], clusters: false } }),
        ),
      ['main', 'discovery'],
    ],
  ])('keeps what %s still reads', async (_name, add, left) => {
    const state = await start();
    await add(state);
    await state.specs.delete('Application', 'argocd', 'shop');
    expect(known(state)).toEqual(left);
    await state.forget.sweep();
    expect(known(state)).toEqual(left);
  });

  it('when the last evaluation that read a revision reads another', async () => {
    const state = await start();
    const reading = (revision: string) =>
      evaluationOf([], { reads: { repositories: [{ repoURL, revision }], clusters: false } });
    await state.derived.putRevision({ ...main, targetRevision: 'old' });
    await state.derived.putEvaluation(reading('old'));
    await state.derived.putEvaluation(reading('new'));
    expect(known(state)).toEqual(['main', 'discovery', 'render']);
  });

  it('sweeps what was left behind while nobody looked', async () => {
    const state = await start();
    state.forget[Symbol.dispose]();
    await state.specs.delete('Application', 'argocd', 'shop');
    expect(known(state)).toEqual(['main', 'discovery', 'render']);
    await state.forget.sweep();
    expect(known(state)).toEqual([]);
  });
});
