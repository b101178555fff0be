import { beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../store/bucket.ts';
import { createMemoryBuckets } from '../store/testing/memory-bucket.ts';
import { logger } from '../testing/hub-state.ts';
import { emptyRecord, type RolloutRecord } from './record.ts';
import { createRolloutStore, type RolloutChange, type RolloutStore, rolloutKey } from './rollout-store.ts';
import { pin } from './simulated-fleet.ts';

let bucket: Bucket;
let store: RolloutStore;
let replica: RolloutStore;

beforeEach(async () => {
  const buckets = createMemoryBuckets();
  bucket = buckets.open('fleet');
  store = await createRolloutStore(bucket, logger);
  replica = await createRolloutStore(buckets.open('fleet'), logger);
});

const key = rolloutKey('FleetRollout', 'argocd', 'shop');

function recordOf(...apps: string[]): RolloutRecord {
  const pins = Object.fromEntries(apps.map((app) => [app, { now: pin('A'), good: pin('A') }]));
  return { ...emptyRecord(key, new Date(0)), pins };
}

describe('records of rollouts', () => {
  it('come back as they were, small and large, on every replica', async () => {
    const large = recordOf(...Array.from({ length: 500 }, (_, index) => `app-${index}`));
    await store.put(large, 0);
    expect(replica.find(key)).toEqual(large);
    expect((await bucket.get(key))?.value.length).toBeLessThan(JSON.stringify(large).length / 4);
    const { revision = 0 } = (await store.read(key)) ?? {};
    await store.put(recordOf('app-1'), revision);
    expect(replica.find(key)).toEqual(recordOf('app-1'));
    expect((await store.read(key))?.value).toEqual(recordOf('app-1'));
  });

  it('are neither written nor deleted over what somebody wrote meanwhile', async () => {
    await store.put(recordOf('app-1'), 0);
    const read = await store.read(key);
    await replica.put(recordOf('app-1', 'app-2'), read?.revision ?? 0);
    await expect(store.put(recordOf(), read?.revision ?? 0)).rejects.toMatchObject({ code: 'Conflict' });
    await expect(store.put(recordOf(), 0)).rejects.toMatchObject({ code: 'Conflict' });
    await expect(store.delete(key, read?.revision ?? 0)).rejects.toMatchObject({ code: 'Conflict' });
    expect(store.find(key)).toEqual(recordOf('app-1', 'app-2'));
    await store.delete(key, (await store.read(key))?.revision ?? 0);
    expect(replica.find(key)).toBeUndefined();
    expect(await store.read(key)).toBeUndefined();
  });

  it('say which rollout has an Application, until it lets go', async () => {
    await store.put(recordOf('app-1', 'app-2'), 0);
    expect(replica.ownerOf('app-1')).toBe(key);
    const { revision = 0 } = (await store.read(key)) ?? {};
    await store.put(recordOf('app-2'), revision);
    expect(replica.ownerOf('app-1')).toBeUndefined();
    expect(replica.ownerOf('app-2')).toBe(key);
  });

  it('tell of what changed, and of no other entry of the bucket', async () => {
    const changes: RolloutChange[] = [];
    const listening = replica.onChange((change) => changes.push(change));
    await bucket.put('cluster.east', Buffer.from('{}'));
    await store.put(recordOf('app-1'), 0);
    expect(changes).toEqual([{ key, before: undefined, after: recordOf('app-1') }]);
    listening[Symbol.dispose]();
    await store.delete(key, (await store.read(key))?.revision ?? 0);
    expect(changes).toHaveLength(1);
    expect(replica.list()).toEqual([]);
  });

  it('keep names apart that hold a colon', () => {
    expect(rolloutKey('RollingSync', 'team', 'a:b')).toBe('rollingsync.team.a=3Ab');
  });
});
