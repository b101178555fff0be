// What is absent deletes nothing: buckets and streams that lost their content, generators that give nothing, repositories
// that are gone, a queue that is emptied. Afterwards, once people applied again what only lived there, the fleet follows
// the newest commit, and every object on every cluster is still the one it was.

import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { type Fleet, startFleet } from './fleet.ts';

const clusters = ['c0', 'c1', 'c2'];
const services = ['s0', 's1', 's2', 's3', 's4'];
const streams = ['KV_spec', 'KV_derived', 'KV_fleet', 'DESIRED', 'STATUS', 'PRESENCE', 'BLOBS'];
const total = clusters.length * (services.length + 1);
/** A chart of one ConfigMap that has the Application's name. */
const probe = {
  'probe/Chart.yaml': 'apiVersion: v2\nname: probe\nversion: 1.0.0\n',
  'probe/templates/a.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}"}\ndata: {version: probe}\n',
};
const within = { timeoutMs: 90_000, intervalMs: 50 };

const stack = new AsyncDisposableStack();
let git: GitServer;
let platform: Platform;
let repository: ServedRepository;
let fleet: Fleet;
let uids: Record<string, string> | undefined;
let version = 1;
let probes = 0;

beforeAll(async () => {
  git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', { ...files(), ...probe });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  fleet = stack.use(await startFleet(platform, clusters));
  await apply();
  await whenRuns();
  uids = await fleet.uids();
});
afterAll(async () => await stack.disposeAsync());

test.each(streams)('%s loses its content, without and with a restart of the hub', async (stream) => {
  await fleet.purge(stream);
  await whenProbed();
  expect(await harm()).toEqual(none);
  await platform.hubs[0]?.restart();
  if (stream === 'KV_fleet') {
    await whenSetSays(/gave nothing/);
    await fleet.enrolAgain();
  }
  await whenProbed();
  expect(await harm()).toEqual(none);
  await apply();
  const sha = await commit();
  await whenRuns();
  await eventually(async () => expect(await countAt(sha)).toBe(total), within);
  expect(await harm()).toEqual(none);
});

test('the derived state is lost while no repository answers', async () => {
  git.failWith(503);
  await fleet.purge('KV_derived');
  await platform.hubs[0]?.restart();
  await whenSetSays(/cannot be reached/);
  expect(await harm()).toEqual(none);
  git.failWith(undefined);
  await commit();
  await whenRuns();
  expect(await harm()).toEqual(none);
});

test.each<[string, () => Promise<unknown>, () => Promise<unknown>, RegExp]>([
  [
    'gives nothing',
    async () => await push(Object.fromEntries(Object.keys(files()).map((path) => [path, null]))),
    async () => await commit(),
    /gave nothing, which would remove all 15 Applications/,
  ],
  [
    'cannot reach its repository',
    async () => {
      git.failWith(404);
      await push({ README: String(version) });
    },
    async () => {
      git.failWith(undefined);
      await commit();
    },
    /fleet\.git does not exist/,
  ],
  [
    'finds its branch gone',
    async () => {
      await repository.git('branch', '-m', 'main', 'moved');
      await sendPush(platform, repository.url, '1'.repeat(40));
    },
    async () => {
      await repository.git('branch', '-m', 'moved', 'main');
      await commit();
    },
    /revision "main"/,
  ],
])('a generator %s', async (...[, vanish, comeBack, said]) => {
  await vanish();
  await whenSetSays(said);
  expect(await harm()).toEqual(none);
  await platform.hubs[0]?.restart();
  await whenSetSays(said);
  expect(await harm()).toEqual(none);
  await comeBack();
  await whenRuns();
  expect(await harm()).toEqual(none);
});

test('Redis is emptied again and again right behind a push', async () => {
  const redis = new Redis(platform.redis.url);
  for (let turn = 1; turn < 5; turn += 1) {
    await commit();
    for (let again = 0; again < turn; again += 1) await redis.flushall();
    await whenRuns();
    expect(await harm()).toEqual(none);
  }
  redis.disconnect();
});

const none = { deleted: [], tombstones: [], violations: [], replaced: [] };

/** What was deleted, tombstones and generations that did not grow, and objects that are not the ones they were. */
async function harm(): Promise<typeof none | object> {
  const now = await fleet.uids();
  const replaced = Object.entries(uids ?? {}).filter(([id, uid]) => now[id] !== uid);
  const { deleted, tombstones, violations } = fleet;
  return { deleted, tombstones, violations, replaced };
}

/** Everything runs the newest version. */
async function whenRuns(): Promise<void> {
  await eventually(async () => expect((await fleet.versions())[version]).toBe(total), within);
}

/** Proves that the hub works with what it has now: an Application that was not there before runs on every cluster. */
async function whenProbed(): Promise<void> {
  probes += 1;
  const names = clusters.map((cluster) => `probe-${probes}-${cluster}`);
  await platform.apply(
    clusters.map((cluster) => application(`probe-${probes}-${cluster}`, cluster, 'probe')).join('---\n'),
  );
  const running = clusters.map((cluster, index) => `${cluster}/${names[index]}`);
  await eventually(
    async () => expect(Object.keys(await fleet.uids())).toEqual(expect.arrayContaining(running)),
    within,
  );
}

async function whenSetSays(pattern: RegExp): Promise<void> {
  await eventually(async () => {
    const { status } = await platform.api<{ status?: { conditions?: { message: string }[] } }>(
      'GET',
      '/api/v1/applicationsets/fleet',
    );
    expect((status?.conditions ?? []).map(({ message }) => message).join('\n')).toMatch(pattern);
  }, within);
}

/** What people wrote: a set, and an Application for each cluster. */
async function apply(): Promise<void> {
  const byHand = clusters.map((cluster) => application(`hand-${cluster}`, cluster, 'hand'));
  await platform.apply(
    [fleetSet({ repoURL: repository.url, selector: '{matchLabels: {fleet: hollow}}' }), ...byHand].join('---\n'),
  );
}

async function commit(): Promise<string> {
  version += 1;
  return await push(files());
}

async function push(changes: RepositoryFiles): Promise<string> {
  const sha = await repository.commit(changes, `Version ${version}`);
  await sendPush(platform, repository.url, sha);
  return sha;
}

/** How many Applications, but for probes, the hub shows as Synced and Healthy at a commit. */
async function countAt(sha: string): Promise<number> {
  const applications = await listApplications(platform);
  return applications.filter(
    ({ status: { sync, health } }) => sync.revision === sha && sync.status === 'Synced' && health.status === 'Healthy',
  ).length;
}

function files(): Record<string, string> {
  const folders = [...services.map((name) => `services/${name}`), 'hand'];
  return Object.fromEntries(
    folders.map((folder) => [`${folder}/config.yaml`, versionedConfigMap(folder.replace('services/', ''), version)]),
  );
}

function application(name: string, cluster: string, path: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ${name}, namespace: argocd}
spec:
  project: default
  source: {repoURL: '${repository.url}', targetRevision: main, path: ${path}}
  destination: {name: ${cluster}, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
