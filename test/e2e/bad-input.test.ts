// Bad input from Git and from people, on one simulated spoke: the condition says what is wrong and where, neither the
// signed document nor the cluster changes, and once it is mended everything goes on. Generators: bad-generator.test.ts;
// tokens, signatures, generations, other clusters' documents and digests: test/integration/transport-*.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, messagesOf } from '../support/applications.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { sendPush } from '../support/push-event.ts';
import { configMap, type Fields, type Shop, startShop } from '../support/shop.ts';

const good = configMap('shop', 'good');
const chart = 'apiVersion: v2\nname: shop\nversion: 1.0.0\n';
let shop: Shop;

beforeAll(async () => {
  shop = await startShop({ 'app/config.yaml': good, 'README.md': 'shop' });
});
afterAll(async () => await shop[Symbol.asyncDispose]());

test.each<[string, RepositoryFiles, RegExp]>([
  ['a kustomization that fails', { 'app/kustomization.yaml': 'resources: [absent.yaml]\n' }, /absent\.yaml/],
  [
    'a chart that fails',
    { 'app/Chart.yaml': chart, 'app/templates/a.yaml': '{{ required "give me a port" .Values.port }}\n' },
    /helm template of app failed: .*give me a port/,
  ],
  ['malformed YAML', { 'app/bad.yaml': 'kind: ConfigMap\n a: b\n' }, /app\/bad\.yaml: YAML, line 2/],
  [
    'a bad document among good ones',
    { 'app/many.yaml': `${good}---\n${good.replace('kind: ConfigMap\n', '')}` },
    /app\/many\.yaml document 2: has no kind/,
  ],
  ['a manifest without kind', { 'app/bad.yaml': 'apiVersion: v1\nmetadata: {name: x}\n' }, /app\/bad\.yaml.*kind/],
  [
    'a Secret with its data',
    { 'app/secret.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {password: aHVudGVyMg==}\n' },
    /app\/secret\.yaml document 1: secret db has its data in Git.*(SealedSecret|ExternalSecret)/,
  ],
  ['a manifest of 20 MB', { 'app/big.yaml': Buffer.alloc(20_000_000, 'a') }, /app\/big\.yaml.*20\.0 MB.*limit/],
  [
    'a symbolic link out of the repository',
    { 'app/link.yaml': { symlink: '../../../etc/passwd' } },
    /app\/link\.yaml: \.\.\/\.\.\/\.\.\/etc\/passwd leads out/,
  ],
  ['a folder that is gone', { 'app/config.yaml': null }, /path app does not exist/],
])('%s is said, changes nothing, and can be mended', async (...[, files, pattern]) => {
  const before = await shop.state();
  await shop.push(files);
  expect(await shop.whenConditionSays(pattern)).not.toContain('aHVudGVyMg');
  expect(await shop.state()).toEqual(before);
  await shop.push({ ...Object.fromEntries(Object.keys(files).map((path) => [path, null])), 'app/config.yaml': good });
  await shop.whenMended();
  expect(await shop.state()).toEqual(before);
});

test.each<[string, Fields, RegExp]>([
  ['a revision that does not exist', { targetRevision: 'nowhere' }, /revision "nowhere"/],
  ['a path that does not exist', { path: 'absent' }, /absent.*(does not exist|not found)/],
  ['a path that leaves the repository', { path: '../etc' }, /\.\.\/etc/],
  ['a cluster that nobody registered', { destination: 'mars' }, /mars.*wheelhouse cluster/],
])('%s is said, and changes nothing', async (...[, fields, pattern]) => {
  const before = await shop.state();
  await shop.platform.apply(shop.application(fields));
  await shop.whenConditionSays(pattern);
  expect(await shop.state()).toEqual(before);
  await shop.platform.apply(shop.application());
  await shop.whenMended();
  expect(await shop.state()).toEqual(before);
});

test.each<[string, () => string, RegExp]>([
  ['malformed YAML', () => `${shop.application({ path: 'absent' })} x: [\n`, /YAML, line \d+/],
  ['an unknown field', () => shop.application({ more: '  sorce: {path: absent}\n' }), /spec\.sorce.*unknown field/],
  [
    'a bad document behind a good one',
    () => `${shop.application()}---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: "a b"}\n`,
    /a b/,
  ],
])('%s is refused, and changes nothing', async (...[, yaml, pattern]) => {
  const before = await shop.state();
  await expect(shop.platform.apply(yaml())).rejects.toThrow(pattern);
  expect(messagesOf(await getApplication(shop.platform, 'shop'))).toEqual([]);
  expect(await shop.state()).toEqual(before);
});

test('a repository that cannot be reached is said, changes nothing, and is read again once it answers', async () => {
  const before = await shop.state();
  shop.git.failWith(503);
  await shop.push({ 'README.md': 'unreachable' });
  await shop.whenConditionSays(/repository .*shop\.git cannot be reached/);
  expect(await shop.state()).toEqual(before);
  shop.git.failWith(undefined);
  await sendPush(shop.platform, shop.repository.url, await shop.repository.git('rev-parse', 'main'));
  await shop.whenMended();
  expect(await shop.state()).toEqual(before);
});

test('wrong credentials are said without showing them, change nothing, and can be corrected', async () => {
  const before = await shop.state();
  const login = async (password: string) => {
    const body = { repo: shop.repository.url, username: 'ada', password };
    await shop.platform.api('POST', '/api/v1/repositories?upsert=true', body);
  };
  shop.git.requireBasic('ada', 's3cret');
  await login('wr0ng');
  expect(await shop.whenConditionSays(/refuses the credentials/)).not.toContain('wr0ng');
  expect(await shop.state()).toEqual(before);
  await login('s3cret');
  await shop.whenMended();
  expect(await shop.state()).toEqual(before);
});
