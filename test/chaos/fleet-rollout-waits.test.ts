// A FleetRollout that waits: for renders, for an approval, for a change window, in a pause. All hub replicas are killed in
// each of these phases; the rollout is where it was when they are back, begins nothing by that, and goes on when it may.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { ringSet, versionedConfigMap } from '../support/fleet-set.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { fleetRollout, getRollout, rolloutIn, type ShownRollout } from '../support/rollouts.ts';
import { type Fleet, startFleet } from './fleet.ts';

const clusters = Array.from({ length: 6 }, (_, index) => `c${index}`);
const within = { timeoutMs: 120_000, intervalMs: 100 };
const url = '/api/v1/fleet/rollouts/web';

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let fleet: Fleet;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', files(1));
  platform = stack.use(await startPlatform({ hubs: 2, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const labelsOf = (_name: string, index: number) => ({ fleet: 'hollow', ring: index === 0 ? 'canary' : 'rest' });
  fleet = stack.use(await startFleet(platform, clusters, { labelsOf }));
  const set = ringSet({ repoURL: repository.url, selector: '{matchLabels: {fleet: hollow}}' });
  await platform.apply(`${set}---\n${rolloutWith()}`);
  await whenPhase('Completed', 1);
});
afterAll(async () => await stack.disposeAsync());

test('Preparing: begins nothing before all is rendered, whoever is killed meanwhile', async () => {
  await push(2, { unrenderable: true });
  await whenPhase('Preparing', 1);
  await killAll();
  await eventually(
    async () => expect((await whenPhase('Preparing', 1)).message).toMatch(/^web-c\d cannot be rendered: /),
    within,
  );
  expect(await fleet.versions()).toEqual({ 1: 6 });
  await push(2);
  await whenPhase('Completed', 2);
  await whenVersions({ 2: 6 });
});

test('WaitingForApproval: is still asked for afterwards, and the approval counts once', async () => {
  await platform.apply(rolloutWith({ rest: 'approval: {people: [admin]}' }));
  await push(3);
  await whenPhase('WaitingForApproval', 3);
  await killAll();
  await whenPhase('WaitingForApproval', 3);
  expect(await fleet.versions()).toEqual({ 2: 5, 3: 1 });
  await platform.api('POST', `${url}/approve`, { comment: 'looked at it' });
  await killAll();
  await whenPhase('Completed', 3);
  await whenVersions({ 3: 6 });
  const { events } = await getRollout(platform, 'web');
  expect(events.filter(({ type }) => type === 'Approved')).toHaveLength(1);
});

test('WaitingForWindow: a closed window stays closed', async () => {
  await platform.apply(rolloutWith({ rest: `windows: [${closedWindow()}]` }));
  await push(4);
  await whenPhase('WaitingForWindow', 4);
  await killAll();
  await whenPhase('WaitingForWindow', 4);
  expect(await fleet.versions()).toEqual({ 3: 5, 4: 1 });
  // a run keeps the plan that it began with: the window is left by a run of its own
  await platform.api('POST', `${url}/abort`, { reason: 'the window is wrong' });
  await platform.apply(rolloutWith());
  await whenPhase('Aborted', 4);
  await push(5);
  await whenPhase('Completed', 5);
  await whenVersions({ 5: 6 });
});

test('Paused: nothing begins, not even what a push would begin', async () => {
  await platform.api('POST', `${url}/pause`, { reason: 'freeze' });
  await push(6);
  await whenPhase('Paused', 5);
  await killAll();
  expect((await whenPhase('Paused', 5)).message).toMatch(/^paused by admin: freeze/);
  expect(await fleet.versions()).toEqual({ 5: 6 });
  await platform.api('POST', `${url}/resume`);
  await whenPhase('Completed', 6);
  await whenVersions({ 6: 6 });
  expect(fleet.deleted).toEqual([]);
  expect(fleet.violations).toEqual([]);
});

async function whenPhase(phase: string, run: number): Promise<ShownRollout> {
  return await rolloutIn(platform, { name: 'web', phase, run }, within);
}

async function whenVersions(versions: Record<string, number>): Promise<void> {
  await eventually(async () => expect(await fleet.versions()).toEqual(versions), within);
}

async function killAll(): Promise<void> {
  await Promise.all(platform.hubs.map(async (hub) => await hub.restart()));
}

async function push(version: number, options: { unrenderable?: boolean } = {}): Promise<void> {
  const sha = await repository.commit(files(version, options), `Version ${version}`);
  await sendPush(platform, repository.url, sha);
}

/** `unrenderable`: for the clusters of the second step. */
function files(version: number, { unrenderable = false }: { unrenderable?: boolean } = {}): RepositoryFiles {
  const good = versionedConfigMap('web', version);
  return { 'rings/canary/web.yaml': good, 'rings/rest/web.yaml': unrenderable ? 'kind: [\n' : good };
}

/** Opens for a minute, half a year from now. */
function closedWindow(): string {
  const month = ((new Date().getUTCMonth() + 6) % 12) + 1;
  return `{schedule: "0 3 1 ${month} *", duration: 1m}`;
}

function rolloutWith({ rest = '' }: { rest?: string } = {}): string {
  const steps = ['{name: canary, clusters: {matchLabels: {ring: canary}}}', `{name: rest${rest ? `, ${rest}` : ''}}`];
  return fleetRollout({ name: 'web', set: 'web', steps });
}
