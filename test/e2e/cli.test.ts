// A fleet by hand, as docs/guides say: nats-server from the configuration that the hub's authority gives, Redis, and the
// command line for everything else. No flags but those of the guides; the hub is found by the context that it writes.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messagesOf, type ShownApplication } from '../support/applications.ts';
import { runChild, startChild } from '../support/child.ts';
import { type CommandLine, createCommandLine, wheelhouse } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { startRedis } from '../support/redis.ts';
import { tempDir } from '../support/temp-dir.ts';
import { getTool } from '../support/tools.ts';

interface ListedCluster {
  name: string;
  state: string;
  labels: Record<string, string>;
}

const stack = new AsyncDisposableStack();
let dir: string;
let env: Record<string, string>;
let cli: CommandLine;
let repository: ServedRepository;

beforeAll(async () => {
  dir = stack.use(await tempDir()).path;
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', { 'web/config.yaml': configMap('one') });
  env = { HOME: join(dir, 'home'), PATH: process.env.PATH ?? '' };
  cli = createCommandLine({ env, cwd: dir });
  await mkdir(join(dir, 'redis'));
  const [natsPort, hubPort] = [await freePort(), await freePort()];
  await startNatsByHand(natsPort);
  const redis = stack.use(await startRedis({ dir: join(dir, 'redis') }));
  const flags = {
    data: join(dir, 'hub'),
    listen: `127.0.0.1:${hubPort}`,
    'nats-url': `tls://127.0.0.1:${natsPort}`,
    'redis-url': redis.url,
  };
  await run('hub', ['hub', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])], hubPort);
});
afterAll(async () => await stack.disposeAsync());

test('clusters join by a token, with its labels', async () => {
  for (const [name, environment] of [
    ['us-east', 'production'],
    ['eu-central', 'staging'],
  ] as const) {
    const labels = ['--label', `environment=${environment}`, '--label', `region=${name.slice(0, 2)}`];
    const token = (await cli.succeed('cluster', 'token', name, ...labels)).trim();
    await run(`agent-${name}`, ['agent', '--token', token, '--simulate', '--state', join(dir, name)], async () => {
      await eventually(
        async () => expect(await cli.json('cluster', 'get', name)).toMatchObject({ state: 'Connected' }),
        { timeoutMs: 120_000, intervalMs: 500 },
      );
    });
  }
  const clusters = await cli.json<ListedCluster[]>('cluster', 'list');
  expect(clusters.map(({ name, state, labels }) => `${name} ${state} ${labels['region']}`).sort()).toEqual([
    'eu-central Connected eu',
    'us-east Connected us',
  ]);
  const table = await cli.succeed('cluster', 'list', '-l', 'region=us');
  expect(table.trim().split('\n')).toHaveLength(2);
  expect(table).toMatch(/^NAME +STATE .*\nus-east +Connected .*environment=production,region=us/);
});

test('a manual Application is OutOfSync until it is synced', async () => {
  expect(await cli.succeed('apply', '-f', await manifest('web.yaml', application()))).toBe('application/web created\n');
  await eventually(async () => expect((await getWeb()).status.sync.status).toBe('OutOfSync'), { intervalMs: 250 });
  const { code, stdout } = await cli.run(['app', 'diff', 'web']);
  expect(code).toBe(6);
  expect(stdout).toMatch(/ConfigMap web\/web/);
  expect(stdout).toMatch(/^\+.*version: one/m);

  const waiting = await cli.run(['app', 'wait', 'web', '--timeout', '2s']);
  expect(waiting.code).toBe(5);
  expect(waiting.stderr).toMatch(/after 2 s not all are done: web: OutOfSync/);

  expect(await cli.succeed('app', 'sync', 'web')).toMatch(/^application web: sync Succeeded/);
  expect(await cli.succeed('app', 'wait', 'web')).toBe('application web: Synced, Healthy\n');
  expect(await cli.succeed('app', 'diff', 'web')).toBe('');
});

test('a commit makes it OutOfSync again, and its difference is shown until the next sync', async () => {
  const sha = await repository.commit({ 'web/config.yaml': configMap('two') }, 'Second version');
  await cli.succeed('app', 'get', 'web', '--refresh');
  await eventually(async () => expect((await getWeb()).status.sync.status).toBe('OutOfSync'), { intervalMs: 250 });
  const { code, stdout } = await cli.run(['app', 'diff', 'web']);
  expect(code).toBe(6);
  expect(stdout).toMatch(/^-.*version: one\n\+.*version: two/m);
  await cli.succeed('app', 'sync', 'web');
  expect(await cli.succeed('app', 'wait', 'web', '--sync')).toMatch(/^application web: Synced/);
  expect((await getWeb()).status.sync.revision).toBe(sha);
});

test('one Application is shown as a page, JSON and YAML', async () => {
  const page = await cli.succeed('app', 'get', 'web');
  expect(page).toMatch(/Sync policy: +manual/);
  expect(page).toMatch(/ConfigMap +web +web +Synced/);
  const yaml = parseYaml(await cli.succeed('app', 'get', 'web', '-o', 'yaml')) as ShownApplication;
  expect(yaml.spec).toEqual((await getWeb()).spec);
  expect(await cli.succeed('app', 'list')).toMatch(/^NAME .*\nweb +us-east +default +Synced +Healthy/);
});

test('an ApplicationSet follows labels, and holds what it would remove at once', async () => {
  await cli.succeed('apply', '-f', await manifest('fleet.yaml', applicationSet()));
  await whenListed('fleet-us-east', 'web');
  await cli.succeed('cluster', 'label', 'eu-central', 'environment=production', '--yes');
  await whenListed('fleet-eu-central', 'fleet-us-east', 'web');
  expect(await cli.succeed('app', 'wait', '--all', '-c', 'eu-central')).toBe(
    'application fleet-eu-central: Synced, Healthy\n',
  );
  expect(await cli.succeed('appset', 'list')).toMatch(/^NAME .*\nfleet +clusters +2 +up to date/);

  await cli.succeed('apply', '-f', await manifest('fleet.yaml', applicationSet().replace('production', 'nowhere')));
  await eventually(
    async () =>
      expect(await cli.succeed('appset', 'get', 'fleet')).toMatch(/DeletionHeld True: .*appset release fleet/),
    { intervalMs: 250 },
  );
  expect(await namesOf()).toContain('fleet-eu-central');
  expect((await cli.run(['appset', 'reject', 'fleet'])).stderr).toContain("required option '--reason <text>'");
  expect(await cli.succeed('appset', 'reject', 'fleet', '--reason', 'wrong label')).toBe(
    'applicationset fleet: held deletions rejected, the Applications stay\n',
  );
  await eventually(
    async () =>
      expect(await cli.succeed('appset', 'list')).toMatch(
        /DeletionRejected: 2 Applications that are not generated any more stay, by admin: wrong label; /,
      ),
    { intervalMs: 250 },
  );
  expect((await cli.run(['appset', 'reject', 'fleet', '--reason', 'again'])).stderr).toContain('holds no removals');
  expect((await cli.run(['appset', 'release', 'fleet'])).stderr).toContain('--rejected lets those go');
  expect(await cli.succeed('appset', 'release', 'fleet', '--rejected')).toBe(
    'applicationset fleet: rejected deletions released\n',
  );
  await whenListed('web');
});

test('what is wrong is one line on standard error and a code', async () => {
  const missing = await cli.run(['app', 'get', 'nobody']);
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr.trim()).toMatch(/^Error: .*nobody does not exist$/);
  const denied = await cli.run(['--token', 'wrong', 'app', 'list']);
  expect(denied.code).toBe(4);
  const away = await cli.run(['--server', `https://127.0.0.1:${await freePort()}`, 'app', 'list']);
  expect(away.code).toBe(3);
});

test('a deleted Application takes its resources along', async () => {
  expect(await cli.succeed('app', 'delete', 'web')).toBe('application web deleted\n');
  await whenListed();
});

/** `wheelhouse …` for as long as the tests run. */
async function run(name: string, args: string[], ready: number | (() => Promise<void>)): Promise<void> {
  const logFile = join(dir, `${name}.log`);
  stack.use(await startChild({ command: process.execPath, args: [wheelhouse, ...args], logFile, env, ready }));
}

async function startNatsByHand(port: number): Promise<void> {
  const script = join(import.meta.dirname, '../../hub/src/write-nats-config.ts');
  await runChild(process.execPath, [script, join(dir, 'nats'), `127.0.0.1:${port}`], {
    env: { ...env, WHEELHOUSE_DATA: join(dir, 'hub') },
  });
  const args = ['-c', join(dir, 'nats/nats.conf')];
  stack.use(await startChild({ command: getTool('nats-server'), args, logFile: join(dir, 'nats.log'), ready: port }));
}

async function getWeb(): Promise<ShownApplication> {
  const found = await cli.json<ShownApplication>('app', 'get', 'web');
  expect(messagesOf(found)).toEqual([]);
  return found;
}

async function namesOf(): Promise<string[]> {
  return (await cli.json<ShownApplication[]>('app', 'list')).map(({ metadata }) => metadata.name).sort();
}

async function whenListed(...names: string[]): Promise<void> {
  await eventually(async () => expect(await namesOf()).toEqual(names), { intervalMs: 250 });
}

async function manifest(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text);
  return name;
}

function configMap(version: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  version: ${version}\n`;
}

function application(): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  namespace: argocd
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: default
  source: {repoURL: '${repository.url}', targetRevision: main, path: web}
  destination: {name: us-east, namespace: web}
  syncPolicy: {syncOptions: [CreateNamespace=true]}
`;
}

function applicationSet(): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: fleet, namespace: argocd}
spec:
  generators:
    - clusters: {selector: {matchLabels: {environment: production}}}
  template:
    metadata: {name: 'fleet-{{name}}'}
    spec:
      project: default
      source: {repoURL: '${repository.url}', targetRevision: main, path: web}
      destination: {server: '{{server}}', namespace: fleet}
      syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}
`;
}
