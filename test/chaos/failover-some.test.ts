// Failovers of some Applications between two regions of hollow spokes: the hub killed in each phase, a plan aborted, and the
// store lost afterwards. Only what is selected ever moves, nothing before it runs at the destination, and what these
// Applications see of the clusters comes back from the clusters.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications, whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { startGitServer } from '../support/git-server.ts';
import { actOnPlan, makePlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { type Fleet, startFleet } from './fleet.ts';

const regions = ['eu', 'us'] as const;
type Region = (typeof regions)[number];
const clustersOf = (region: Region) => [0, 1, 2, 3].map((index) => `${region}-${index}`);
const clusters = regions.flatMap(clustersOf);
const other = (region: Region): Region => (region === 'eu' ? 'us' : 'eu');
const apps = 'app=cart';
const within = { timeoutMs: 60_000, intervalMs: 50 };

const stack = new AsyncDisposableStack();
let platform: Platform;
let fleet: Fleet;
let set: string;
/** Objects of what is never selected, as they were made. */
let shops: Record<string, string>;
/** Where the carts run by what was done. */
let active: Region = 'eu';
/** Deletions that nothing asked for: of what is not selected, or of a cart that does not run in the whole other region. */
const wrong: string[] = [];
const running = new Set<string>();

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', {
    'services/cart/config.yaml': versionedConfigMap('cart', 1),
    'services/shop/config.yaml': versionedConfigMap('shop', 1),
  });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  fleet = stack.use(
    await startFleet(platform, clusters, {
      labelsOf: (cluster) => ({ region: cluster.slice(0, 2), role: cluster.startsWith('eu') ? 'active' : 'standby' }),
      onChanged: (cluster, name) => void running.add(`${cluster}/${name}`),
      onDeleted: (cluster, name) => {
        running.delete(`${cluster}/${name}`);
        const elsewhere = clustersOf(other(cluster.slice(0, 2) as Region)).map((one) => `${one}/${name}`);
        if (name !== 'cart' || !elsewhere.every((place) => running.has(place))) wrong.push(`${cluster}/${name}`);
      },
    }),
  );
  const selector = '{matchLabels: {role: active}}';
  set = fleetSet({ repoURL: repository.url, selector, labels: "{app: '{{.path.basename}}'}" });
  await platform.apply(set);
  await whenSettled(platform, { names: namesIn('eu') });
  shops = await objects('shop');
});
afterAll(async () => await stack.disposeAsync());

function namesIn(carts: Region): string[] {
  return [...clustersOf(carts).map((name) => `cart-${name}`), ...clustersOf('eu').map((name) => `shop-${name}`)];
}

async function objects(name: string): Promise<Record<string, string>> {
  return Object.fromEntries(Object.entries(await fleet.uids()).filter(([place]) => place.endsWith(`/${name}`)));
}

async function failover(more: object = {}): Promise<ShownPlan> {
  const asked = { from: `region=${active}`, to: `region=${other(active)}`, apps, soakMs: 1_000, ...more };
  const plan = await makePlan(platform, asked);
  return await actOnPlan(platform, plan.id, { verb: 'start' });
}

interface Seen {
  labels: Record<string, string>;
  appLabels?: { apps: string; labels: object }[];
}

const seenOf = async (name: string) => await platform.api<Seen>('GET', `/api/v1/fleet/clusters/${name}`);

/** The carts run in one region, everything else is as it was, and so are the clusters' own labels. */
async function expectCartsIn(region: Region): Promise<void> {
  await whenSettled(platform, { names: namesIn(region) }, { timeoutMs: 100_000 });
  await eventually(async () => {
    expect(Object.keys(await objects('cart')).sort()).toEqual(clustersOf(region).map((name) => `${name}/cart`));
  });
  expect(await objects('shop')).toEqual(shops);
  expect([wrong, fleet.violations]).toEqual([[], []]);
  for (const name of clusters) {
    const { labels, appLabels } = await seenOf(name);
    const role = name.startsWith('eu') ? 'active' : 'standby';
    const seen = name.startsWith(region) ? 'active' : 'standby';
    expect(labels['role']).toBe(role);
    expect(appLabels?.map((one) => [one.apps, one.labels])).toEqual(
      role === seen ? undefined : [[apps, { role: seen }]],
    );
  }
  active = region;
}

test.each(['Relabelling', 'Arriving', 'Withdrawing'])(
  'a hub that is killed in %s goes on with the plan',
  async (phase) => {
    const { id } = await failover();
    if (phase !== 'Relabelling') await planIn(platform, { id }, { phases: [phase, 'Completed'] });
    await platform.hubs[0]?.restart();
    const plan = await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
    expect(plan.counts).toMatchObject({ incoming: 4, withdrawn: 4, kept: 0, absent: 0 });
    await expectCartsIn(other(active));
  },
);

test('a plan that is aborted, with the hub killed, leaves all as it was', async () => {
  const carts = await objects('cart');
  const { id } = await failover({ soakMs: 60_000 });
  await planIn(platform, { id }, { phases: ['Arriving'] });
  await actOnPlan(platform, id, { verb: 'abort', body: { reason: 'changed our mind' } });
  await platform.hubs[0]?.restart();
  await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 100_000 });
  await expectCartsIn(active);
  expect(await objects('cart')).toEqual(carts);
});

test('a plan that is over is failed back, with the hub killed in between', async () => {
  const from = active;
  const { id } = await failover();
  await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
  await expectCartsIn(other(from));
  const back = await actOnPlan(platform, id, { verb: 'fail-back', body: { soakMs: 1_000 } });
  await actOnPlan(platform, back.id, { verb: 'start' });
  await platform.hubs[0]?.restart();
  const { counts } = await planIn(platform, back, { phases: ['Completed'], timeoutMs: 100_000 });
  expect(counts).toMatchObject({ healthy: 4, withdrawn: 4 });
  await expectCartsIn(from);
});

test('a hub that lost its store is given back what the Applications see, and deletes nothing', async () => {
  if (active === 'eu') {
    const { id } = await failover();
    await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
    await expectCartsIn('us');
  }
  // a document of each cluster says what its record does
  await eventually(async () => expect(await unpublished()).toEqual([]), within);
  const [before, deletions] = [await fleet.uids(), fleet.deleted.length];
  await platform.hubs[0]?.kill('SIGKILL');
  await platform.nats.kill('SIGKILL');
  await rm(join(platform.dir, 'nats'), { recursive: true });
  await platform.nats.restart();
  await platform.hubs[0]?.restart();
  await eventually(async () => {
    const { items } = await platform.api<{ items: Seen[] }>('GET', '/api/v1/fleet/clusters');
    expect(items.map(({ appLabels }) => appLabels?.map((one) => [one.apps, one.labels]))).toEqual(
      clusters.map((name) => [[apps, { role: name.startsWith('us') ? 'active' : 'standby' }]]),
    );
  }, within);
  await platform.apply(set);
  // what is generated again is what runs: nothing is left that nothing explains
  await eventually(async () => {
    const { clusters: adopted } = await platform.api<{ clusters: { unexplained: unknown[] }[] }>(
      'GET',
      '/api/v1/fleet/adoption',
    );
    expect(adopted).toHaveLength(clusters.length);
    expect(adopted.flatMap(({ unexplained }) => unexplained)).toEqual([]);
    const shown = await listApplications(platform);
    expect(shown.map(({ metadata }) => metadata.name).sort()).toEqual(namesIn('us').sort());
    for (const { status } of shown) expect(status.sync.status).toBe('Synced');
  }, within);
  expect(await fleet.uids()).toEqual(before);
  expect(fleet.deleted).toHaveLength(deletions);
  await expectCartsIn('us');
});

test('and fails over again from there', async () => {
  const { id } = await failover();
  const { counts } = await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
  expect(counts).toMatchObject({ healthy: 4, withdrawn: 4 });
  await expectCartsIn('eu');
});

/** Clusters that did not confirm their newest document yet. */
async function unpublished(): Promise<string[]> {
  const { items } = await platform.api<{ items: { name: string; generation?: number; appliedGeneration?: number }[] }>(
    'GET',
    '/api/v1/fleet/clusters',
  );
  return items.filter((one) => one.generation !== one.appliedGeneration).map(({ name }) => name);
}
