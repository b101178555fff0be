import { describe, expect, it } from 'vitest';
import { applicationOf } from '../testing/hub-state.ts';
import { createAdditions, type Withdrawal } from './additions.ts';
import type { Bucket } from './bucket.ts';
import { createMemoryBuckets } from './testing/memory-bucket.ts';

const names = Array.from({ length: 200 }, (_, index) => `app-${index}`);

function withdrawalOf(app: string): Withdrawal {
  const at = '2026-01-01T00:00:00Z';
  return { app, cluster: 'east', reason: 'deleted', cascade: false, by: 'ann', at, application: applicationOf(app) };
}

/** Notes how many writes are under way at once; refuses those of one key. */
function createSlowBucket() {
  const bucket = createMemoryBuckets().open('fleet');
  const seen = { now: 0, most: 0, refused: '' };
  const put: Bucket['put'] = async (...args) => {
    seen.most = Math.max(seen.most, (seen.now += 1));
    await new Promise((resolve) => setImmediate(resolve));
    seen.now -= 1;
    if (args[0] === seen.refused) throw new Error('refused');
    return await bucket.put(...args);
  };
  return { bucket: { ...bucket, put }, seen };
}

describe('withdrawals', () => {
  it('are written so many at a time', async () => {
    const { bucket, seen } = createSlowBucket();
    const additions = await createAdditions(bucket);
    await additions.putWithdrawals(names.map(withdrawalOf));
    expect(additions.withdrawals('east').map(({ app }) => app)).toEqual(names);
    expect(seen.most).toBe(64);
  });

  it('are complete after a repetition where one was not written', async () => {
    const { bucket, seen } = createSlowBucket();
    const additions = await createAdditions(bucket);
    seen.refused = 'withdrawal.east.app-7';
    await expect(additions.putWithdrawals(names.map(withdrawalOf))).rejects.toThrow('refused');
    seen.refused = '';
    await additions.putWithdrawals(names.map(withdrawalOf));
    expect(new Set(additions.withdrawals('east').map(({ app }) => app))).toEqual(new Set(names));
  });
});
