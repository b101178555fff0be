// What merging a branch would do, asked with the command line before it is merged: which Applications appear, change and
// vanish, what would be held, pruned or refused; and that asking changes nothing.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { fleetSet } from '../support/fleet-set.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const stack = new AsyncDisposableStack();
const clusters = ['us-1', 'us-2', 'eu-1'];
let platform: Platform;
let repository: ServedRepository;
let wheelhouse: CommandLine;
let generations: unknown;

const configMap = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {value: '${value}'}\n`;

const chart = {
  'services/chart/Chart.yaml': 'apiVersion: v2\nname: chart\nversion: 1.0.0\n',
  'services/chart/values.yaml': 'colour: red\n',
  'services/chart/templates/config.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: chart}\ndata: {colour: "{{ .Values.colour }}"}\n',
};

const blue = { 'services/chart/values.yaml': 'colour: blue\n' };

const files: RepositoryFiles = {
  ...chart,
  'services/base/kustomization.yaml': 'resources: [config.yaml]\n',
  'services/base/config.yaml': configMap('base', '1'),
  'services/plain/a.yaml': configMap('plain-a', '1'),
  'services/plain/b.yaml': configMap('plain-b', '1'),
};

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', files);
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  for (const name of clusters) await platform.startSpoke(name, { labels: { fleet: 'shop' } });
  await platform.apply(
    fleetSet({ name: 'shop', repoURL: repository.url, revision: 'HEAD', selector: '{matchLabels: {fleet: shop}}' }),
  );
  await whenSettled(platform, {
    names: clusters.flatMap((cluster) => ['chart', 'base', 'plain'].map((service) => `${service}-${cluster}`)),
  });
  wheelhouse = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  generations = await published();
});
afterAll(async () => await stack.disposeAsync());

async function published(): Promise<unknown> {
  const { items } = await platform.api<{ items: { name: string; generation?: number }[] }>(
    'GET',
    '/api/v1/fleet/clusters',
  );
  return items.map(({ name, generation }) => [name, generation]);
}

/** Commits to a branch of its own and asks what merging it would do. */
async function preview(branch: string, changed: RepositoryFiles, ...flags: string[]) {
  await repository.git('branch', '--force', branch, 'main');
  await repository.commit(changed, branch, branch);
  return await wheelhouse.run(['preview', '--repo', repository.url, '--revision', branch, ...flags]);
}

test('a shared Helm value is one change on every cluster', async () => {
  const { code, stdout } = await preview('colour', blue);
  expect(stdout).toMatch(/0 added, 3 changed and 0 removed/);
  expect(stdout).toMatch(/changed alike: 3 Applications on 3 clusters, \+1 -1 lines/);
  expect(stdout).toMatch(/- {2}colour: red\n.*\+ {2}colour: blue/);
  expect(code).toBe(0);
});

test('a kustomize base that is broken is a problem that names the Applications', async () => {
  const { code, stdout } = await preview('broken', {
    'services/base/kustomization.yaml': 'resources: [absent.yaml]\n',
  });
  expect(stdout.match(/PROBLEM {3}Application base-(us-1|us-2|eu-1): .*absent\.yaml/g)).toHaveLength(3);
  expect(code).toBe(7);
});

test('a service directory that is deleted shows what would go, and what the budget would hold', async () => {
  const gone = Object.fromEntries(
    Object.keys(files)
      .filter((path) => /plain|base/.test(path))
      .map((path) => [path, null]),
  );
  const { code, stdout } = await preview('gone', gone);
  expect(stdout).toMatch(/HELD +ApplicationSet argocd\/shop: 6 of 9 Applications would be removed/);
  expect(code).toBe(7);
});

test('a few that go are shown with their objects', async () => {
  const gone = { 'services/base/kustomization.yaml': null, 'services/base/config.yaml': null };
  const { code, stdout } = await preview('few', gone);
  expect(stdout).toMatch(/0 added, 0 changed and 3 removed/);
  expect(stdout).toMatch(/removed alike: 3 Applications on 3 clusters/);
  expect(code).toBe(0);
});

test('an object that leaves its Application would be pruned', async () => {
  const { stdout } = await preview('prune', { 'services/plain/b.yaml': null });
  expect(stdout).toMatch(/PRUNED FROM +CLUSTER +OBJECTS\nplain-eu-1 +eu-1 +ConfigMap plain-b/);
});

test('a service directory that is new adds its Applications, and a raw Secret is refused', async () => {
  const added = await preview('more', { 'services/new/a.yaml': configMap('new', '1') });
  expect(added.stdout).toMatch(/3 added, 0 changed and 0 removed/);
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n';
  const refused = await preview('secret', { 'services/plain/s.yaml': secret });
  expect(refused.stdout).toMatch(/PROBLEM +Application plain-us-1: .*Secret/);
  expect(refused.stdout).not.toContain('hunter2');
  expect(refused.code).toBe(7);
});

test('JSON and Markdown say the same', async () => {
  const json = await preview('colour', blue, '-o', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject({ counts: { changed: 3 }, groups: [{ clusters: 3 }], problems: [] });
  const markdown = await preview('colour', blue, '--markdown');
  expect(markdown.stdout).toMatch(/^<!-- wheelhouse preview -->\n\n### Wheelhouse preview: nothing stands in the way/);
  expect(markdown.stdout).toMatch(/<summary>changed alike: 3 Applications on 3 clusters, \+1 -1 lines<\/summary>/);
});

test('what nobody reads, and what does not exist, is said', async () => {
  const unread = await wheelhouse.run(['preview', '--repo', 'https://git.example/none', '--revision', 'x']);
  expect(unread.stderr).toMatch(/no Application and no ApplicationSet reads https:\/\/git\.example\/none/);
  const absent = await wheelhouse.run(['preview', '--repo', repository.url, '--revision', 'nowhere']);
  expect(absent.stderr).toMatch(/nowhere/);
  expect([unread.code, absent.code]).toEqual([1, 1]);
});

test('asking has changed nothing', async () => {
  expect(await published()).toEqual(generations);
});
