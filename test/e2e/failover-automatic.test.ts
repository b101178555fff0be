// Failover by rule, with two hubs: a cluster whose agent was killed is lost, and exactly one plan is made and started for it,
// told once. What policy Never keeps stays, what is beyond a budget or too soon is left to a person, and the cluster that
// returns withdraws before it applies anything. A rule for some Applications moves these alone. Its API server is a real one, so that its objects outlive its agent.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApplications, whenSettled } from '../support/applications.ts';
import { readAudit } from '../support/audit.ts';
import type { Child } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { connectAsHub, type HubConnection } from '../support/hub-connection.ts';
import { type KubeCluster, startCluster } from '../support/kube-cluster.ts';
import { actOnPlan, getPlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';

/** The shortest time after which a hub takes a cluster for lost, and what looking takes. */
const lost = { timeoutMs: 180_000, intervalMs: 200 };
/** And what arrives is Healthy for a minute before anything is withdrawn. */
const soaked = { ...lost, timeoutMs: 270_000 };
const within = { timeoutMs: 60_000 };
const places = {
  'eu-1': 'active',
  'us-1': 'standby',
  'ap-1': 'active',
  'sa-1': 'standby',
  'af-1': 'active',
  'me-1': 'standby',
};

const stack = new AsyncDisposableStack();
const stop = new AbortController();
const agents: Record<string, Child> = {};
/** `TYPE name` of ConfigMaps of eu-1, in the order in which they changed. */
const changed: string[] = [];
let kube: KubeCluster;
let repository: ServedRepository;
let platform: Platform;
let hub: HubConnection;
let moved: ShownPlan;

beforeAll(async () => {
  kube = stack.use(await startCluster({ names: ['eu-1'], pods: false }));
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', files(1));
  const hubEnv = { WHEELHOUSE_POLL_INTERVAL: '1h', WHEELHOUSE_LOST_AFTER: '2m' };
  platform = stack.use(await startPlatform({ hubs: 2, hubEnv }));
  hub = await connectAsHub(platform, stop.signal);
  stack.use(hub.nats);
  for (const [name, role] of Object.entries(places)) {
    const kubeconfig = name === 'eu-1' ? { kubeconfig: kube.kubeconfigPath } : {};
    agents[name] = await platform.startSpoke(name, { labels: { region: name.slice(0, 2), role }, ...kubeconfig });
  }
  const following = followConfigMaps();
  stack.defer(async () => {
    stop.abort();
    await following;
  });
  const active = { repoURL: repository.url, selector: '{matchLabels: {role: active}}' };
  const ledger = fleetSet({ ...active, name: 'ledger', path: 'ledger' });
  await platform.apply(`${fleetSet({ ...active, labels: "{app: '{{.path.basename}}'}" })}---\n${keepingData(ledger)}`);
  const rules = [
    rule('eu', 'us', 'atMost: {applications: 10}'),
    rule('ap', 'sa', 'atMost: {applications: 1}'),
    rule('af', 'me', 'apps: app=cart, atMost: {applications: 1}'),
  ];
  await platform.apply(rules.join('---\n'));
  await whenSettled(platform, { names: ['eu-1', 'ap-1', 'af-1'].flatMap(namesOn) }, within);
});
afterAll(async () => await stack.disposeAsync());

test('of two hubs one acts, once, and what is beyond the budget is left to a person', async () => {
  await Promise.all(['eu-1', 'ap-1', 'af-1'].map(async (name) => await agents[name]?.kill('SIGKILL')));
  const [eu, ap, af] = await eventually(async () => {
    const plans = [await planOf('eu-1'), await planOf('ap-1'), await planOf('af-1')] as const;
    expect(plans).toMatchObject([{ phase: 'Fenced' }, { phase: 'Planned' }, { phase: 'Fenced', apps: 'app=cart' }]);
    return plans;
  }, soaked);
  moved = eu as ShownPlan;
  expect(moved.counts).toMatchObject({ incoming: 2, healthy: 2, outgoing: 2, withdrawn: 0, kept: 1 });
  expect(await audited(/automatic/)).toEqual([
    { action: 'fail over automatically', by: 'failover rule argocd/af-down (term 1)', object: af?.id },
    { action: 'fail over automatically', by: 'failover rule argocd/eu-down (term 1)', object: moved.id },
    { action: 'refuse automatic failover', by: 'failover rule argocd/ap-down (term 1)', object: ap?.id },
  ]);
  expect(await audited(/^cluster (stale|lost)$/)).toEqual(
    ['lost', 'stale'].flatMap((state) =>
      ['af-1', 'ap-1', 'eu-1'].map((object) => ({ action: `cluster ${state}`, by: 'hub', object })),
    ),
  );
  expect(await counted('wheelhouse_automatic_failovers_total{outcome="started"}')).toBe(2);
  expect(await counted('wheelhouse_automatic_failovers_total{outcome="refused"}')).toBe(1);
  expect(await counted('wheelhouse_cluster_contact_changes_total{state="lost"}')).toBe(3);
});

test('what policy Never keeps neither leaves nor arrives', async () => {
  const names = (await listApplications(platform)).map(({ metadata }) => metadata.name);
  expect(names).toEqual(expect.arrayContaining(['shop-us-1', 'cart-us-1', 'ledger-eu-1', 'shop-ap-1', 'ledger-ap-1']));
  expect(names).not.toContain('ledger-us-1');
  expect(names.filter((name) => name.endsWith('-sa-1'))).toEqual([]);
});

test('a rule for some Applications moves these alone, and leaves the labels of the clusters', async () => {
  const plan = await getPlan(platform, (await planOf('af-1'))?.id ?? '');
  expect(plan.leaves).toMatchObject([{ app: 'cart-af-1', cluster: 'af-1' }]);
  expect(plan.arrives).toMatchObject([{ app: 'cart-me-1', cluster: 'me-1' }]);
  const names = (await listApplications(platform)).map(({ metadata }) => metadata.name);
  expect(names).toEqual(expect.arrayContaining(['cart-me-1', 'shop-af-1', 'ledger-af-1']));
  expect(names).not.toContain('shop-me-1');
  expect(await platform.api('GET', '/api/v1/fleet/clusters/me-1')).toMatchObject({
    labels: { region: 'me', role: 'standby' },
    appLabels: [{ apps: 'app=cart', labels: { role: 'active' } }],
  });
});

test('a source that returns withdraws before it applies anything, and nothing fails back by itself', async () => {
  const before = await generation();
  const sha = await repository.commit(files(2), 'Version 2');
  await sendPush(platform, repository.url, sha);
  await eventually(async () => expect(await generation()).toBeGreaterThan(before), within);
  changed.splice(0);
  await agents['eu-1']?.restart();
  await planIn(platform, moved, { phases: ['Completed'], ...within });
  await eventually(() => expect(changed).toContain('MODIFIED ledger'), within);
  // the first change of what leaves is that it is marked as deleted
  const first = [...new Set(changed)].filter((change) => change.startsWith('MODIFIED'));
  expect(first.slice(0, 2).sort()).toEqual(['MODIFIED cart', 'MODIFIED shop']);
  expect(first.slice(2)).toEqual(['MODIFIED ledger']);
  expect(await planOf('eu-1')).toMatchObject({ id: moved.id });
});

test('a second outage that comes too soon is left to a person', async () => {
  const back = await actOnPlan(platform, moved.id, { verb: 'fail-back', body: { soakMs: 100 } });
  await actOnPlan(platform, back.id, { verb: 'start', body: { accept: ['NeverMoved'] } });
  await planIn(platform, back, { phases: ['Completed'], timeoutMs: 120_000 });
  await agents['eu-1']?.kill('SIGKILL');
  const refused = await eventually(async () => {
    const plan = (await automaticPlans('eu-1')).find(({ id }) => id !== moved.id);
    expect(plan).toBeDefined();
    return plan;
  }, lost);
  await eventually(async () => expect(await audited(/refuse automatic/, 'eu-down')).toHaveLength(1), within);
  expect(await audited(/automatic/, 'eu-down')).toMatchObject([
    { object: moved.id },
    { action: 'refuse automatic failover', by: 'failover rule argocd/eu-down (term 2)', object: refused?.id },
  ]);
  expect(await getPlan(platform, refused?.id ?? '')).toMatchObject({ phase: 'Planned' });
});

function files(version: number): Record<string, string> {
  return {
    'services/shop/config.yaml': versionedConfigMap('shop', version),
    'services/cart/config.yaml': versionedConfigMap('cart', version),
    'ledger/config.yaml': versionedConfigMap('ledger', version),
  };
}

function namesOn(cluster: string): string[] {
  return ['cart', 'ledger', 'shop'].map((name) => `${name}-${cluster}`);
}

function keepingData(set: string): string {
  return set.replace(
    "    metadata: {name: '{{",
    "    metadata: {annotations: {wheelhouse.dev/failover: Never}, name: '{{",
  );
}

function rule(from: string, to: string, limits: string): string {
  return `apiVersion: wheelhouse.dev/v1alpha1
kind: FailoverRule
metadata: {name: ${from}-down, namespace: argocd}
spec: {enabled: true, from: region=${from}, to: region=${to}, labels: [role], ${limits}}
`;
}

type AutomaticPlan = ShownPlan & { kind: string; labels: { cluster: string }[] };

/** Plans that a rule made and that touch this cluster. */
async function automaticPlans(cluster: string): Promise<ShownPlan[]> {
  const { items } = await platform.api<{ items: AutomaticPlan[] }>('GET', '/api/v1/fleet/plans');
  return items.filter(({ kind, labels }) => kind === 'automatic' && labels.some((one) => one.cluster === cluster));
}

/** The only one. */
async function planOf(cluster: string): Promise<ShownPlan | undefined> {
  const plans = await automaticPlans(cluster);
  expect(plans.length).toBeLessThan(2);
  return plans[0];
}

/** Entries of the audit stream by action, and by name of the rule where that is given; in order of action and object. */
async function audited(action: RegExp, by = ''): Promise<{ action: string; by: string; object: string | undefined }[]> {
  const entries = (await readAudit(hub.nats)).filter((entry) => action.test(entry.action) && entry.by.includes(by));
  const keyOf = (entry: { action: string; by: string; object?: string | undefined }) =>
    `${entry.action} ${entry.action.startsWith('cluster') ? entry.object : entry.by}`;
  return entries
    .map((entry) => ({ action: entry.action, by: entry.by, object: entry.object }))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Over both hubs. */
async function counted(metric: string): Promise<number> {
  const texts = await Promise.all(platform.hubs.map(async (_hub, index) => await platform.metrics(index)));
  const values = texts.map((text) => text.split('\n').find((line) => line.startsWith(`${metric} `)));
  return values.reduce((sum, line) => sum + Number(line?.slice(metric.length) ?? 0), 0);
}

async function generation(): Promise<number> {
  const { generation = 0 } = await platform.api<{ generation?: number }>('GET', '/api/v1/fleet/clusters/eu-1');
  return generation;
}

async function followConfigMaps(): Promise<void> {
  try {
    const path = '/api/v1/namespaces/default/configmaps';
    for await (const { type, object } of kube.watch(path, stop.signal))
      if (['shop', 'cart', 'ledger'].includes(object.metadata.name)) changed.push(`${type} ${object.metadata.name}`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}
