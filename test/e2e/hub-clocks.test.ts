// Two hubs whose clocks are twenty minutes apart: neither takes a cluster for silent that speaks, both notice one that fell
// silent after the same while, and a rollout goes on through either.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type HollowSpoke, startHollowSpoke } from '../support/hollow-spoke.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { fleetRollout, rolloutIn } from '../support/rollouts.ts';

/** Read by Node before the hub: the first replica is ten minutes ahead, the second as much behind. */
const wrongClock = `
const apartMs = process.env.WHEELHOUSE_REPLICA === 'hub-0' ? 600000 : -600000;
const Right = Date;
globalThis.Date = class extends Right {
  constructor(...args) { if (args.length === 0) super(Right.now() + apartMs); else super(...args); }
  static now() { return Right.now() + apartMs; }
};`;

const within = { timeoutMs: 60_000, intervalMs: 200 };
const stack = new AsyncDisposableStack();
const spokes: HollowSpoke[] = [];
let platform: Platform;
let repository: ServedRepository;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', files(1));
  const options = `--import=data:text/javascript,${encodeURIComponent(wrongClock)}`;
  platform = stack.use(
    await startPlatform({ hubs: 2, hubEnv: { NODE_OPTIONS: options, WHEELHOUSE_POLL_INTERVAL: '1h' } }),
  );
  for (const cluster of ['c0', 'c1']) {
    const body = { cluster, labels: { fleet: 'shop' } };
    const { token } = await platform.api<{ token: string }>('POST', '/api/v1/fleet/tokens', body);
    spokes.push(stack.use(await startHollowSpoke({ name: cluster, token, dir: join(platform.dir, 'spokes') })));
  }
  await platform.apply(fleetSet({ repoURL: repository.url, selector: '{matchLabels: {fleet: shop}}' }));
  await eventually(async () => {
    if ((await healthy(0)) !== 2) throw new Error('not both are Healthy');
  }, within);
});
afterAll(async () => await stack.disposeAsync());

test.each([0, 1])('replica %i takes nobody for silent who speaks, and says that its clock is wrong', async (hub) => {
  await eventually(async () => {
    expect(await counted(hub, 'wheelhouse_clusters{state="Connected"}')).toBe(2);
    expect(await healthy(hub)).toBe(2);
    expect(await counted(hub, 'wheelhouse_applications{dimension="all",value="stale"}')).toBe(0);
  }, within);
  expect(platform.hubs[hub]?.output()).toMatch(/"aheadMs":-?(59|60)\d{4},"msg":"this machine's clock differs/);
});

test('a rollout goes through its steps', async () => {
  await platform.apply(
    fleetRollout({
      name: 'shop',
      set: 'fleet',
      progressDeadline: '5m',
      steps: ['{name: first, portion: 1, soak: 2s}', '{name: rest}'],
    }),
  );
  await sendPush(platform, repository.url, await repository.commit(files(2), 'Version 2'));
  const { members } = await rolloutIn(platform, { name: 'shop', phase: 'Completed', run: 1 }, within);
  expect(members).toEqual({ Healthy: 2 });
});

test('both notice after 90 s who fell silent, and no sooner', async () => {
  await spokes[1]?.[Symbol.asyncDispose]();
  const { lastSeenAt } = await platform.api<{ lastSeenAt: string }>('GET', '/api/v1/fleet/clusters/c1');
  for (const hub of [0, 1])
    await eventually(async () => expect(await counted(hub, 'wheelhouse_clusters{state="Stale"}')).toBe(1), {
      timeoutMs: 150_000,
      intervalMs: 500,
    });
  // by the clock of NATS, which is that of this machine and known to a hub but for what an answer takes
  expect(Date.now() - Date.parse(lastSeenAt)).toBeGreaterThan(85_000);
  for (const hub of [0, 1]) {
    expect(await counted(hub, 'wheelhouse_clusters{state="Connected"}')).toBe(1);
    expect(await counted(hub, 'wheelhouse_clusters{state="Lost"}')).toBe(0);
    // its last status came after its last heartbeat
    await eventually(async () => expect(await healthy(hub)).toBe(1), within);
  }
});

function files(version: number): Record<string, string> {
  return { 'services/web/config.yaml': versionedConfigMap('web', version) };
}

async function healthy(hub: number): Promise<number> {
  return await counted(hub, 'wheelhouse_applications{dimension="health",value="Healthy"}');
}

/** 0 for what a replica does not count. */
async function counted(hub: number, series: string): Promise<number> {
  const line = (await platform.metrics(hub)).split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}
