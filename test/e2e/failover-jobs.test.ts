// Hooks of failovers that are Jobs on a real API server, with its controller manager and Pods: one that succeeds, fails,
// hangs, is cut off with its hub or with its agent. Whatever becomes of it, nothing is withdrawn before it may be.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import type { Child } from '../support/child.ts';
import { dnsApplication } from '../support/dns-application.ts';
import { eventually } from '../support/eventually.ts';
import { fleetSet, versionedConfigMap } from '../support/fleet-set.ts';
import { startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startCluster } from '../support/kube-cluster.ts';
import { actOnPlan, getPlan, makePlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import type { PodBehaviour } from '../support/pod-status.ts';

const stack = new AsyncDisposableStack();
const stop = new AbortController();
const within = { timeoutMs: 120_000 };
/** Uids of Jobs, in the order in which they were made. */
const made: string[] = [];
let pods: PodBehaviour = 'Ready';
let kube: KubeCluster;
let agent: Child;
let platform: Platform;
let active: 'eu' | 'us' = 'eu';

const other = () => (active === 'eu' ? 'us' : 'eu');

beforeAll(async () => {
  kube = stack.use(await startCluster({ names: ['tools'], behaviour: () => pods }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('fleet', {
    'services/shop/config.yaml': versionedConfigMap('shop', 1),
    'dns/job.yaml': job,
  });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  agent = await platform.startSpoke('tools', { kubeconfig: kube.kubeconfigPath });
  for (const region of ['eu', 'us'])
    await platform.startSpoke(`${region}-1`, {
      labels: { region, role: region === active ? 'active' : 'standby' },
    });
  const following = followJobs();
  stack.defer(async () => {
    stop.abort();
    await following;
  });
  await platform.apply(fleetSet({ repoURL: repository.url, selector: '{matchLabels: {role: active}}' }));
  await whenSettled(platform, { names: ['shop-eu-1'] }, within);
  await platform.apply(dnsApplication({ repoURL: repository.url, cluster: 'tools', namespace: 'dns' }));
});
afterAll(async () => await stack.disposeAsync());

beforeEach(() => {
  pods = 'Ready';
  made.splice(0);
});

test('a Job that succeeds lets the plan go on, and runs anew in the next plan', async () => {
  await platform.apply(hook({}));
  for (const _ of ['there', 'and back']) {
    const { id } = await failover();
    const { hooks } = await expectMoved(id);
    expect(hooks).toMatchObject([
      { type: 'job', state: 'succeeded', attempt: 1, message: 'sync of dns on tools is done' },
    ]);
  }
  expect(made).toHaveLength(2);
  expect(await jobs()).toEqual([{ uid: made[1], succeeded: 1 }]);
});

test('a Job that fails in all of its attempts pauses the plan before anything is withdrawn; resumed, it runs again', async () => {
  await platform.apply(hook({ retries: 1 }));
  pods = 'Failed';
  const from = active;
  const { id } = await failover();
  const plan = await whenPaused(id);
  expect(plan.paused).toMatchObject({
    by: 'hook argocd/zone',
    reason: expect.stringMatching(
      /^hook argocd\/zone after Arriving failed: sync of dns on tools Failed: Job dns \(Degraded: /,
    ),
  });
  expect(made).toHaveLength(2);
  expect(await runsIn(from)).toBe(true);
  pods = 'Ready';
  await actOnPlan(platform, id, { verb: 'resume' });
  await expectMoved(id);
  expect(made).toHaveLength(3);
  expect(await platform.metrics()).toMatch(/wheelhouse_failover_hooks_total\{type="job",outcome="failed"\} 2/);
});

test('a Job that fails has the plan undone where its hook says so', async () => {
  await platform.apply(hook({ retries: 0, onFailure: 'Abort' }));
  pods = 'Failed';
  const from = active;
  const { id } = await failover();
  const { history } = await planIn(platform, { id }, { phases: ['Aborted'], ...within });
  expect(history.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/aborted: hook argocd\/zone after Arriving failed: sync of dns on tools Failed/),
  );
  await eventually(async () => expect([await runsIn(from), await runsIn(other())]).toEqual([true, false]), within);
});

test('a Job that hangs is given up when its time is over, and its place is taken by the next attempt', async () => {
  await platform.apply(hook({ retries: 0, timeout: '10s' }));
  pods = 'NeverReady';
  const from = active;
  const { id } = await failover();
  const { paused } = await whenPaused(id);
  expect(paused?.reason).toMatch(
    /^hook argocd\/zone after Arriving failed: sync of dns on tools (did not end within 10 s|Failed: did not end in time)/,
  );
  expect(await runsIn(from)).toBe(true);
  expect(await jobs()).toEqual([{ uid: made[0], succeeded: 0 }]);
  pods = 'Ready';
  await actOnPlan(platform, id, { verb: 'resume' });
  await expectMoved(id);
  expect(made).toHaveLength(2);
});

test('a hub that is killed while the Job is at work does not run it twice', async () => {
  await platform.apply(hook({ timeout: '5m' }));
  const done = Promise.withResolvers<void>();
  pods = { readyOnce: done.promise };
  const { id } = await failover();
  await eventually(() => expect(made).toHaveLength(1), within);
  await platform.hubs[0]?.kill('SIGKILL');
  expect(await jobs()).toEqual([{ uid: made[0], succeeded: 0 }]);
  await platform.hubs[0]?.restart();
  done.resolve();
  const { hooks } = await expectMoved(id);
  expect(hooks).toMatchObject([{ state: 'succeeded', attempt: 1 }]);
  expect(made).toHaveLength(1);
});

test('an agent that is killed while the Job is at work says so, and the Job runs in the next attempt', async () => {
  await platform.apply(hook({ timeout: '5m', retries: 1 }));
  pods = 'NeverReady';
  const { id } = await failover();
  await eventually(() => expect(made).toHaveLength(1), within);
  await agent.kill('SIGKILL');
  pods = 'Ready';
  await agent.restart();
  const { history, hooks } = await expectMoved(id);
  expect(history.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/failed \(attempt 1 of 2\): sync of dns on tools Failed: cut off when the agent ended/),
  );
  expect(hooks).toMatchObject([{ state: 'succeeded', attempt: 2 }]);
  expect(made).toHaveLength(2);
});

async function failover(): Promise<ShownPlan> {
  const plan = await makePlan(platform, { from: `region=${active}`, to: `region=${other()}`, soakMs: 100 });
  return await actOnPlan(platform, plan.id, { verb: 'start' });
}

async function expectMoved(id: string): Promise<ShownPlan> {
  const plan = await planIn(platform, { id }, { phases: ['Completed'], ...within });
  active = other();
  await eventually(async () => expect([await runsIn(active), await runsIn(other())]).toEqual([true, false]), within);
  return plan;
}

async function whenPaused(id: string): Promise<ShownPlan> {
  return await eventually(async () => {
    const plan = await getPlan(platform, id);
    expect(plan.paused).toBeDefined();
    return plan;
  }, within);
}

/** As its cluster reports. */
async function runsIn(region: string): Promise<boolean> {
  const { items } = await platform.api<{ items: { metadata: { name: string } }[] | null }>(
    'GET',
    '/api/v1/applications',
  );
  return (items ?? []).some(({ metadata }) => metadata.name === `shop-${region}-1`);
}

async function jobs(): Promise<{ uid: string; succeeded: number }[]> {
  const { items } = await kube.request('GET', '/apis/batch/v1/namespaces/dns/jobs');
  return items.map(({ metadata, status }: { metadata: { uid: string }; status?: { succeeded?: number } }) => ({
    uid: metadata.uid,
    succeeded: status?.succeeded ?? 0,
  }));
}

async function followJobs(): Promise<void> {
  try {
    for await (const { type, object } of kube.watch('/apis/batch/v1/jobs', stop.signal))
      if (type === 'ADDED') made.push(object.metadata.uid);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}

interface Given {
  retries?: number;
  timeout?: string;
  onFailure?: string;
}

function hook(given: Given): string {
  const fields = Object.entries(given).map(([field, value]) => `  ${field}: ${value}\n`);
  return `apiVersion: wheelhouse.dev/v1alpha1
kind: FailoverHook
metadata: {name: zone, namespace: argocd}
spec:
  at: [{after: Arriving}]
  directions: [forward]
  job: {application: dns}
${fields.join('')}`;
}

const job = `apiVersion: batch/v1
kind: Job
metadata: {name: dns}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: dns, image: example.com/dns:1}]
`;
