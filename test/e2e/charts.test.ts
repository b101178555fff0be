// An Application of a chart in a Helm repository: a new version that its range takes reaches the cluster at the next look, with
// the login that a repository Secret gives.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication } from '../support/applications.ts';
import { type ChartRepository, startChartRepository } from '../support/chart-repository.ts';
import { eventually } from '../support/eventually.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 20_000, intervalMs: 20 };
let shop: Shop;
let charts: ChartRepository;

const template = (text: string) => ({ 'values.yaml': 'text: none\n', 'templates/a.yaml': configMap('charted', text) });

beforeAll(async () => {
  charts = await startChartRepository();
  await charts.publish('web', '1.0.0', template('one-{{ .Values.text }}'));
  charts.requireBasic('ada', 'secret-word');
  shop = await startShop({ 'app/config.yaml': configMap('shop', 'plain'), 'values.yaml': 'text: of-git\n' });
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await charts[Symbol.asyncDispose]();
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
