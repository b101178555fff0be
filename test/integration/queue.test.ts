// The work queue on a real Redis: one at a time per key, nothing newest is lost, and Redis is never the only copy.
import { setTimeout as delay } from 'node:timers/promises';
import { createWorkQueue, type WorkQueue } from '@wheelhouse/hub/queue/queue';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
let stack: AsyncDisposableStack;
let redis: RedisServer;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  redis = stack.use(await startRedis());
});
afterEach(async () => await stack.disposeAsync());

async function open(): Promise<WorkQueue> {
  return stack.use(
    await createWorkQueue({ logger, signal: new AbortController().signal }, { redisUrl: redis.url, prefix: 'test' }),
  );
}

it('runs a key once for any number of triggers that wait', async () => {
  const queue = await open();
  const done: string[] = [];
  for (let turn = 0; turn < 5; turn += 1) await queue.enqueue('render', [{ key: 'a' }, { key: 'b' }]);
  queue.work('render', async ({ key }) => void done.push(key), 4);
  await eventually(() => expect(done.toSorted()).toEqual(['a', 'b']));
  // a job is over a moment after its work
  await eventually(async () =>
    expect(await queue.counts()).toMatchObject({ render: { waiting: 0, active: 0, failed: 0 } }),
  );
});

it('runs an active key once more for what came meanwhile, never two at a time', async () => {
  const queue = await open();
  const released = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  let runs = 0;
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    runs += 1;
    if (runs === 1) await released.promise;
    running -= 1;
  };
  queue.work('assign', work, 8);
  await queue.enqueue('assign', [{ key: 's001' }]);
  await eventually(() => expect(runs).toBe(1));
  for (let turn = 0; turn < 3; turn += 1) await queue.enqueue('assign', [{ key: 's001' }]);
  released.resolve();
  await eventually(() => expect(runs).toBe(2));
  await delay(200);
  expect({ runs, most }).toEqual({ runs: 2, most: 1 });
});

it('tries a failure again that may pass, and no other', async () => {
  const queue = await open();
  const runs: Record<string, number> = { passing: 0, final: 0 };
  queue.work(
    'source',
    async ({ key }) => {
      runs[key] = (runs[key] ?? 0) + 1;
      if (key === 'final') throw new FleetError('Invalid', 'never');
      if (runs[key] === 1) throw new FleetError('RepositoryUnreachable', 'not now');
    },
    2,
  );
  await queue.enqueue('source', [{ key: 'passing' }, { key: 'final' }]);
  await eventually(() => expect(runs['passing']).toBe(2));
  expect(runs).toEqual({ passing: 2, final: 1 });
});

it('says that Redis lost its data, and works on afterwards', async () => {
  const queue = await open();
  const done: string[] = [];
  queue.work('generate', async ({ key }) => void done.push(key), 2);
  await queue.mark();
  expect(await queue.marked()).toBe(true);
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  expect(await queue.marked()).toBe(false);
  await queue.enqueue('generate', [{ key: 'argocd.shop' }]);
  await eventually(() => expect(done).toEqual(['argocd.shop']));
});

it('lets one replica have a period', async () => {
  const [one, two] = [await open(), await open()];
  expect([await one.once('poll', 60_000), await two.once('poll', 60_000)]).toEqual([true, false]);
});

it('refuses a Redis that may evict jobs', async () => {
  await using evicting = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
  const options = { redisUrl: evicting.url, prefix: 'test' };
  await expect(createWorkQueue({ logger, signal: new AbortController().signal }, options)).rejects.toThrow(
    'set it to noeviction',
  );
});

it('refuses a key that Redis would take for two', async () => {
  const queue = await open();
  await expect(queue.enqueue('render', [{ key: 'a:b' }])).rejects.toThrow("job key 'a:b' holds a colon");
});
