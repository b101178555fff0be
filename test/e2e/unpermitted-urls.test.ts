// A project that does not permit the URLs of value files and kustomize resources: nothing is ever asked of their server, what
// it permits is fetched and followed, and following ends when it is withdrawn.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { getApplication, messagesOf, whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { type FileServer, startFileServer } from '../support/file-server.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
let files: FileServer;
let shop: Shop;

beforeAll(async () => {
  files = await startFileServer({ '/values.yaml': 'text: far\n', '/base.yaml': configMap('base', 'far') });
  shop = await startShop(
    {
      'app/a.yaml': configMap('a', 'one'),
      'chart/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'chart/values.yaml': 'text: near\n',
      'chart/templates/a.yaml': configMap('chart', '"{{ .Values.text }}"'),
      'kustomized/kustomization.yaml': `resources: [a.yaml, '${files.url}/base.yaml']\n`,
      'kustomized/a.yaml': configMap('kustomized', 'one'),
    },
    { WHEELHOUSE_POLL_INTERVAL: '1s' },
  );
});
afterAll(async () => {
  await shop?.[Symbol.asyncDispose]();
  await files?.[Symbol.asyncDispose]();
});
beforeEach(() => void files.seen.splice(0));

const project = (...repositories: string[]) => `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: team, namespace: argocd}
spec:
  sourceRepos: ${JSON.stringify([shop.repository.url, ...repositories])}
  destinations: [{server: '*', namespace: '*'}]
`;
const application = (path: string, more = '') =>
  shop
    .application({ path })
    .replace('name: shop', `name: ${path}`)
    .replace('project: default', 'project: team')
    .replace(`path: '${path}'}`, `path: '${path}'${more}}`);
const said = async (name: string) => messagesOf(await getApplication(shop.platform, name)).join('\n');
/** Resolves when the repository was looked at `count` times more, and with it everything else that is. */
async function polls(count: number): Promise<void> {
  const looks = () => shop.git.requests.filter((request) => request.includes('info/refs')).length;
  const before = looks();
  await eventually(async () => expect(looks()).toBeGreaterThanOrEqual(before + count), within);
}

const kinds: [string, string, string, () => string][] = [
  ['a value file of Helm', 'chart', 'values.yaml', () => `, helm: {valueFiles: ['${files.url}/values.yaml']}`],
  ['a resource of kustomize', 'kustomized', 'base.yaml', () => ''],
];

test.each(kinds)(
  '%s by a URL that the project does not permit is refused, and its server hears nothing',
  async (...row) => {
    const [, name, file, more] = row;
    await shop.platform.apply(project());
    await shop.platform.apply(application(name, more()));
    const refused = `its manifests are made with files of ${files.url}/${file}, which project team does not permit: add it to sourceRepos`;
    await eventually(async () => expect(await said(name)).toContain(refused), within);
    // what makes the hub look again
    await shop.push({ [`${name}/notes.txt`]: 'b' });
    await shop.platform.api('GET', `/api/v1/applications/${name}?refresh=hard`);
    await polls(3);
    expect(files.seen).toEqual([]);
    expect(await shop.live()).toEqual({ a: 'one' });
  },
);

test('what it permits is fetched and followed, and no more once it is withdrawn', async () => {
  await shop.platform.apply(project(`${files.url}/*`));
  const far = { a: 'one', base: 'far', chart: 'far', kustomized: 'one' };
  await eventually(async () => expect(await shop.live()).toEqual(far), within);
  files.files.set('/values.yaml', 'text: further\n');
  await eventually(async () => expect(await shop.live()).toEqual({ ...far, chart: 'further' }), within);
  await shop.platform.apply(project());
  for (const [, name] of kinds)
    await eventually(async () => expect(await said(name)).toContain('which project team does not permit'), within);
  // one that was under way
  await polls(2);
  files.seen.splice(0);
  files.files.set('/values.yaml', 'text: furthest\n');
  await polls(3);
  expect(files.seen).toEqual([]);
  expect(await shop.live()).toEqual({ ...far, chart: 'further' });
  await shop.platform.apply(project(`${files.url}/*`));
  await eventually(async () => expect(await shop.live()).toEqual({ ...far, chart: 'furthest' }), within);
  await whenSettled(shop.platform, { names: ['chart', 'kustomized', 'shop'] });
});
