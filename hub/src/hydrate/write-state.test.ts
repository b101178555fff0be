import { expect, it } from 'vitest';
import type { HydrationRecord } from './hydration-store.ts';
import { writeState } from './write-state.ts';

const url = 'https://git.example.com/shop.git';
const record = (fields: Partial<HydrationRecord>): HydrationRecord => ({
  key: 'k',
  branchKey: 'b',
  repoURL: url,
  branch: 'east',
  phase: 'Hydrated',
  startedAt: '1',
  apps: {},
  ...fields,
});
const failed = record({ phase: 'Failed', finishedAt: '3', message: 'refused' });

it.each<[string, HydrationRecord[], object | undefined]>([
  ['nothing', [], undefined],
  ['another repository', [{ ...failed, repoURL: 'https://git.example.com/other.git' }], undefined],
  ['one that is being written first', [record({ phase: 'Hydrating' })], undefined],
  ['one that was written', [record({ finishedAt: '2' })], { status: 'Successful', message: '', attemptedAt: '2' }],
  [
    'a newer failure',
    [record({ finishedAt: '2' }), failed],
    { status: 'Failed', message: 'refused', attemptedAt: '3' },
  ],
  ['a newer success', [failed, record({ finishedAt: '4' })], { status: 'Successful', message: '', attemptedAt: '4' }],
  [
    'manifests that do not render',
    [{ ...failed, failures: { shop: 'no' } }, record({ finishedAt: '2' })],
    { status: 'Successful', message: '', attemptedAt: '2' },
  ],
])('of %s', (_name, records, state) => {
  expect(writeState(url, records)).toEqual(state);
});
