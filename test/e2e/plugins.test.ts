// Config management plugins, from a push to the cluster: by name and found, what fails, and what a preview says of them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication } from '../support/applications.ts';
import { createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { configMap, type Shop, startShop } from '../support/shop.ts';
import { tempDir } from '../support/temp-dir.ts';

const within = { timeoutMs: 60_000, intervalMs: 50 };
const stack = new AsyncDisposableStack();
let shop: Shop;

const plugin = (name: string, spec: string) =>
  `apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: ${name}}\nspec:\n${spec}\n`;
const words = `  parameters:
    static: [{name: suffix, title: What follows each text, required: true, collectionType: string}]
    dynamic: {command: [sh, -c, 'printf "[{\\"name\\": \\"lines\\", \\"string\\": \\"%s\\"}]" "$(wc -l < words.txt)"']}
  generate:
    command: [sh, -c]
    args:
      - |
        [ -e words.txt ] || { echo "no words.txt in $ARGOCD_APP_SOURCE_PATH" >&2; exit 1; }
        while read -r name text; do
          printf -- '---\\napiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: %s}\\ndata: {text: %s%s}\\n' "$name" "$text" "$PARAM_SUFFIX"
        done < words.txt`;
const found = `  discover: {fileName: found.txt}
  generate: {command: [sh, -c, 'cat found.txt']}`;

beforeAll(async () => {
  const { path } = stack.use(await tempDir());
  await writeFile(join(path, 'words.yaml'), plugin('words', words));
  await writeFile(join(path, 'found.yaml'), plugin('found', found));
  shop = stack.use(await startShop({ 'app/config.yaml': configMap('shop', 'plain') }, { WHEELHOUSE_PLUGINS: path }));
});
afterAll(async () => await stack.disposeAsync());

const application = (tool: string) => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source:
    repoURL: '${shop.repository.url}'
    targetRevision: main
    path: app
${tool}
  destination: {name: east, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
const whenRuns = async (expected: Record<string, string>) => {
  await eventually(async () => expect(await shop.live()).toEqual(expected), within);
  return true;
};

test('a folder becomes what a plugin takes as soon as it says so', async () => {
  await shop.push({ 'app/found.txt': configMap('found', 'one') });
  expect(await whenRuns({ found: 'one' })).toBe(true);
  expect((await getApplication(shop.platform, 'shop')).status.sourceType).toBe('Plugin');
  await shop.push({ 'app/found.txt': null });
  expect(await whenRuns({ shop: 'plain' })).toBe(true);
});

test('a plugin by name, with parameters, makes what runs', async () => {
  await shop.push({ 'app/words.txt': 'a one\nb two\n' });
  await shop.platform.apply(application('    plugin: {name: words, parameters: [{name: suffix, string: "-x"}]}'));
  expect(await whenRuns({ a: 'one-x', b: 'two-x' })).toBe(true);
});

test('a plugin is asked which parameters it has, beside what it is given', async () => {
  const wheelhouse = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(shop.platform.dir, 'context.json') } });
  const page = await wheelhouse.succeed('app', 'get', 'shop', '--show-params');
  expect(page).toMatch(/^lines +string +no +2 +- +-$/mu);
  expect(page).toMatch(/^suffix +string +yes +- +-x +What follows each text$/mu);
  const { parameters } = await wheelhouse.json<{ parameters: object[] }>('app', 'get', 'shop', '--show-params');
  expect(parameters).toMatchObject([
    {
      parameters: [
        { name: 'lines', default: '2' },
        { name: 'suffix', value: '-x' },
      ],
    },
  ]);
});

test('a preview shows what a branch makes of it, and what would fail', async () => {
  const wheelhouse = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(shop.platform.dir, 'context.json') } });
  const preview = async (branch: string, text: string | null) => {
    await shop.repository.git('branch', '--force', branch, 'main');
    await shop.repository.commit({ 'app/words.txt': text }, branch, branch);
    return await wheelhouse.run(['preview', '--repo', shop.repository.url, '--revision', branch]);
  };
  const changed = await preview('more', 'a one\nb three\n');
  expect(changed.stdout).toMatch(/- {2}text: two-x\n.*\+ {2}text: three-x/);
  expect(changed.code).toBe(0);
  const broken = await preview('broken', null);
  expect(broken.stdout).toMatch(/PROBLEM +Application shop: plugin words of app failed: no words\.txt in app/);
  expect(broken.code).toBe(7);
  expect(await shop.live()).toEqual({ a: 'one-x', b: 'two-x' });
});

test('a plugin that fails says why, and what runs stays', async () => {
  await shop.push({ 'app/words.txt': null });
  await shop.whenConditionSays(/plugin words of app failed: no words\.txt in app/);
  expect(await shop.live()).toEqual({ a: 'one-x', b: 'two-x' });
  await shop.push({ 'app/words.txt': 'a two\n' });
  expect(await whenRuns({ a: 'two-x' })).toBe(true);
});

test('a plugin that is not there names those that are', async () => {
  await shop.platform.apply(application('    plugin: {name: gone}'));
  await shop.whenConditionSays(/there is no plugin gone; there are: found, words/);
  expect(await shop.live()).toEqual({ a: 'two-x' });
});
