// Two hub replicas and a fleet of hollow spokes, while something dies in the middle of a rollout: nothing is lost,
// everything converges to the newest commit, generations only grow, and nothing is deleted.

import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { type Fleet, startFleet } from './fleet.ts';

const clusters = Array.from({ length: 20 }, (_, index) => `c${String(index).padStart(2, '0')}`);
const services = Array.from({ length: 10 }, (_, index) => `s${index}`);
const total = clusters.length * services.length;

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let fleet: Fleet;
let uids: Record<string, string>;
let version = 1;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', files(version));
  // nothing is found by polling: what a kill interrupts must be taken up again by itself
  platform = stack.use(await startPlatform({ hubs: 2, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  fleet = stack.use(await startFleet(platform, clusters));
  await platform.apply(fleetSet({ repoURL: repository.url, selector: '{matchLabels: {fleet: hollow}}' }));
  await eventually(async () => await firstVersion());
  uids = await fleet.uids();
});
afterAll(async () => await stack.disposeAsync());

test.each([
  ['a replica is killed', async () => await platform.hubs[1]?.kill('SIGKILL')],
  ['the replica that took the push is killed and started again', async () => await platform.hubs[0]?.restart()],
  ['Redis is emptied', flushRedis],
  ['Redis is killed and started again', async () => await platform.redis.restart()],
  ['NATS is killed and started again', async () => await platform.nats.restart()],
])('a rollout is completed when in the middle of it %s', async (_what, disturb) => {
  version += 1;
  const generations = new Map(fleet.generations);
  const sha = await repository.commit(files(version), `Version ${version}`);
  await sendPush(platform, repository.url, sha);
  await eventually(async () => expect(await fleet.versions()).toHaveProperty(String(version)), { intervalMs: 1 });
  await disturb();

  const within = { timeoutMs: 100_000, intervalMs: 50 };
  await eventually(async () => expect(await fleet.versions()).toEqual({ [version]: total }), within);
  await eventually(async () => expect(await countAt(sha)).toBe(total), within);
  expect(await fleet.uids()).toEqual(uids);
  expect(fleet.deleted).toEqual([]);
  // who reads the documents here may be behind the clusters, after NATS was away
  await eventually(() => {
    for (const cluster of clusters)
      expect(fleet.generations.get(cluster)).toBeGreaterThan(generations.get(cluster) ?? Number.NaN);
  }, within);
  expect([fleet.violations, fleet.tombstones]).toEqual([[], []]);
  await platform.hubs[1]?.restart();
});

async function firstVersion(): Promise<void> {
  const versions = await fleet.versions();
  if (versions['1'] !== total) throw new Error(`${versions['1'] ?? 0} of ${total} run`);
}

async function flushRedis(): Promise<void> {
  const redis = new Redis(platform.redis.url);
  await redis.flushall();
  redis.disconnect();
}

/** How many Applications the hub shows as Synced and Healthy at a commit. */
async function countAt(sha: string): Promise<number> {
  const applications = await listApplications(platform);
  return applications.filter(
    ({ status: { sync, health } }) => sync.revision === sha && sync.status === 'Synced' && health.status === 'Healthy',
  ).length;
}

function files(version: number): RepositoryFiles {
  return Object.fromEntries(
    services.map((name) => [`services/${name}/config.yaml`, versionedConfigMap(name, version)]),
  );
}
