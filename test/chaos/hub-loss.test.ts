// NATS loses its data directory under a fleet of hollow spokes, and the hub is killed at awkward moments of its way back:
// spokes keep running and healing, the hub takes over what they hold, deletes nothing, and goes on above their generations.

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '@wheelhouse/shared/async/abort';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listApplications } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { type Fleet, startFleet } from './fleet.ts';

const clusters = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'];
const services = ['s0', 's1', 's2', 's3'];
const selector = '{matchLabels: {fleet: hollow}}';
/** Generated Applications, and one on each of c0 and c1 that somebody wrote by hand and nobody will apply again. */
const total = clusters.length * services.length + 2;
const within = { timeoutMs: 60_000, intervalMs: 50 };

interface Adoption {
  state: string;
  reason?: string;
  unknown: string[];
  clusters: { cluster: string; generation?: number; registered?: true; unexplained: { app: string }[] }[];
}

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let fleet: Fleet;
let uids: Record<string, string>;
let generations: Map<string, number>;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', files(1));
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  fleet = stack.use(await startFleet(platform, clusters));
  await platform.apply(fleetSet({ repoURL: repository.url, selector }));
  for (const cluster of ['c0', 'c1']) await platform.apply(byHand(repository.url, cluster));
  await platform.api('PATCH', '/api/v1/fleet/clusters/c2/labels', { labels: { tier: 'gold' }, reason: 'paid' });
  await platform.api('PATCH', '/api/v1/fleet/clusters/c2/annotations', { annotations: { owner: 'core team' } });
  await eventually(firstVersion, within);
  uids = await fleet.uids();
  generations = new Map(fleet.generations);
});
afterAll(async () => await stack.disposeAsync());

describe('a hub that lost its store', () => {
  test('finds its clusters and what they hold again, through kills, and deletes nothing', async () => {
    await loseEverything();
    await drift('c3', 's0');
    await platform.nats.restart();
    await eventually(async () => expect(await fleet.versions()).toEqual({ 1: total }), within);

    // the hub dies before it read anything, while clusters come back, and once it knows some of them
    for (const afterMs of [300, 1_500, 2_500]) {
      await platform.hubs[0]?.restart().catch(() => undefined);
      await sleep(afterMs, AbortSignal.timeout(60_000));
      await platform.hubs[0]?.kill('SIGKILL');
    }
    await platform.hubs[0]?.restart();

    await eventually(async () => {
      const { state, reason, unknown, clusters: adopted } = await adoption();
      expect({ state, reason, unknown }).toEqual({ state: 'Open', reason: 'the store was lost', unknown: [] });
      expect(adopted.map(({ cluster, registered }) => `${cluster} ${registered}`)).toEqual(
        clusters.map((cluster) => `${cluster} true`),
      );
      expect(adopted.flatMap(({ unexplained }) => unexplained)).toHaveLength(total);
    }, within);
    for (const { cluster, generation } of (await adoption()).clusters)
      expect(generation).toBeGreaterThanOrEqual(generations.get(cluster) ?? Number.NaN);
    expect(await platform.api('GET', '/api/v1/fleet/clusters/c2')).toMatchObject({
      state: 'Connected',
      labels: { fleet: 'hollow', tier: 'gold' },
      annotations: { owner: 'core team' },
    });
    await nothingHarmed();
  });

  test('shows what clusters run as adopted, with its health', async () => {
    await eventually(async () => {
      const shown = await listApplications(platform);
      expect(shown).toHaveLength(total);
      for (const { status } of shown) {
        expect(status.health.status).toBe('Healthy');
        expect(status.conditions?.map(({ type }) => type)).toContain('Adopted');
      }
    }, within);
    await eventually(
      async () =>
        expect(await platform.metrics()).toMatch(`wheelhouse_applications{dimension="all",value="adopted"} ${total}`),
      within,
    );
  });

  test('explains it again when the specs are applied, without touching a workload', async () => {
    await platform.apply(fleetSet({ repoURL: repository.url, selector }));
    await eventually(async () => {
      const { clusters: adopted } = await adoption();
      expect(adopted.flatMap(({ unexplained }) => unexplained.map(({ app }) => app))).toEqual(['hand-c0', 'hand-c1']);
    }, within);
    await eventually(async () => {
      const synced = (await listApplications(platform)).filter(({ status }) => status.sync.status === 'Synced');
      expect(synced).toHaveLength(total - 2);
    }, within);
    await nothingHarmed();
  });

  test('lets go of the rest as a person says', async () => {
    const release = async (cluster: string, action: string) =>
      await platform.api('POST', '/api/v1/fleet/adoption/release', { cluster, action, reason: 'not wanted' });
    await release('c0', 'keep');
    await release('c1', 'remove');
    await eventually(
      async () => expect((await adoption()).clusters.flatMap((one) => one.unexplained)).toEqual([]),
      within,
    );
    await eventually(() => expect(fleet.deleted).toEqual(['c1/hand-c1']), within);
    const { 'c1/hand-c1': _removed, ...others } = uids;
    expect(await fleet.uids()).toEqual(others);
    // both ends are tombstones, asked for by a person
    await eventually(
      () => expect([...new Set(fleet.tombstones)].toSorted()).toEqual(['c0/hand-c0', 'c1/hand-c1']),
      within,
    );
    expect(await fleet.uids()).toEqual(others);
    expect(fleet.violations).toEqual([]);
    await eventually(async () => expect(await listApplications(platform)).toHaveLength(total - 2), within);
  });

  test('goes on: a commit reaches every cluster, at a generation above all before', async () => {
    await platform.api('POST', '/api/v1/fleet/adoption/close');
    await repository.commit(files(2), 'Version 2');
    for (const { metadata } of await listApplications(platform))
      await platform.api('GET', `/api/v1/applications/${metadata.name}?refresh=normal`);
    await eventually(async () => expect(await fleet.versions()).toEqual({ 1: 1, 2: total - 2 }), within);
    await eventually(() => {
      for (const cluster of clusters)
        expect(fleet.generations.get(cluster)).toBeGreaterThan(generations.get(cluster) ?? Number.NaN);
    }, within);
    expect((await adoption()).state).toBe('Closed');
  });
});

test('a hub whose store vanishes under it saves its specs, ends, and starts over from what clusters hold', async () => {
  const before = await fleet.uids();
  const last = new Map(fleet.generations);
  await platform.nats.kill('SIGKILL');
  await rm(join(platform.dir, 'nats'), { recursive: true });
  await platform.nats.restart();
  await eventually(() => expect(platform.hubs[0]?.output()).toContain('hub: NATS lost its data'), within);
  await platform.hubs[0]?.restart();
  await eventually(async () => expect((await adoption()).clusters).toHaveLength(clusters.length), within);
  await platform.apply(await readFile(join(platform.dir, 'hub/specs-before-loss.yaml'), 'utf8'));
  const settled = async () => (await adoption()).clusters.flatMap(({ unexplained }) => unexplained);
  await eventually(async () => expect(await settled()).toEqual([]), within);
  await eventually(async () => expect(await held()).toBe(true), within);
  expect(await fleet.uids()).toEqual(before);
  expect(fleet.deleted).toEqual(['c1/hand-c1']);
  for (const cluster of clusters)
    expect(fleet.generations.get(cluster)).toBeGreaterThanOrEqual(last.get(cluster) ?? Number.NaN);
});

async function firstVersion(): Promise<void> {
  const { '1': running = 0 } = await fleet.versions();
  if (running !== total || !(await held())) throw new Error(`${running} of ${total} run`);
}

async function adoption(): Promise<Adoption> {
  return await platform.api<Adoption>('GET', '/api/v1/fleet/adoption');
}

/** Every spoke acts upon the newest document: what it holds is what the hub last said. */
async function held(): Promise<boolean> {
  const { items } = await platform.api<{ items: { generation?: number; appliedGeneration?: number }[] }>(
    'GET',
    '/api/v1/fleet/clusters',
  );
  return items.every(
    ({ generation, appliedGeneration }) => generation !== undefined && generation === appliedGeneration,
  );
}

/** The hub, NATS with its data directory, and everything in Redis. */
async function loseEverything(): Promise<void> {
  await platform.hubs[0]?.kill('SIGKILL');
  await platform.nats.kill('SIGKILL');
  await rm(join(platform.dir, 'nats'), { recursive: true });
  const redis = new Redis(platform.redis.url);
  await redis.flushall();
  redis.disconnect();
}

/** Somebody edits by hand while nothing but the spoke is alive. */
async function drift(cluster: string, name: string): Promise<void> {
  const spoke = fleet.spokes.find((one) => one.name === cluster);
  const edit = () =>
    spoke?.cluster.edit({ group: '', version: 'v1', kind: 'ConfigMap', namespace: 'default', name }, (object) => ({
      ...object,
      data: { version: 'broken' },
    }));
  edit();
  await eventually(async () => expect(await fleet.versions()).toEqual({ 1: total }), within);
}

async function nothingHarmed(): Promise<void> {
  expect(await fleet.uids()).toEqual(uids);
  expect(fleet.deleted).toEqual([]);
  expect([fleet.violations, fleet.tombstones]).toEqual([[], []]);
}

function files(version: number) {
  return Object.fromEntries([
    ...services.map((name) => [`services/${name}/config.yaml`, versionedConfigMap(name, version)]),
    ...['c0', 'c1'].map((cluster) => [`hand/${cluster}/config.yaml`, versionedConfigMap(`hand-${cluster}`, 1)]),
  ]);
}

function byHand(repoURL: string, cluster: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: hand-${cluster}, namespace: argocd}
spec:
  project: default
  source: {repoURL: '${repoURL}', targetRevision: main, path: hand/${cluster}}
  destination: {name: ${cluster}, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
