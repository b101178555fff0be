// A project that wants its commits signed: what nobody signed does not reach the cluster, and what ran before stays.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGpgKey, type GpgKey } from '../support/gpg-key.ts';
import { sendPush } from '../support/push-event.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 20 };
const stack = new AsyncDisposableStack();
let shop: Shop;
let ann: GpgKey;

beforeAll(async () => {
  shop = stack.use(await startShop({ 'app/config.yaml': configMap('shop', 'one') }));
  ann = stack.use(await createGpgKey('ann'));
});
afterAll(async () => await stack.disposeAsync());

const project = () => `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: team, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
  signatureKeys: [{keyID: '${ann.id}'}]
`;
const application = () => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: team
  source: {repoURL: '${shop.repository.url}', targetRevision: main, path: app}
  destination: {name: east, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
const keyring = () => `apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-gpg-keys-cm, namespace: argocd}
data:
  ${ann.id}: |
${ann.publicKey.replaceAll(/^/gmu, '    ')}
`;
const whenRuns = async (expected: Record<string, string>) => {
  await eventually(async () => expect(await shop.live()).toEqual(expected), within);
  return true;
};
const sign = async () => await sendPush(shop.platform, shop.repository.url, await ann.commit(shop.repository, 'Sign'));

test('what nobody signed is not applied, and says who made it', async () => {
  await shop.platform.apply(project());
  await shop.platform.apply(application());
  await shop.push({ 'app/config.yaml': configMap('shop', 'two') });
  await shop.whenConditionSays(
    /is not signed as its project wants it \(head\): commit \w{7} by "Test <.*": it is not signed/u,
  );
  expect(await shop.live()).toEqual({ shop: 'one' });
});

test('what is signed with a key that the hub does not know is not applied', async () => {
  await sign();
  await shop.whenConditionSays(/the key of its signature is not in argocd-gpg-keys-cm/u);
  expect(await shop.live()).toEqual({ shop: 'one' });
});

test('the key makes it run, without another commit', async () => {
  await shop.platform.apply(keyring());
  expect(await whenRuns({ shop: 'two' })).toBe(true);
});

test('a change that nobody signed leaves what runs, until somebody signs on top of it', async () => {
  await shop.push({ 'app/config.yaml': configMap('shop', 'three') });
  await shop.whenConditionSays(/it is not signed/u);
  expect(await shop.live()).toEqual({ shop: 'two' });
  await sign();
  expect(await whenRuns({ shop: 'three' })).toBe(true);
});
