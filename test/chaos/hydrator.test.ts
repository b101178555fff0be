// A hub that is killed, or loses its queue, while it writes rendered manifests to a branch: what was begun is ended, with one commit
// for each commit of the dry source, whether the push got through or not.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import type { PushHooks } from '../support/git-server.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 100 };
const branch = 'environments/east';
let shop: Shop;

beforeAll(async () => {
  shop = await startShop({
    'app/config.yaml': configMap('plain', 'one'),
    'base/config.yaml': configMap('shop', 'one'),
  });
  const { url } = shop.repository;
  await shop.platform.apply(`apiVersion: v1
kind: Secret
metadata: {name: writer, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository-write}}
stringData: {url: '${url}'}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: hydrated, namespace: argocd}
spec:
  project: default
  sourceHydrator:
    drySource: {repoURL: '${url}', targetRevision: main, path: base}
    syncSource: {targetBranch: ${branch}, path: shop}
  destination: {name: east, namespace: default}
  syncPolicy: {automated: {}}
`);
  await eventually(async () => {
    if (!('shop' in (await shop.live()))) throw new Error('what was hydrated does not run yet');
  }, within);
});
afterAll(async () => await shop[Symbol.asyncDispose]());

const commits = async () => (await shop.repository.git('log', '--format=%H', branch)).split('\n');

const killed = async () => {
  await shop.platform.hubs[0]?.kill('SIGKILL');
  return async () => await shop.platform.hubs[0]?.restart();
};
const redisEmptied = async () => {
  const redis = new Redis(shop.platform.redis.url);
  await redis.flushall();
  redis.disconnect();
  return async () => undefined;
};

test.each<[text: string, what: string, when: keyof PushHooks, disturb: () => Promise<() => Promise<unknown>>]>([
  ['two', 'a hub is killed before the push', 'before', killed],
  ['three', 'a hub is killed between the push and its record', 'after', killed],
  ['four', 'Redis is emptied between the push and its record', 'after', redisEmptied],
])('%s: %s', async (...[text, , when, disturb]) => {
  const before = await commits();
  const disturbed = Promise.withResolvers<() => Promise<unknown>>();
  const act = async () => {
    shop.git.interceptPushes({});
    disturbed.resolve(await disturb());
  };
  shop.git.interceptPushes({ [when]: act });
  await shop.push({ 'base/config.yaml': configMap('shop', text) });
  const mend = await disturbed.promise;
  await mend();
  await eventually(async () => expect(await shop.live()).toMatchObject({ shop: text }), within);
  await eventually(async () => expect(await readdir(join(shop.platform.dir, 'hub', 'hydrate'))).toEqual([]), within);
  const drySHA = await shop.repository.git('rev-parse', 'main');
  const [hydratedSHA, ...others] = await commits();
  expect(others).toEqual(before);
  await eventually(
    async () =>
      expect((await getApplication(shop.platform, 'hydrated')).status.sourceHydrator).toMatchObject({
        currentOperation: { phase: 'Hydrated', drySHA, hydratedSHA },
      }),
    within,
  );
});
