// Preview of commits that change App of Apps: children that change, appear and go, sets of theirs, children of children, and
// what the hub would not do: take a child of another parent, or empty a parent that does not allow it.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { numbersSet } from '../support/fleet-set.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const stack = new AsyncDisposableStack();
const names = ['one', 'two', 'three', 'four', 'deep', 'bare'];
let platform: Platform;
let repository: ServedRepository;
let cli: CommandLine;

interface Preview {
  counts: { added: number; changed: number; removed: number };
  groups: { kind: string; applications: { app: string }[]; objects: { kind: string }[]; leavesObjects?: true }[];
  problems: { object: string; message: string }[];
}

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', workloads());
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  await platform.startSpoke('east');
  await repository.commit(
    {
      'parent/one.yaml': child('one'),
      'parent/bare.yaml': child('bare', { finalizer: false }),
      'parent/set.yaml': numbersSet({ repoURL: repository.url, names: ['two', 'three'] }),
      'parent/nested.yaml': parent('nested'),
      'nested/deep.yaml': child('deep'),
      'other/other.yaml': child('four'),
    },
    'Add the children',
  );
  await platform.apply(`${parent('parent')}---\n${parent('other')}`);
  await whenSettled(platform, { names: [...names, 'parent', 'nested', 'other'] }, { timeoutMs: 60_000 });
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
});
afterAll(async () => await stack.disposeAsync());

async function preview(branch: string, changed: RepositoryFiles): Promise<Preview & { code: number }> {
  await repository.git('branch', '--force', branch, 'main');
  await repository.commit(changed, branch, branch);
  const args = ['preview', '--repo', repository.url, '--revision', branch, '-o', 'json'];
  const { code, stdout, stderr } = await cli.run(args);
  if (stdout === '') throw new Error(stderr);
  return { ...(JSON.parse(stdout) as Preview), code };
}

/** `removed one` for each Application, with `left` for one whose objects stay; of parents only what happens to them. */
function told({ groups }: Preview): string[] {
  return groups
    .flatMap(({ kind, applications, leavesObjects }) =>
      applications.map(({ app }) => `${kind} ${app}${leavesObjects ? ' left' : ''}`),
    )
    .sort();
}

test('a child that changes, and one that is new, change what runs', async () => {
  const shown = await preview('change', {
    'parent/one.yaml': child('one', { path: 'workloads/two' }),
    'parent/new.yaml': child('new', { path: 'workloads/one' }),
    'parent/set.yaml': numbersSet({ repoURL: repository.url, names: ['two', 'three', 'five'] }),
    'workloads/five/config.yaml': workload('five'),
  });
  expect(told(shown)).toEqual(['added five', 'added new', 'changed one', 'changed parent']);
  expect([shown.problems, shown.code]).toEqual([[], 0]);
});

test('a child that goes takes its objects along, unless it has no finalizer', async () => {
  const shown = await preview('gone', { 'parent/one.yaml': null, 'parent/bare.yaml': null });
  expect(told(shown)).toEqual(['changed parent', 'removed bare left', 'removed one']);
  const [one] = shown.groups.filter(({ applications }) => applications.some(({ app }) => app === 'one'));
  expect(one?.objects).toMatchObject([{ kind: 'removed' }]);
  const { stdout } = await cli.run(['preview', '--repo', repository.url, '--revision', 'gone']);
  expect(stdout).toMatch(/^removed: bare on east, without finalizer: what it runs stays$/m);
});

test('a set that goes takes along what it generated, and a parent its children', async () => {
  const shown = await preview('nested-gone', { 'parent/set.yaml': null, 'parent/nested.yaml': null });
  expect(told(shown)).toEqual(['changed parent', 'removed deep', 'removed nested', 'removed three', 'removed two']);
});

test('children of a child parent are followed', async () => {
  const shown = await preview('deeper', {
    'nested/deep.yaml': null,
    'nested/deeper.yaml': child('deeper', { path: 'workloads/deep' }),
  });
  expect(told(shown)).toEqual(['added deeper', 'changed nested', 'removed deep']);
});

test('a child of another parent, and one that the hub would refuse, are problems', async () => {
  const shown = await preview('foreign', {
    'parent/four.yaml': child('four', { path: 'workloads/one' }),
    'parent/bad.yaml': 'apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: bad}\nspec: {}\n',
  });
  expect(told(shown)).toEqual(['changed parent']);
  expect(shown.problems).toContainEqual(
    expect.objectContaining({ object: 'Application argocd/four', message: expect.stringMatching(/other.*parent/) }),
  );
  expect(shown.problems).toContainEqual(expect.objectContaining({ object: 'Application argocd/bad' }));
  expect(shown.code).toBe(7);
});

test('a parent that would be left empty keeps its children, and it is said', async () => {
  const shown = await preview('empty', { 'other/other.yaml': null, 'other/README.md': 'nothing here\n' });
  expect(told(shown)).toEqual(['changed other']);
  expect(shown.problems).toEqual([
    expect.objectContaining({
      object: 'Application other',
      message: expect.stringMatching(/they stay; set allowEmpty/),
    }),
  ]);
});

function workloads(): RepositoryFiles {
  return Object.fromEntries(names.map((name) => [`workloads/${name}/config.yaml`, workload(name)]));
}

function workload(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {of: ${name}}\n`;
}

function child(name: string, { path = `workloads/${name}`, finalizer = true } = {}): string {
  return application(name, { path, finalizer, destination: '{name: east, namespace: default}' });
}

function parent(name: string): string {
  const destination = '{server: https://kubernetes.default.svc, namespace: argocd}';
  return application(name, { path: name, finalizer: true, destination });
}

function application(name: string, spec: { path: string; finalizer: boolean; destination: string }): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ${name}
  namespace: argocd
  finalizers: [${spec.finalizer ? 'resources-finalizer.argocd.argoproj.io' : ''}]
spec:
  project: default
  source: {repoURL: '${repository.url}', targetRevision: main, path: ${spec.path}}
  destination: ${spec.destination}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
