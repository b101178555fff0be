// An Application of a chart in a Helm repository: a new version that its range takes reaches the cluster at the next look, with
// the login that a repository Secret gives.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication } from '../support/applications.ts';
import { type ChartRepository, startChartRepository } from '../support/chart-repository.ts';
import { eventually } from '../support/eventually.ts';
import { type Registry, startRegistry } from '../support/registry.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 20 };
let shop: Shop;
let charts: ChartRepository;
let registry: Registry;

const template = (text: string) => ({ 'values.yaml': 'text: none\n', 'templates/a.yaml': configMap('charted', text) });

beforeAll(async () => {
  [charts, registry] = await Promise.all([startChartRepository(), startRegistry()]);
  await charts.publish('web', '1.0.0', template('one-{{ .Values.text }}'));
  charts.requireBasic('ada', 'secret-word');
  shop = await startShop(
    { 'app/config.yaml': configMap('shop', 'plain'), 'values.yaml': 'text: of-git\n' },
    { WHEELHOUSE_WEBHOOK_SECRET_QUAY: 'word' },
  );
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await charts[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

const application = () => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  sources:
  - repoURL: ${charts.url}
    chart: web
    targetRevision: 1.x
    helm: {valueFiles: [$git/values.yaml]}
  - {repoURL: '${shop.repository.url}', targetRevision: main, ref: git}
  destination: {name: east, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
const secret = (password: string) => `apiVersion: v1
kind: Secret
metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: helm, url: '${charts.url}', username: ada, password: ${password}}
`;

test('a wrong login is said, without the password', async () => {
  await shop.platform.apply(secret('not-this-word'));
  await shop.platform.apply(application());
  const said = await shop.whenConditionSays(/index of chart repository .* is refused with 401; check the credentials/);
  expect(said).not.toContain('not-this-word');
  expect(await shop.live()).toEqual({ shop: 'plain' });
});

test('the chart runs with values from Git', async () => {
  await shop.platform.apply(secret('secret-word'));
  await eventually(async () => expect(await shop.live()).toEqual({ charted: 'one-of-git' }), within);
  await eventually(async () => {
    const { status } = await getApplication(shop.platform, 'shop');
    expect(status).toMatchObject({ sync: { revisions: ['1.0.0', expect.any(String)] }, sourceTypes: ['Helm'] });
  }, within);
});

test('a new version that the range takes is found at the next look', async () => {
  await charts.publish('web', '1.1.0', template('two-{{ .Values.text }}'));
  await charts.publish('web', '2.0.0', template('three'));
  await shop.platform.api('GET', '/api/v1/applications/shop?refresh=normal');
  await eventually(async () => expect(await shop.live()).toEqual({ charted: 'two-of-git' }), within);
});

test('a version that was pushed to a registry is looked at when the registry tells of it, and only when it is known', async () => {
  const push = async (version: string) =>
    registry.push(await charts.publish('web', version, template(`pushed-${version}`)), 'team/charts');
  await push('3.0.0');
  const oci = `repoURL: ${registry.host}/team/charts`;
  await shop.platform.apply(
    `apiVersion: v1\nkind: Secret\nmetadata: {name: oci, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}\n` +
      `stringData: {type: helm, enableOCI: "true", insecureOCIForceHttp: "true", url: '${registry.host}/team/charts'}\n`,
  );
  await shop.platform.apply(application().replace(`repoURL: ${charts.url}`, oci).replace('1.x', '3.x'));
  await eventually(async () => expect(await shop.live()).toEqual({ charted: 'pushed-3.0.0' }), within);
  await push('3.1.0');
  const told = { name: 'web', docker_url: `${registry.host}/team/charts/web`, updated_tags: ['3.1.0'] };
  const tell = async (token: string) => await shop.platform.api('POST', `/api/webhook/quay?token=${token}`, told);
  await expect(tell('guess')).rejects.toThrow(/403.*not signed with the secret/);
  expect(await shop.live()).toEqual({ charted: 'pushed-3.0.0' });
  await tell('word');
  await eventually(async () => expect(await shop.live()).toEqual({ charted: 'pushed-3.1.0' }), within);
});
