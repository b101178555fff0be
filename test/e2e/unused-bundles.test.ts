// Bundles that nothing names any more are deleted while everything goes on, and what comes back to one is rendered again.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { connectAsHub } from '../support/hub-connection.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
const stop = new AbortController();
let shop: Shop;

beforeAll(async () => {
  shop = await startShop(
    { 'app/config.yaml': configMap('shop', 'one') },
    { WHEELHOUSE_BUNDLE_LIFE: '1s', WHEELHOUSE_SWEEP_INTERVAL: '1s' },
  );
});
afterAll(async () => {
  stop.abort();
  await shop[Symbol.asyncDispose]();
});

test('old bundles are deleted, the one that runs is not, and an old commit can be returned to', async () => {
  const { nats } = await connectAsHub(shop.platform, stop.signal);
  const stored = async () => (await nats.manager.streams.info('BLOBS')).state.messages;
  const first = await shop.repository.git('rev-parse', 'main');
  for (const text of ['two', 'three', 'four']) {
    await shop.push({ 'app/config.yaml': configMap('shop', text) });
    await eventually(async () => expect(await shop.live()).toEqual({ shop: text }), within);
  }
  await eventually(async () => expect(await stored()).toBe(1), within);
  await shop.platform.apply(shop.application({ targetRevision: first }));
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'one' }), within);
  await shop.whenMended();
  await eventually(async () => expect(await stored()).toBe(1), within);
  expect(await shop.live()).toEqual({ shop: 'one' });
});
