// An integer that no double holds, in the Helm values of an Application, comes through everything that keeps Applications.
import { describe, expect, it } from 'vitest';
import { applicationOf, createHubState, evaluationOf, type HubState } from '../testing/hub-state.ts';

const big = 9_007_199_254_740_993n;
const application = applicationOf('shop', { source: { helm: { valuesObject: { id: big, nested: [{ id: big }] } } } });
const by = { by: 'ann' };

function valuesOf(
  app: { spec: { source?: { helm?: { valuesObject?: unknown } | undefined } | undefined } } | undefined,
) {
  return app?.spec.source?.helm?.valuesObject;
}

describe('a 64-bit integer in Helm values', () => {
  it.each<[string, (state: HubState) => Promise<unknown>, (state: HubState) => unknown]>([
    [
      'a manifest',
      async ({ changes }) => await changes.put(application, by),
      ({ applications }) => valuesOf(applications.find('shop')?.application),
    ],
    [
      'an evaluation',
      async ({ derived }) => await derived.putEvaluation(evaluationOf([application])),
      ({ applications }) => valuesOf(applications.find('shop')?.application),
    ],
    [
      'a withdrawal',
      async ({ changes }) => await changes.withdraw([application], { by: 'ann', reason: 'deleted by ann' }),
      ({ additions }) => [...additions.allWithdrawals()].map((one) => valuesOf(one.application))[0],
    ],
  ])('comes through %s, to this replica and the next', async (_name, write, read) => {
    const state = await createHubState();
    await write(state);
    const next = await createHubState({ buckets: state.buckets });
    const expected = { id: big, nested: [{ id: big }] };
    expect([read(state), read(next)]).toEqual([expected, expected]);
  });

  it('is told from its neighbour', async () => {
    const state = await createHubState();
    await state.changes.put(application, by);
    const neighbour = applicationOf('shop', {
      source: { helm: { valuesObject: { id: big + 1n, nested: [{ id: big }] } } },
    });
    expect((await state.changes.put(structuredClone(application), by)).outcome).toBe('unchanged');
    expect((await state.changes.put(neighbour, by)).outcome).toBe('configured');
    expect(valuesOf(state.applications.find('shop')?.application)).toMatchObject({ id: big + 1n });
  });
});
