// ApplicationSets whose generators fail, give nothing or give too much, on one simulated spoke: the set says why, and
// neither the signed document nor the cluster changes. Every kind of generator and template: hub/src/generate.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications, whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { sendPush } from '../support/push-event.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
const services: RepositoryFiles = {
  'services/a/service.json': '{"name": "a"}',
  'services/a/config.yaml': configMap('a', 'good'),
  'services/b/service.json': '{"name": "b"}',
  'services/b/config.yaml': configMap('b', 'good'),
};
let shop: Shop;

beforeAll(async () => {
  shop = await startShop({ 'app/config.yaml': configMap('shop', 'good'), ...services });
  await shop.platform.apply(applicationSet({}));
  await whenSettled(shop.platform, { names: ['a', 'b', 'shop'] });
});
afterAll(async () => await shop[Symbol.asyncDispose]());

interface Fields {
  name?: string;
  generators?: string;
  folder?: string;
}

function files(repoURL = shop.repository.url): string {
  return `{git: {repoURL: '${repoURL}', revision: main, files: [{path: 'services/*/service.json'}]}}`;
}

function applicationSet({ name = 'fleet', generators = files(), folder = '{{.name}}' }: Fields): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}, namespace: argocd}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators: [${generators}]
  template:
    metadata: {name: '{{.name}}'}
    spec:
      project: default
      source: {repoURL: '${shop.repository.url}', targetRevision: main, path: 'services/${folder}'}
      destination: {name: east, namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

async function conditions(set = 'fleet'): Promise<string> {
  const { status } = await shop.platform.api<{ status?: { conditions?: { status: string; message: string }[] } }>(
    'GET',
    `/api/v1/applicationsets/${set}`,
  );
  return (status?.conditions ?? []).map((one) => `${one.status} ${one.message}`).join('\n');
}

async function whenSetSays(pattern: RegExp, set?: string): Promise<void> {
  await eventually(async () => expect(await conditions(set)).toMatch(pattern), within);
}

/** The document and the cluster, and every Application that the API shows. */
async function state(): Promise<object> {
  const names = (await listApplications(shop.platform)).map(({ metadata }) => metadata.name);
  return { names, ...(await shop.state()) };
}

const good = /True generated 2 applications/;

test.each<[string, RepositoryFiles, RegExp]>([
  ['a file that is malformed', { 'services/a/service.json': '{' }, /True .*services\/a\/service\.json/],
  [
    'files that are all gone',
    { 'services/a/service.json': null, 'services/b/service.json': null },
    /True the generators gave nothing.*nothing was removed.*appset release fleet/,
  ],
  [
    'a file without a key that the template needs',
    { 'services/a/service.json': '{"title": "a"}' },
    /True .*no entry for key "name"/,
  ],
  [
    'a file that claims the name of another',
    { 'services/c/service.json': '{"name": "a"}' },
    /True .*2 applications with the same name: a/,
  ],
])('%s is said by the set, changes nothing, and can be mended', async (...[, bad, pattern]) => {
  const before = await state();
  await shop.push(bad);
  await whenSetSays(pattern);
  expect(await state()).toEqual(before);
  await shop.push({ ...Object.fromEntries(Object.keys(bad).map((path) => [path, null])), ...services });
  await eventually(async () => expect(await conditions()).not.toMatch(pattern), within);
  await whenSetSays(good);
  expect(await state()).toEqual(before);
});

test.each<[string, () => Fields, RegExp]>([
  [
    'two generators that give one name',
    () => ({ generators: `${files()}, {list: {elements: [{name: b}]}}` }),
    /True .*same name: b/,
  ],
  ['a template that is none', () => ({ folder: '{{.name' }), /True .*unclosed action/],
  [
    'a selector that cannot be read',
    () => ({ generators: '{clusters: {selector: {matchExpressions: [{key: a, operator: Gt, values: ["1"]}]}}}' }),
    /True .*"Gt" is not a selector operator/,
  ],
  [
    'a code host that may not be asked',
    () => ({ generators: `{scmProvider: {github: {organization: o, api: "https://git.internal.example"}}}` }),
    /True .*scmProvider.*add it to WHEELHOUSE_GENERATOR_HOSTS/,
  ],
  [
    'a repository that does not exist',
    () => ({ generators: files(`${shop.git.url}/none.git`) }),
    /True .*none\.git does not exist/,
  ],
])('%s is said by the set, and changes nothing', async (...[, fields, pattern]) => {
  const before = await state();
  await shop.platform.apply(applicationSet(fields()));
  await whenSetSays(pattern);
  expect(await state()).toEqual(before);
  await shop.platform.apply(applicationSet({}));
  await eventually(async () => expect(await conditions()).not.toMatch(pattern), within);
  await whenSetSays(good);
  expect(await state()).toEqual(before);
});

test('a repository that cannot be reached is said by the set, changes nothing, and is read again once it answers', async () => {
  const before = await state();
  shop.git.failWith(503);
  await shop.push({ 'README.md': 'unreachable' });
  await whenSetSays(/True .*shop\.git cannot be reached/);
  expect(await state()).toEqual(before);
  shop.git.failWith(undefined);
  await sendPush(shop.platform, shop.repository.url, await shop.repository.git('rev-parse', 'main'));
  await eventually(async () => expect(await conditions()).not.toMatch(/cannot be reached/), within);
  expect(await state()).toEqual(before);
});

test('a set that claims the Application of another is told so, changes nothing, and takes nothing along when it goes', async () => {
  const before = await state();
  await shop.platform.apply(applicationSet({ name: 'thief', generators: '{list: {elements: [{name: a}]}}' }));
  await whenSetSays(/True application a exists already, from argocd\/fleet/, 'thief');
  expect(await state()).toEqual(before);
  await shop.platform.api('DELETE', '/api/v1/applicationsets/thief');
  expect(await state()).toEqual(before);
});

test('of two sets that claim one name at once, one gets it, and nothing is lost when the other goes', async () => {
  const names = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'];
  await shop.push(Object.fromEntries(names.map((name) => [`services/${name}/config.yaml`, configMap(name, 'good')])));
  const generators = `{list: {elements: [${names.map((name) => `{name: ${name}}`).join(', ')}]}}`;
  const [one, two] = ['one', 'two'].map((name) => applicationSet({ name, generators }));
  await shop.platform.apply(`${one}---\n${two}`);
  await whenSettled(shop.platform, { names: ['a', 'b', 'shop', ...names] });
  await eventually(async () => {
    const told = (await Promise.all(['one', 'two'].map(conditions))).filter((said) => said.includes('exists already'));
    expect(told).toHaveLength(1);
  }, within);
  const before = await shop.state();
  const loser = (await conditions('one')).includes('exists already') ? 'one' : 'two';
  await shop.platform.api('DELETE', `/api/v1/applicationsets/${loser}`);
  await whenSettled(shop.platform, { names: ['a', 'b', 'shop', ...names] });
  expect(await shop.state()).toEqual(before);
});
