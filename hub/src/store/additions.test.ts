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

describe('operations', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const operationOf = (id: string, app = 'shop', expiresAt = '2026-01-01T01:00:00Z') =>
    ({ id, app, type: 'refresh', by: 'ann', expiresAt }) as const;

  it('are refused when there are too many, and none is dropped for another', async () => {
    const additions = await createAdditions(createMemoryBuckets().open('fleet'));
    const ids = names.slice(0, 50);
    for (const id of ids) await additions.addOperation(operationOf(id), now);
    await expect(additions.addOperation(operationOf('more'), now)).rejects.toMatchObject({
      code: 'RateLimited',
      message: expect.stringContaining('application shop has 50 operations') as string,
    });
    expect(additions.operations('shop').map(({ id }) => id)).toEqual(ids);
    await additions.addOperation(operationOf('more', 'shop', '2026-01-01T03:00:00Z'), new Date('2026-01-01T02:00:00Z'));
    expect(additions.operations('shop').map(({ id }) => id)).toEqual(['more']);
  });

  it('are forgotten once all of an Application have expired, and with it', async () => {
    const bucket = createMemoryBuckets().open('fleet');
    const additions = await createAdditions(bucket);
    for (const app of ['old', 'mixed', 'gone']) await additions.addOperation(operationOf('1', app), now);
    await additions.addOperation(operationOf('2', 'mixed', '2026-01-01T03:00:00Z'), now);
    await additions.deleteOperations('gone');
    expect(await bucket.get('operation.gone')).toBeUndefined();
    await additions.deleteExpired(new Date('2026-01-01T00:59:00Z'));
    expect(additions.operations('old')).toHaveLength(1);
    await additions.deleteExpired(new Date('2026-01-01T02:00:00Z'));
    expect(await bucket.get('operation.old')).toBeUndefined();
    expect(additions.operations('mixed')).toHaveLength(2);
  });
});

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
