// Two rules for different Applications of one region, with two hubs: one outage starts both, their plans change the same
// clusters one after the other, each is started once, and neither again before its time.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications, whenSettled } from '../support/applications.ts';
import { readAudit } from '../support/audit.ts';
import type { Child } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { startGitServer } from '../support/git-server.ts';
import { connectAsHub, type HubConnection } from '../support/hub-connection.ts';
import { actOnPlan, getPlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

/** The shortest time after which a hub takes a cluster for lost, then both plans, which take turns. */
const lost = { timeoutMs: 270_000, intervalMs: 200 };
const within = { timeoutMs: 120_000 };
const services = ['cart', 'search', 'shop'];

const stack = new AsyncDisposableStack();
let platform: Platform;
let hub: HubConnection;
let agent: Child;
let moved: readonly AutomaticPlan[] = [];

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  const files = services.map((name) => [`services/${name}/config.yaml`, versionedConfigMap(name, 1)]);
  const { url: repoURL } = await git.createRepository('fleet', Object.fromEntries(files));
  platform = stack.use(
    await startPlatform({ hubs: 2, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h', WHEELHOUSE_LOST_AFTER: '2m' } }),
  );
  hub = await connectAsHub(platform, new AbortController().signal);
  stack.use(hub.nats);
  agent = await platform.startSpoke('eu-1', { labels: { region: 'eu', role: 'active' } });
  await platform.startSpoke('us-1', { labels: { region: 'us', role: 'standby' } });
  const set = fleetSet({ repoURL, selector: '{matchLabels: {role: active}}', labels: "{app: '{{.path.basename}}'}" });
  // the first is at work for so long that the other meets it
  const soak = "{annotations: {wheelhouse.dev/failover-soak: 20s}, labels: {app: '";
  await platform.apply(set.replace("{labels: {app: '", soak));
  await platform.apply(['cart', 'shop'].map(ruleFor).join('---\n'));
  await whenSettled(platform, { names: services.map((name) => `${name}-eu-1`) });
});
afterAll(async () => await stack.disposeAsync());

test('both act, once each, one after the other', async () => {
  await agent.kill('SIGKILL');
  moved = await eventually(async () => {
    const plans = await automaticPlans();
    expect(plans).toMatchObject([
      { apps: 'app=cart', phase: 'Fenced' },
      { apps: 'app=shop', phase: 'Fenced' },
    ]);
    return plans;
  }, lost);
  expect(await told(/^fail over automatically$/u)).toEqual(['cart-down', 'shop-down']);
  expect(await told(/^refuse automatic failover$/u)).toEqual([]);
  expect(await told(/^wait with automatic failover$/u)).toHaveLength(1);
  expect(await counted('wheelhouse_automatic_failovers_total{outcome="started"}')).toBe(2);
  expect(await counted('wheelhouse_automatic_failovers_total{outcome="waiting"}')).toBe(1);
  const [first, second] = (await Promise.all(moved.map(whenActive))).sort((a, b) => a.from - b.from);
  expect(second?.from).toBeGreaterThanOrEqual(first?.to ?? Number.POSITIVE_INFINITY);
});

test('each moves its own Applications, and what no rule names stays', async () => {
  const leaving = await Promise.all(moved.map(async ({ id }) => (await getPlan(platform, id)).leaves));
  expect(leaving).toMatchObject([[{ app: 'cart-eu-1' }], [{ app: 'shop-eu-1' }]]);
  const names = (await listApplications(platform)).map(({ metadata }) => metadata.name);
  expect(names).toEqual(expect.arrayContaining(['cart-us-1', 'shop-us-1', 'search-eu-1']));
  expect(names).not.toContain('search-us-1');
  const { labels, appLabels } = await platform.api<{ labels: object; appLabels: { apps: string }[] }>(
    'GET',
    '/api/v1/fleet/clusters/us-1',
  );
  expect(labels).toEqual({ region: 'us', role: 'standby' });
  expect(appLabels.map(({ apps }) => apps).sort()).toEqual(['app=cart', 'app=shop']);
});

test('a second outage within their time is left to a person by both', async () => {
  await agent.restart();
  // the one that took its turn second may still be at work
  for (const plan of moved) await planIn(platform, plan, { phases: ['Completed'], ...within });
  for (const plan of moved) {
    const back = await actOnPlan(platform, plan.id, { verb: 'fail-back', body: { soakMs: 100 } });
    await actOnPlan(platform, back.id, { verb: 'start', body: { accept: [] } });
    await planIn(platform, back, { phases: ['Completed'], ...within });
  }
  await whenSettled(platform, { names: ['cart-eu-1', 'search-eu-1', 'shop-eu-1'] });
  await agent.kill('SIGKILL');
  await eventually(
    async () => expect(await told(/^refuse automatic failover$/u)).toEqual(['cart-down', 'shop-down']),
    lost,
  );
  expect(await told(/^fail over automatically$/u)).toEqual(['cart-down', 'shop-down']);
  const known = new Set(moved.map(({ id }) => id));
  const refused = (await automaticPlans()).filter(({ id }) => !known.has(id));
  expect(refused).toMatchObject([
    { apps: 'app=cart', phase: 'Planned' },
    { apps: 'app=shop', phase: 'Planned' },
  ]);
  expect(await counted('wheelhouse_automatic_failovers_total{outcome="started"}')).toBe(2);
});

function ruleFor(app: string): string {
  return `apiVersion: wheelhouse.dev/v1alpha1
kind: FailoverRule
metadata: {name: ${app}-down, namespace: argocd}
spec: {enabled: true, from: region=eu, to: region=us, apps: 'app=${app}', labels: [role]}
`;
}

type AutomaticPlan = ShownPlan & { kind: string; apps: string };

/** By the Applications that they move, then by age; without what the one made that then had to wait. */
async function automaticPlans(): Promise<AutomaticPlan[]> {
  const { items } = await platform.api<{ items: AutomaticPlan[] }>('GET', '/api/v1/fleet/plans');
  const keyOf = ({ apps, id }: AutomaticPlan) => `${apps} ${id}`;
  const meant = items.filter(({ kind, phase }) => kind === 'automatic' && phase !== 'Aborted');
  return meant.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** From when to when it changed clusters, by what it says of itself. */
async function whenActive({ id }: { id: string }): Promise<{ from: number; to: number }> {
  const { history } = await platform.api<{ history: { at: string; message: string }[] }>(
    'GET',
    `/api/v1/fleet/plans/${id}`,
  );
  const started = history.find(({ message }) => message === 'Relabelling: started');
  return { from: Date.parse(started?.at ?? ''), to: Date.parse(history.at(-1)?.at ?? '') };
}

/** Names of the rules of which the audit stream says this, sorted. */
async function told(action: RegExp): Promise<string[]> {
  const entries = (await readAudit(hub.nats)).filter((entry) => action.test(entry.action));
  return entries.map(({ by }) => /argocd\/(\S+)/u.exec(by)?.[1] ?? by).sort();
}

/** Over both hubs. */
async function counted(metric: string): Promise<number> {
  const texts = await Promise.all(platform.hubs.map(async (_hub, index) => await platform.metrics(index)));
  const values = texts.map((text) => text.split('\n').find((line) => line.startsWith(`${metric} `)));
  return values.reduce((sum, line) => sum + Number(line?.slice(metric.length) ?? 0), 0);
}
