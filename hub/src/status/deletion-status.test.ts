import { expect, it } from 'vitest';
import type { Withdrawal } from '../store/additions.ts';
import { applicationOf } from '../testing/hub-state.ts';
import { type DeletionInput, deletionCondition, formatDeletion } from './deletion-status.ts';

const deletion = { by: 'ann', reason: 'deleted by ann', at: '2026-01-01T00:00:00.000Z' };

function waitingFor(...names: string[]): Withdrawal[] {
  return names.map((app) => ({
    app,
    cluster: 'east',
    reason: '',
    cascade: true,
    by: 'ann',
    at: '2026-01-01T00:01:00.000Z',
    application: applicationOf(app),
  }));
}

function inputOf(fields: Partial<DeletionInput> = {}): DeletionInput {
  return {
    namespace: 'argocd',
    name: 'fleet',
    deletion,
    steps: 3,
    departure: undefined,
    remaining: 0,
    stateOf: () => 'Lost, last seen 2025-12-31T23:00:00.000Z',
    ...fields,
  };
}

it.each<[string, Partial<DeletionInput>, string]>([
  [
    'a step that is not withdrawn yet',
    { departure: { step: 2, due: [applicationOf('a')], waiting: [] }, remaining: 4 },
    "deleted by ann, step 3 of 3, the last one first; 4 more follow; 'wheelhouse appset delete fleet --all-at-once' does not wait",
  ],
  [
    'an Application whose cluster is silent',
    { departure: { step: 1, due: [], waiting: waitingFor('a') }, remaining: 2 },
    "deleted by ann, step 2 of 3, the last one first: waiting until 1 Application is gone, a on east (Lost, last seen 2025-12-31T23:00:00.000Z); 2 more follow; 'wheelhouse appset delete fleet --all-at-once' does not wait",
  ],
  [
    'many Applications',
    {
      departure: { step: 0, due: [], waiting: waitingFor('a', 'b', 'c', 'd', 'e', 'f', 'g') },
      stateOf: () => 'Connected',
    },
    "deleted by ann, step 1 of 3, the last one first: waiting until 7 Applications are gone, a on east (Connected), b on east (Connected), c on east (Connected), d on east (Connected), e on east (Connected) and 2 more; 'wheelhouse appset delete fleet --all-at-once' does not wait",
  ],
  [
    'what is in no step, of a set elsewhere',
    { namespace: 'team', remaining: 2 },
    "deleted by ann, what is left goes; 2 more follow; 'wheelhouse appset delete team/fleet --all-at-once' does not wait",
  ],
])('says of %s what it waits for', (_name, fields, message) => {
  expect(deletionCondition(inputOf(fields))).toMatchObject({ type: 'DeletionProgressing', status: 'True', message });
});

it('names the first hundred and counts them all', () => {
  const names = Array.from({ length: 150 }, (_, index) => `app-${index}`);
  const status = formatDeletion(inputOf({ departure: { step: 0, due: [], waiting: waitingFor(...names) } }));
  expect(status).toMatchObject({ ...deletion, step: 1, steps: 3, waiting: 150, remaining: 0 });
  expect(status.waitingFor).toHaveLength(100);
  expect(status.waitingFor[0]).toEqual({
    application: 'app-0',
    cluster: 'east',
    since: '2026-01-01T00:01:00.000Z',
    clusterState: 'Lost, last seen 2025-12-31T23:00:00.000Z',
  });
});
