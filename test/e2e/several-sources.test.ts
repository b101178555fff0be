// An Application of several repositories: a push to any of them reaches the cluster, and the API says which revisions run.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { startFileServer } from '../support/file-server.ts';
import type { ServedRepository } from '../support/git-server.ts';
import { sendPush } from '../support/push-event.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 20 };
let shop: Shop;
let values: ServedRepository;

beforeAll(async () => {
  shop = await startShop({
    'app/config.yaml': configMap('shop', 'plain'),
    'chart/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
    'chart/templates/a.yaml': configMap('charted', '"{{ .Values.text }}"'),
    'base/kustomization.yaml': 'resources: [config.yaml]\n',
    'base/config.yaml': configMap('based', 'one'),
  });
  values = await shop.git.createRepository('values', { 'prod.yaml': 'text: one\n', 'README.md': 'values' });
});
afterAll(async () => await shop[Symbol.asyncDispose]());

const application = (sources: string) => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  sources:
${sources}
  destination: {name: east, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
const pushValues = async (files: Record<string, string>) =>
  await sendPush(shop.platform, values.url, await values.commit(files, 'Change'));
const whenRuns = async (expected: Record<string, string>) => {
  await eventually(async () => expect(await shop.live()).toEqual(expected), within);
  return true;
};

test('a chart with the values of another repository', async () => {
  await shop.platform.apply(
    application(`  - {repoURL: '${shop.repository.url}', targetRevision: main, path: app}
  - repoURL: '${shop.repository.url}'
    targetRevision: main
    path: chart
    helm: {valueFiles: [$values/prod.yaml]}
  - {repoURL: '${values.url}', targetRevision: main, ref: values}`),
  );
  expect(await whenRuns({ shop: 'plain', charted: 'one' })).toBe(true);
  await pushValues({ 'prod.yaml': 'text: two\n' });
  expect(await whenRuns({ shop: 'plain', charted: 'two' })).toBe(true);
  await shop.push({ 'app/config.yaml': configMap('shop', 'changed') });
  expect(await whenRuns({ shop: 'changed', charted: 'two' })).toBe(true);
});

test('the API says which revision of each source runs, in lists as Argo CD', async () => {
  const { status, spec } = await getApplication(shop.platform, 'shop');
  const sha = expect.stringMatching(/^[0-9a-f]{40}$/u);
  expect(status.sync).toMatchObject({ revisions: [sha, sha, sha], comparedTo: { sources: spec.sources } });
  expect(status.sync).not.toHaveProperty('revision');
  expect(status.sourceTypes).toEqual(['Directory', 'Helm']);
});

test('a file in Git overrides the fields of one Application', async () => {
  await shop.platform.apply(application(`  - {repoURL: '${shop.repository.url}', targetRevision: main, path: base}`));
  expect(await whenRuns({ based: 'one' })).toBe(true);
  await shop.push({ 'base/.argocd-source-shop.yaml': 'kustomize: {namePrefix: own-}\n' });
  expect(await whenRuns({ 'own-based': 'one' })).toBe(true);
  await shop.push({ 'base/.argocd-source-shop.yaml': null, 'base/.argocd-source-other.yaml': 'helm: {}\n' });
  expect(await whenRuns({ based: 'one' })).toBe(true);
});

test('a wrong override says so and leaves what runs as it is', async () => {
  await shop.push({ 'base/.argocd-source.yaml': 'kustomize: {nameprefix: x-}\n' });
  await shop.whenConditionSays(/base\/\.argocd-source\.yaml: overrides spec\.source wrongly at kustomize/);
  expect(await shop.live()).toEqual({ based: 'one' });
});

test('a reference that is not there says which', async () => {
  await shop.platform.apply(
    application(
      `  - {repoURL: '${shop.repository.url}', targetRevision: main, path: chart, helm: {valueFiles: [$nope/a.yaml]}}`,
    ),
  );
  await shop.whenConditionSays(
    /\$nope\/a\.yaml names a source that is not there: give one of spec\.sources the ref nope/,
  );
  expect(await shop.live()).toEqual({ based: 'one' });
});

test('values by URL reach the cluster, and others at the next look', async () => {
  await using server = await startFileServer({ '/v.yaml': 'text: by-url\n' });
  const helm = `{valueFiles: ['${server.url}/v.yaml']}`;
  await shop.platform.apply(
    application(`  - {repoURL: '${shop.repository.url}', targetRevision: main, path: chart, helm: ${helm}}`),
  );
  expect(await whenRuns({ charted: 'by-url' })).toBe(true);
  server.files.set('/v.yaml', 'text: later\n');
  await shop.platform.api('GET', '/api/v1/applications/shop?refresh=normal');
  expect(await whenRuns({ charted: 'later' })).toBe(true);
});
