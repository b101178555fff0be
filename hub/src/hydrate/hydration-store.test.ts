import { beforeEach, expect, it } from 'vitest';
import { createMemoryBuckets, type MemoryBuckets } from '../store/testing/memory-bucket.ts';
import { createHydrationStore, type HydrationRecord, type HydrationStore } from './hydration-store.ts';

let buckets: MemoryBuckets;
let store: HydrationStore;

const recordOf = (key: string, branchKey: string): HydrationRecord => ({
  key,
  branchKey,
  repoURL: 'https://git.example/apps',
  branch: 'east',
  phase: 'Hydrating',
  startedAt: '2026-01-01T00:00:00Z',
  apps: {},
});
const keysOf = (branchKey: string) => store.ofBranch(branchKey).map(({ key }) => key);

beforeEach(async () => {
  buckets = createMemoryBuckets();
  store = await createHydrationStore(buckets.open('fleet'));
});

it('finds the records of a branch, as another hub wrote them too', async () => {
  await store.put(recordOf('a', 'east'), 0);
  const other = await createHydrationStore(buckets.open('fleet'));
  await other.put(recordOf('b', 'east'), 0);
  await other.put(recordOf('c', 'west'), 0);
  expect(keysOf('east')).toEqual(['a', 'b']);
  expect(keysOf('west')).toEqual(['c']);
  expect(keysOf('north')).toEqual([]);
});

it('finds a record in the state that it has now, and none that is gone', async () => {
  const revision = await store.put(recordOf('a', 'east'), 0);
  await store.put({ ...recordOf('a', 'east'), phase: 'Failed' }, revision);
  expect(store.ofBranch('east')).toEqual([expect.objectContaining({ phase: 'Failed' })]);
  await store.delete('a');
  expect(keysOf('east')).toEqual([]);
});
