// A source that becomes something else, and an Application that comes back to a source: always what is there now runs,
// never what was known of it earlier.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 20 };
const chart = 'apiVersion: v2\nname: shop\nversion: 1.0.0\n';
const kustomization = (namePrefix: string) => `resources: [config.yaml]\nnamePrefix: ${namePrefix}\n`;
let shop: Shop;

beforeAll(async () => {
  shop = await startShop({
    'app/config.yaml': configMap('shop', 'one'),
    'other/config.yaml': configMap('other', 'one'),
  });
});
afterAll(async () => await shop[Symbol.asyncDispose]());

test('a folder becomes a kustomization, a chart, and a folder again', async () => {
  await shop.push({ 'app/kustomization.yaml': kustomization('my-'), 'app/config.yaml': configMap('shop', 'two') });
  await eventually(async () => expect(await shop.live()).toEqual({ 'my-shop': 'two' }), within);
  await shop.push({
    'app/kustomization.yaml': null,
    'app/Chart.yaml': chart,
    'app/templates/a.yaml': configMap('charted', 'three'),
  });
  await eventually(async () => expect(await shop.live()).toEqual({ charted: 'three' }), within);
  await shop.push({
    'app/Chart.yaml': null,
    'app/templates/a.yaml': null,
    'app/config.yaml': configMap('shop', 'four'),
  });
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'four' }), within);
});

test('a folder that was a kustomization and is gone leaves what runs as it is', async () => {
  await shop.push({ 'app/kustomization.yaml': kustomization('our-') });
  await eventually(async () => expect(await shop.live()).toEqual({ 'our-shop': 'four' }), within);
  await shop.whenMended();
  const before = await shop.state();
  await shop.push({ 'app/kustomization.yaml': null, 'app/config.yaml': null });
  await shop.whenConditionSays(/path app does not exist/);
  expect(await shop.state()).toEqual(before);
  await shop.push({ 'app/config.yaml': configMap('shop', 'five') });
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'five' }), within);
});

test('an Application that comes back to a folder runs what it holds now', async () => {
  await shop.platform.apply(shop.application({ path: 'other' }));
  await eventually(async () => expect(await shop.live()).toEqual({ other: 'one' }), within);
  await shop.push({ 'app/config.yaml': configMap('shop', 'six'), 'other/config.yaml': configMap('other', 'two') });
  await eventually(async () => expect(await shop.live()).toEqual({ other: 'two' }), within);
  await shop.platform.apply(shop.application());
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'six' }), within);
});

test('an Application that comes back to a branch runs what it holds now', async () => {
  await shop.repository.commit({ 'app/config.yaml': configMap('shop', 'branch') }, 'Branch', 'side');
  await shop.platform.apply(shop.application({ targetRevision: 'side' }));
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'branch' }), within);
  await shop.repository.commit({ 'app/config.yaml': configMap('shop', 'seven') }, 'Change that nobody tells of');
  await shop.platform.apply(shop.application());
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'seven' }), within);
});

test('an Application that is made again runs what its source holds now', async () => {
  await shop.platform.api('DELETE', '/api/v1/applications/shop?cascade=true');
  await eventually(async () => expect(await listApplications(shop.platform)).toEqual([]));
  expect(await shop.live()).toEqual({});
  await shop.repository.commit({ 'app/config.yaml': configMap('shop', 'eight') }, 'Change that nobody tells of');
  await shop.platform.apply(shop.application());
  await eventually(async () => expect(await shop.live()).toEqual({ shop: 'eight' }), within);
});
