// A FleetRollout over 100 hollow clusters in four steps: the second breaks health, and what was touched returns to the
// recorded revision with no hand; then a good revision goes all the way while hub replicas are killed in each phase.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, messagesOf } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { ringSet, versionedConfigMap, versionedDeployment } from '../support/fleet-set.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { fleetRollout, getRollout, rolloutIn, type ShownRolloutDetail } from '../support/rollouts.ts';
import { type Fleet, startFleet } from './fleet.ts';

const clusters = Array.from({ length: 100 }, (_, index) => `c${String(index).padStart(2, '0')}`);
/** Two canaries, 8 early ones, 30 of the middle, the rest. */
const rings = (index: number) => (index < 2 ? 'canary' : index < 10 ? 'early' : index < 40 ? 'middle' : 'rest');
const untouched = clusters.slice(10);
const within = { timeoutMs: 120_000, intervalMs: 100 };

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let fleet: Fleet;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', files(1));
  platform = stack.use(await startPlatform({ hubs: 2, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const labelsOf = (_name: string, index: number) => ({ fleet: 'hollow', ring: rings(index) });
  fleet = stack.use(await startFleet(platform, clusters, { labelsOf }));
  const set = ringSet({ repoURL: repository.url, selector: '{matchLabels: {fleet: hollow}}' });
  await platform.apply(`${set}---\n${rollout}`);
  await whenPhase('Completed', 1);
});
afterAll(async () => await stack.disposeAsync());

test('a step that breaks health ends in a return of what was touched, with no hand', async () => {
  const uids = await fleet.uids();
  const sha = await push(2, { broken: true });
  const failed = await whenPhase('Failed', 2);
  expect(failed.message).toMatch(/^step early: \d of 8 failed .* is Degraded/);
  await eventually(async () => expect(await fleet.versions()).toEqual({ 1: 100 }), within);
  expect(await fleet.uids()).toEqual(uids);
  expect(fleet.deleted).toEqual([]);
  expect(fleet.violations).toEqual([]);
  const touched = failed.clusters.filter(({ state }) => state === 'Returned').map(({ name }) => name);
  expect(touched).toEqual(expect.arrayContaining(clusters.slice(0, 2)));
  expect(touched.filter((name) => untouched.includes(name))).toEqual([]);
  const held = await eventually(async () => {
    const found = await getApplication(platform, `web-${untouched[0]}`);
    expect(found.status.sync.status).toBe('OutOfSync');
    expect(messagesOf(found, 'RolloutWaiting').join()).toMatch(
      /^stays at [0-9a-f]{7}: rollout web is Failed: step early: /,
    );
    return found;
  }, within);
  expect(sha).not.toBe(held.status.sync.revision);
});

test('a good revision goes through all steps, whichever phase a hub replica is killed in', async () => {
  await push(3);
  for (const step of [1, 2, 3, 4]) {
    await eventually(async () => {
      const { step: at, run } = await getRollout(platform, 'web');
      if (run !== 3 || (at ?? 5) < step) throw new Error(`run ${run} is at step ${at}`);
    }, within);
    await platform.hubs[step % 2]?.restart();
  }
  await whenPhase('Completed', 3);
  await eventually(async () => expect(await fleet.versions()).toEqual({ 3: 100 }), within);
  expect(fleet.deleted).toEqual([]);
  expect(fleet.violations).toEqual([]);
  const { events, steps } = await getRollout(platform, 'web');
  expect(steps.map(({ state }) => state)).toEqual(['Proved', 'Proved', 'Proved', 'Proved']);
  expect(
    events
      .filter(({ type }) => type === 'StepProved')
      .slice(-4)
      .map(({ message }) => message.split(' ')[1]),
  ).toEqual(['canary', 'early', 'middle', 'rest']);
});

test('the return is completed when the hubs are killed in the middle of it', async () => {
  await push(4, { broken: true });
  await eventually(async () => expect((await getRollout(platform, 'web')).phase).toMatch(/Returning|Failed/), {
    ...within,
    intervalMs: 20,
  });
  await Promise.all(platform.hubs.map(async (hub) => await hub.restart()));
  await whenPhase('Failed', 4);
  await eventually(async () => expect(await fleet.versions()).toEqual({ 3: 100 }), within);
  expect(fleet.deleted).toEqual([]);
  expect(fleet.violations).toEqual([]);
});

async function whenPhase(phase: string, run: number): Promise<ShownRolloutDetail> {
  await rolloutIn(platform, { name: 'web', phase, run }, within);
  return await getRollout(platform, 'web');
}

async function push(version: number, { broken = false }: { broken?: boolean } = {}): Promise<string> {
  const sha = await repository.commit(files(version, broken), `Version ${version}`);
  await sendPush(platform, repository.url, sha);
  return sha;
}

/** `broken`: the version is bad for the clusters of the second step. */
function files(version: number, broken = false): RepositoryFiles {
  const overlays = ['canary', 'early', 'middle', 'rest'].map((ring) => {
    const deployment = versionedDeployment('web', version, { broken: broken && ring === 'early' });
    return [`rings/${ring}/web.yaml`, `${versionedConfigMap('web', version)}---\n${deployment}`] as const;
  });
  return Object.fromEntries(overlays);
}

const rollout = fleetRollout({
  name: 'web',
  set: 'web',
  progressDeadline: '10m',
  steps: [
    '{name: canary, clusters: {matchLabels: {ring: canary}}, soak: 1s}',
    '{name: early, clusters: {matchLabels: {ring: early}}, maxUpdate: 4, soak: 1s}',
    '{name: middle, clusters: {matchLabels: {ring: middle}}, maxUpdate: 50%}',
    '{name: rest}',
  ],
});
