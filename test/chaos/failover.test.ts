// Failovers between two regions of hollow spokes, with the hub killed at each step, aborted and failed back. Whatever
// happens, nothing is withdrawn where it ran before it runs at the destination, and nothing is lost.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { startGitServer } from '../support/git-server.ts';
import { actOnPlan, getPlan, makePlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { type Fleet, startFleet } from './fleet.ts';

const each = Number(process.env['WHEELHOUSE_TEST_SPOKES'] ?? 50) / 2;
const regions = ['eu', 'us'] as const;
type Region = (typeof regions)[number];
const clustersOf = (region: Region) => Array.from({ length: each }, (_, index) => `${region}-${index}`);
const clusters = regions.flatMap(clustersOf);
const services = ['cart', 'shop'];
const total = each * services.length;
const selector = '{matchLabels: {role: active}}';

const stack = new AsyncDisposableStack();
let platform: Platform;
let fleet: Fleet;
/** Where each service runs, as the clusters themselves say it. */
const running = new Set<string>();
/** A cluster that deletes nothing: with it the withdrawals go on. */
let keeper: string | undefined;
/** `cluster/service` of what was deleted while it did not run in the whole other region. */
const tooEarly: string[] = [];
let active: Region = 'eu';

const other = (region: Region): Region => (region === 'eu' ? 'us' : 'eu');
const namesIn = (region: Region) =>
  services.flatMap((name) => clustersOf(region).map((cluster) => `${name}-${cluster}`));

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', files());
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  fleet = stack.use(
    await startFleet(platform, clusters, {
      labelsOf: (cluster) => ({ region: cluster.slice(0, 2), role: cluster.startsWith('eu') ? 'active' : 'standby' }),
      keeps: (cluster) => cluster === keeper,
      onChanged: (cluster, name) => void running.add(`${cluster}/${name}`),
      onDeleted: (cluster, name) => {
        const elsewhere = clustersOf(other(cluster.slice(0, 2) as Region));
        if (!elsewhere.every((one) => running.has(`${one}/${name}`))) tooEarly.push(`${cluster}/${name}`);
        running.delete(`${cluster}/${name}`);
      },
    }),
  );
  await platform.apply(fleetSet({ repoURL: repository.url, selector }));
  await whenSettled(platform, { names: namesIn('eu') });
});
afterAll(async () => await stack.disposeAsync());

async function failover(more: object = {}): Promise<ShownPlan> {
  const [from, to] = [`region=${active}`, `region=${other(active)}`];
  const plan = await makePlan(platform, { from, to, soakMs: 1_000, reason: 'test', ...more });
  return await actOnPlan(platform, plan.id, { verb: 'start' });
}

/** Both steps that are asked for last: Withdrawing as long as there is a `keeper`, Arriving as long as it soaks. */
async function whenIn(phase: string, id: string): Promise<void> {
  const plan = await planIn(platform, { id }, { phases: [phase, 'Completed'], timeoutMs: 100_000 });
  expect(plan.phase).toBe(phase);
}

const relabelling = { phase: 'Relabelling', direction: 'forward' };

/** What is late on its way back waits for a person, who gives it as much time again. */
async function whenUndone(id: string): Promise<ShownPlan> {
  return await eventually(
    async () => {
      const plan = await getPlan(platform, id);
      if (plan.paused?.by === 'deadline') await actOnPlan(platform, id, { verb: 'resume' });
      expect(plan.phase).toBe('Aborted');
      return plan;
    },
    { timeoutMs: 400_000, intervalMs: 100 },
  );
}

async function killHub(): Promise<void> {
  await platform.hubs[0]?.restart();
}

/** Everything runs in one region and nowhere else, and the hub says so. */
async function expectAllIn(region: Region): Promise<void> {
  await whenSettled(platform, { names: namesIn(region) }, { timeoutMs: 100_000 });
  await eventually(() => expect([...running].every((place) => place.startsWith(region))).toBe(true));
  expect(running.size).toBe(total);
  expect(fleet.violations).toEqual([]);
  expect(tooEarly).toEqual([]);
  active = region;
}

test.each(['Relabelling', 'Arriving', 'Withdrawing'])(
  'a hub that is killed in %s goes on with the plan',
  async (phase) => {
    if (phase === 'Withdrawing') keeper = `${active}-0`;
    const { id } = await failover({ soakMs: phase === 'Arriving' ? 3_000 : 1_000 });
    if (phase !== 'Relabelling') await whenIn(phase, id);
    await killHub();
    keeper = undefined;
    const plan = await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
    expect(plan.counts).toMatchObject({ incoming: total, withdrawn: total, kept: 0 });
    await expectAllIn(other(active));
  },
);

test.each(['Arriving', 'Withdrawing'])(
  'a plan that is aborted in %s, with the hub killed, leaves all as it was',
  async (phase) => {
    // long enough for the abort to come before anything is withdrawn
    const [soakMs, withdrawn] = phase === 'Arriving' ? [600_000, 0] : [1_000, total - services.length];
    const uids = await uidsIn(active);
    keeper = `${active}-0`;
    const { id } = await failover({ soakMs });
    await whenIn(phase, id);
    await eventually(async () => expect((await getPlan(platform, id)).counts.withdrawn).toBe(withdrawn));
    await actOnPlan(platform, id, { verb: 'abort', body: { reason: 'changed our mind' } });
    await killHub();
    await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 100_000 });
    keeper = undefined;
    await expectAllIn(active);
    // what was not withdrawn was never touched
    const kept = Object.entries(uids).filter(([place]) => phase === 'Arriving' || place.startsWith(`${active}-0/`));
    expect(await uidsIn(active)).toMatchObject(Object.fromEntries(kept));
  },
);

test('a plan that is late is undone by itself, with the hub killed around its deadline', async () => {
  const uids = await uidsIn(active);
  // longer than a killed hub mostly needs to come back: the way back has the same deadline
  const { id } = await failover({ soakMs: 600_000, deadlineMs: 40_000, onDeadline: 'Abort' });
  await eventually(async () => expect(await getPlan(platform, id)).not.toMatchObject(relabelling), {
    timeoutMs: 100_000,
  });
  await killHub();
  await eventually(async () => expect((await getPlan(platform, id)).direction).toBe('back'), { timeoutMs: 100_000 });
  await killHub();
  const { history } = await whenUndone(id);
  expect(history.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/aborted: (Relabelling|Arriving) took longer/),
  );
  await expectAllIn(active);
  expect(await uidsIn(active)).toEqual(uids);
});

test('a plan that is over is undone by another', async () => {
  const from = active;
  const { id } = await failover();
  await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
  await expectAllIn(other(from));
  const back = await actOnPlan(platform, id, { verb: 'fail-back', body: { soakMs: 1_000 } });
  expect(back).toMatchObject({ phase: 'Planned', failsBack: id });
  await actOnPlan(platform, back.id, { verb: 'start' });
  await planIn(platform, { id: back.id }, { phases: ['Completed'], timeoutMs: 100_000 });
  await expectAllIn(from);
});

test('a paused plan stands still; resumed, it goes on', async () => {
  const { id } = await failover({ soakMs: 5_000 });
  await planIn(platform, { id }, { phases: ['Arriving'] });
  await actOnPlan(platform, id, { verb: 'pause', body: { reason: 'lunch' } });
  await whenSettled(platform, { names: [...namesIn('eu'), ...namesIn('us')] });
  expect(await getPlan(platform, id)).toMatchObject({ waits: ['paused by admin: lunch'], counts: { withdrawn: 0 } });
  await actOnPlan(platform, id, { verb: 'resume' });
  await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
  await expectAllIn(other(active));
});

test('of two plans for the same clusters one begins', async () => {
  const made = await Promise.all(
    ['a', 'b'].map(
      async (reason) =>
        await makePlan(platform, { from: `region=${active}`, to: `region=${other(active)}`, soakMs: 1_000, reason }),
    ),
  );
  const started = await Promise.allSettled(
    made.map(async ({ id }) => await actOnPlan(platform, id, { verb: 'start' })),
  );
  expect(started.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const [refused] = started.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  expect(refused).toMatch(/409 .*(is changing the same clusters|the fleet has changed since)/);
  const [winner = ''] = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : []));
  await planIn(platform, { id: winner }, { phases: ['Completed'], timeoutMs: 100_000 });
  await expectAllIn(other(active));
});

async function uidsIn(region: Region): Promise<Record<string, string>> {
  return Object.fromEntries(Object.entries(await fleet.uids()).filter(([place]) => place.startsWith(region)));
}

function files(): Record<string, string> {
  return Object.fromEntries(services.map((name) => [`services/${name}/config.yaml`, versionedConfigMap(name, 1)]));
}
