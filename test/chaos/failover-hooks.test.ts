// Hooks of failovers between two regions of hollow spokes: signed calls, a host that hangs or answers 500, the hub killed
// while a call is under way, a NATS request and a Job. Whatever a hook does, nothing is withdrawn before it may be.
import { createHmac } from 'node:crypto';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { dnsApplication } from '../support/dns-application.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { startGitServer } from '../support/git-server.ts';
import { type HookServer, startHookServer } from '../support/hook-server.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { actOnPlan, getPlan, makePlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { type Fleet, startFleet } from './fleet.ts';

const key = 'a key of which both sides know';
const clusters = ['eu-0', 'eu-1', 'us-0', 'us-1'];
const stack = new AsyncDisposableStack();
let platform: Platform;
let fleet: Fleet;
let host: HookServer;
let nats: NatsServer;
let repoURL: string;
let active: 'eu' | 'us' = 'eu';

const other = () => (active === 'eu' ? 'us' : 'eu');
const runsIn = async (region: string) =>
  Object.keys(await fleet.uids()).filter((place) => place.startsWith(region) && place.includes('shop')).length;

beforeAll(async () => {
  host = stack.use(await startHookServer());
  nats = stack.use(await startNats({ jetstream: false }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', {
    'services/shop/config.yaml': versionedConfigMap('shop', 1),
    'dns/job.yaml': 'apiVersion: batch/v1\nkind: Job\nmetadata: {name: dns}\nspec: {template: {}}\n',
  });
  repoURL = repository.url;
  const settings = { WHEELHOUSE_HOOK_HOSTS: host.url, WHEELHOUSE_HOOK_NATS_URL: nats.url };
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h', ...settings } }));
  fleet = stack.use(
    await startFleet(platform, clusters, {
      labelsOf: (cluster) => ({ region: cluster.slice(0, 2), role: cluster.startsWith('eu') ? 'active' : 'standby' }),
    }),
  );
  await platform.apply(fleetSet({ repoURL, selector: '{matchLabels: {role: active}}' }));
  await platform.apply(secret());
  await whenSettled(platform, { names: ['shop-eu-0', 'shop-eu-1'] });
});
afterAll(async () => await stack.disposeAsync());

beforeEach(() => {
  host.calls.splice(0);
  host.answer((_call, response) => void response.writeHead(204).end());
});

async function failover(): Promise<ShownPlan> {
  const made = await makePlan(platform, { from: `region=${active}`, to: `region=${other()}`, soakMs: 100 });
  return await actOnPlan(platform, made.id, { verb: 'start' });
}

async function expectMoved(id: string): Promise<ShownPlan> {
  const plan = await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 100_000 });
  active = other();
  await eventually(async () => expect([await runsIn(active), await runsIn(other())]).toEqual([2, 0]));
  return plan;
}

test('a call is signed, and one that the hub did not outlive is made again', async () => {
  await platform.apply(httpHook());
  const [from, to] = [active, other()];
  const held: { cut: boolean }[] = [];
  host.answer((_call, response) => {
    const call = { cut: false };
    held.push(call);
    response.on('close', () => (call.cut = true));
  });
  const { id, hooks } = await failover();
  expect(hooks).toMatchObject([
    { hook: 'argocd/dns', when: 'before', step: 'Withdrawing', direction: 'forward', type: 'http' },
    { hook: 'argocd/dns', direction: 'back' },
  ]);
  await eventually(() => expect(held).toHaveLength(1), { timeoutMs: 60_000 });
  expect([await runsIn(from), await runsIn(to)]).toEqual([2, 2]);
  await platform.hubs[0]?.kill('SIGKILL');
  await eventually(() => expect(held[0]?.cut).toBe(true));
  host.answer((_call, response) => void response.writeHead(200).end('done'));
  await platform.hubs[0]?.restart();
  const plan = await expectMoved(id);
  expect(plan.hooks[0]).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(host.calls).toHaveLength(2);
  expect(new Set(host.calls.map((call) => call.id)).size).toBe(1);
  for (const { signature, body } of host.calls) {
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    expect(v1).toBe(createHmac('sha256', key).update(`${t}.${body}`).digest('hex'));
  }
});

test('a host that answers 500 pauses the plan before anything is withdrawn; resumed, it is called again', async () => {
  await platform.apply(httpHook({ retries: 1 }));
  const from = active;
  host.answer((_call, response) => void response.writeHead(500).end());
  const { id } = await failover();
  const paused = await eventually(
    async () => {
      const plan = await getPlan(platform, id);
      expect(plan.paused).toBeDefined();
      return plan;
    },
    { timeoutMs: 60_000 },
  );
  expect(paused.paused).toMatchObject({
    by: 'hook argocd/dns',
    reason: expect.stringMatching(/^hook argocd\/dns before Withdrawing failed: 127.0.0.1:\d+ answers 500$/),
  });
  expect(host.calls.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(await runsIn(from)).toBe(2);
  host.answer((_call, response) => void response.writeHead(204).end());
  await actOnPlan(platform, id, { verb: 'resume' });
  await expectMoved(id);
  expect(await platform.metrics()).toMatch(/wheelhouse_failover_hooks_total\{type="http",outcome="failed"\} 2/);
});

test('a host that hangs has its plan undone where the hook says so, and is told of the way back', async () => {
  await platform.apply(httpHook({ retries: 0, timeout: '4s', onFailure: 'Abort' }));
  const from = active;
  host.answer((call, response) => {
    if (call.direction === 'back') response.writeHead(204).end();
  });
  const { id } = await failover();
  const { history } = await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 100_000 });
  expect(history.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/aborted: hook argocd\/dns before Withdrawing failed: .* did not answer within 4 s/),
  );
  expect(host.calls.map(({ direction, step }) => `${direction} ${step}`)).toEqual([
    'forward Withdrawing',
    'back Withdrawing',
  ]);
  await eventually(async () => expect([await runsIn(from), await runsIn(other())]).toEqual([2, 0]));
});

test('a person who aborts does not wait for a host that hangs', async () => {
  await platform.apply(httpHook({ timeout: '10m' }));
  host.answer((call, response) => {
    if (call.direction === 'back') response.writeHead(204).end();
  });
  const { id } = await failover();
  await eventually(() => expect(host.calls).toHaveLength(1), { timeoutMs: 60_000 });
  await actOnPlan(platform, id, { verb: 'abort', body: { reason: 'enough' } });
  await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 100_000 });
});

test('aborted while labels are being changed, with the hub killed, everything is as it was', async () => {
  await platform.apply(httpHook({ at: '[{after: Relabelling}]', timeout: '10m' }));
  const [from, to, before] = [active, other(), await fleet.uids()];
  host.answer((call, response) => {
    if (call.direction === 'back') response.writeHead(204).end();
  });
  const { id } = await failover();
  await eventually(() => expect(host.calls).toHaveLength(1), { timeoutMs: 60_000 });
  expect(await getPlan(platform, id)).toMatchObject({ phase: 'Relabelling', direction: 'forward' });
  await actOnPlan(platform, id, { verb: 'abort', body: { reason: 'enough' } });
  await platform.hubs[0]?.restart();
  await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 100_000 });
  await eventually(async () => expect([await runsIn(from), await runsIn(to)]).toEqual([2, 0]));
  expect(await fleet.uids()).toEqual(before);
  expect(fleet.violations).toEqual([]);
});

test('a NATS request and a Job come in their order', async () => {
  const asked: string[] = [];
  await using listener = await connect({ servers: nats.url });
  listener.subscribe('dns.switch', {
    callback: (_error, message) => {
      const { when, step } = message.json<{ when: string; step: string }>();
      asked.push(`${when} ${step}`);
      message.respond(asked.length === 1 ? '{"error": "zone is locked"}' : '{}');
    },
  });
  await platform.apply(
    `${httpHook()}---\n${hook('lb', { at: '[{before: Relabelling}]', nats: '{subject: dns.switch}' })}`,
  );
  await platform.apply(
    `${dnsApplication({ repoURL, cluster: 'eu-0', namespace: 'default' })}---\n${hook('zone', { at: '[{after: Arriving}]', job: '{application: dns}' })}`,
  );
  const { id } = await failover();
  const { hooks, history } = await expectMoved(id);
  expect(asked).toEqual(['before Relabelling', 'before Relabelling']);
  expect(hooks.filter(({ state }) => state === 'succeeded').map(({ hook: name, message }) => [name, message])).toEqual([
    ['argocd/dns', expect.stringContaining('answers 204')],
    ['argocd/lb', 'dns.switch was answered'],
    ['argocd/zone', 'sync of dns on eu-0 is done'],
  ]);
  const said = history.map(({ message }) => message.split(':')[0]).filter((message) => message?.startsWith('hook'));
  expect(said).toEqual([
    'hook argocd/lb before Relabelling failed (attempt 1 of 3)',
    'hook argocd/lb before Relabelling succeeded (attempt 2 of 3)',
    'hook argocd/zone after Arriving succeeded',
    'hook argocd/dns before Withdrawing succeeded',
  ]);
});

interface Given {
  at?: string;
  retries?: number;
  timeout?: string;
  onFailure?: string;
}

function httpHook(given: Given = {}): string {
  return hook('dns', {
    at: '[{before: Withdrawing}]',
    http: `{url: '${host.url}/dns', secret: {name: dns-key, key: key}}`,
    ...given,
  });
}

function hook(name: string, spec: Record<string, string | number>): string {
  const fields = Object.entries(spec).map(([field, value]) => `  ${field}: ${value}\n`);
  return `apiVersion: wheelhouse.dev/v1alpha1
kind: FailoverHook
metadata: {name: ${name}, namespace: argocd}
spec:
${fields.join('')}`;
}

function secret(): string {
  return `apiVersion: v1
kind: Secret
metadata: {name: dns-key, namespace: argocd, labels: {wheelhouse.dev/secret-type: failover-hook}}
stringData: {key: '${key}'}
`;
}
