// The README's first page, as printed: two commands, three things to try, Ctrl-C, a second start, --once and --reset.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { ShownApplication } from '../support/applications.ts';
import { type Demo, openDemo } from '../support/demo.ts';
import { eventually } from '../support/eventually.ts';
import type { Terminal } from '../support/terminal.ts';

interface ShownDeployment {
  spec: { replicas: number };
}

const settled = /all Healthy \d+\.\d s after the start/;
const escape = '\u001B[';
/** Where the cursor goes up to draw over what is shown. */
const redrawn = /\[\d+A\r/;
let demo: Demo;
/** The shell blocks of the README's "Three things to try". */
let blocks: string[];
let terminal: Terminal;

beforeAll(async () => {
  demo = await openDemo();
  const readme = await readFile(join(demo.dir, 'README.md'), 'utf8');
  const [, section = ''] = /## Three things to try\n(.*?)\n## /s.exec(readme) ?? [];
  blocks = [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block.replaceAll(/^ +/gm, ''));
  terminal = await demo.start('npm start', settled);
});
afterAll(async () => await demo?.[Symbol.asyncDispose]());

async function listApplications(): Promise<ShownApplication[]> {
  const text = await demo.shell('npm run --silent wheelhouse -- app list -o json');
  return JSON.parse(text) as ShownApplication[];
}

/** A request of a simulated cluster's own API; undefined for what is not there. */
async function askCluster<T>(name: string, path: string): Promise<T | undefined> {
  const accesses = JSON.parse(await readFile(join(demo.dir, '.wheelhouse/clusters.json'), 'utf8')) as {
    [cluster: string]: { server: string };
  };
  const response = await fetch(`${accesses[name]?.server}${path}`);
  return response.ok ? ((await response.json()) as T) : undefined;
}

async function replicasOf(cluster: string): Promise<number | undefined> {
  const path = '/apis/apps/v1/namespaces/checkout/deployments/checkout';
  return (await askCluster<ShownDeployment>(cluster, path))?.spec.replicas;
}

test('the first start shows clusters and Applications with the age of each state, and what to try', () => {
  const output = terminal.output();
  expect(blocks).toHaveLength(4);
  expect(output).toMatch(/us-east +Connected +\d+[sm] ago +\S*environment=production\S* +4\n/);
  expect(output).toMatch(/storefront-us-west +us-west +Synced +Healthy +\d+[sm] ago +[0-9a-f]{7}\n/);
  expect(output).toContain('8 of 8 Applications Healthy\n');
  for (const line of blocks.slice(0, 3).join('').trim().split('\n')) expect(output).toContain(`     ${line}\n`);
});

test('the places that it names hold what it says', async () => {
  const [, url, ca] = /API +(\S+) +\(CA (\S+)\)/.exec(terminal.output()) ?? [];
  const [, token] = /admin token +(\S+)/.exec(terminal.output()) ?? [];
  const flags = `--server ${url} --ca-file ${ca} --token-file ${token}`;
  expect(await demo.shell(`npm run --silent wheelhouse -- ${flags} cluster list`)).toMatch(/us-west +Connected/);
});

test('1. a commit rolls out', async () => {
  expect(await replicasOf('us-east')).toBe(2);
  await demo.shell(blocks[0] ?? '');
  const sha = (await demo.shell('git -C .wheelhouse/shop rev-parse HEAD')).trim();
  await eventually(async () => expect(await Promise.all(['us-east', 'us-west'].map(replicasOf))).toEqual([4, 4]));
  await eventually(
    async () => {
      const apps = (await listApplications()).filter(({ metadata }) => metadata.name.startsWith('checkout-'));
      expect(apps.map(({ status }) => [status.sync.revision, status.health.status])).toEqual([
        [sha, 'Healthy'],
        [sha, 'Healthy'],
      ]);
    },
    { intervalMs: 250 },
  );
});

test('2. what is broken by hand heals', async () => {
  const output = await demo.shell(blocks[1] ?? '');
  expect(output).toMatch(
    /on us-east: edited the ConfigMap of checkout, deleted its Service, scaled .* to 0\nhealed \d+ ms later\n$/,
  );
  expect(await replicasOf('us-east')).toBe(4);
});

test.each([
  [
    'a cluster that is not there',
    'break us-north',
    'demo: there is no cluster us-north: choose one of us-east, us-west, eu-central',
  ],
  [
    'a service that is not there',
    'break us-east cart',
    'demo: there is no /api/v1/namespaces/cart/configmaps/cart to be broken',
  ],
  ['nothing', '', 'demo: usage: npm run demo -- break CLUSTER [SERVICE], npm run demo -- trace'],
])('2. breaking %s is refused', async (_, args, message) => {
  const { code, output } = await demo.fail(`npm run --silent demo -- ${args}`);
  expect(output.trim()).toBe(message);
  expect(code).toBe(1);
});

test('3. a relabelled cluster gets the shop; labelled back, it gives it up by a plan', async () => {
  expect(await demo.shell(blocks[2] ?? '')).toMatch(/^Plan .*: 0 leave, 4 arrive/m);
  await eventually(() => expect(terminal.output()).toContain('12 of 12 Applications Healthy\n'), { timeoutMs: 60_000 });
  expect(await replicasOf('eu-central')).toBe(4);

  const [label = '', list = ''] = (blocks[3] ?? '').trim().split('\n');
  const finished = /^p\S+ +Completed +100 %/m;
  await eventually(async () => expect(await demo.shell(list)).toMatch(finished), {
    timeoutMs: 90_000,
    intervalMs: 500,
  });
  expect(await demo.shell(label)).toMatch(/^Plan .*: 4 leave, 0 arrive/m);
  await eventually(async () => expect(await replicasOf('eu-central')).toBeUndefined());
  await eventually(() => expect(terminal.output().trimEnd()).toMatch(/\n8 of 8 Applications Healthy$/));
  expect(await demo.shell(list)).toMatch(/^p\S+ +Completed +100 % +0\/0 +4\/4/m);
});

test.each(['npm start', 'npm start -- --reset'])('while it runs, %s in the same folder is refused', async (line) => {
  const { code, output } = await demo.fail(line);
  expect(output).toContain(`start: a demo runs in ${demo.dir}/.wheelhouse already: end it first`);
  expect(code).toBe(1);
});

test('a second start in another folder is a demo of its own', async () => {
  await using other = await openDemo();
  const neighbour = await other.start('npm start -- --once', settled);
  expect(await neighbour.ended).toBe(0);
  await other.whenGone();
  expect(terminal.output().trimEnd()).toMatch(/\n8 of 8 Applications Healthy$/);
});

test('Ctrl-C ends every process and frees every port', async () => {
  terminal.interrupt();
  expect(await terminal.ended).toBe(0);
  expect(terminal.output().trimEnd()).toMatch(/\nstopping$/);
  await demo.whenGone();
});

test('after it, `npm run demo` says that nothing runs', async () => {
  const { code, output } = await demo.fail('npm run --silent demo -- break us-east');
  expect(output).toMatch(/^demo: nothing answers at \S+: is 'npm start' running\?\n$/);
  expect(code).toBe(1);
});

test('a second start goes on from there, in a live table, until Ctrl-C', async () => {
  const live = await demo.start('npm start', settled, { columns: 110, rows: 50 });
  await eventually(() => expect(live.output().split(redrawn).length).toBeGreaterThan(3));
  for (const word of ['Connected', 'Synced', 'Healthy'])
    expect(live.output()).toContain(`${escape}32m${word}${escape}0m`);
  expect(await replicasOf('us-west')).toBe(4);
  expect(await listApplications()).toHaveLength(8);
  live.interrupt();
  expect(await live.ended).toBe(0);
  await demo.whenGone();
});

test('a remembered port that another process took is named', async () => {
  const file = join(demo.dir, '.wheelhouse/simulated/ports.json');
  const { nats } = JSON.parse(await readFile(file, 'utf8')) as { nats: number };
  const thief = createServer().listen(nats, '127.0.0.1');
  onTestFinished(() => void thief.close());
  const { code, output } = await demo.fail('npm start -- --once');
  expect(output).toContain(`start: port ${nats}, which this demo uses for nats, is taken by another process: `);
  expect(code).toBe(1);
});

test('--once ends when all is Healthy, and --reset forgets everything', async () => {
  const once = await demo.start('npm start -- --once', settled);
  expect(await once.ended).toBe(0);
  await demo.whenGone();
  await writeFile(join(demo.dir, '.wheelhouse/mine'), 'a file of mine');
  expect(await demo.shell('npm start --silent -- --reset')).toBe('forgotten: the next npm start begins anew\n');
  expect(existsSync(join(demo.dir, '.wheelhouse'))).toBe(false);
  const { output } = await demo.fail('npm run --silent demo -- break us-east');
  expect(output).toBe("demo: no demo has run here: begin with 'npm start'\n");
});
