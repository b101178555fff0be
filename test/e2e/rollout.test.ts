// A FleetRollout by the command line, as docs/guides/roll-out-carefully.md has it: a good change with an approval, a bad one
// that returns, and what is refused; then a set with RollingSync.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, messagesOf } from '../support/applications.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { versionedConfigMap, versionedDeployment } from '../support/fleet-set.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type HollowSpoke, startHollowSpoke } from '../support/hollow-spoke.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';
import { fleetRollout, rolloutIn } from '../support/rollouts.ts';

const labels: Record<string, Record<string, string>> = {
  'eu-1': { region: 'eu', ring: 'canary' },
  'eu-2': { region: 'eu' },
  'us-1': { region: 'us' },
  'us-2': { region: 'us' },
};
const within = { timeoutMs: 60_000, intervalMs: 100 };

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let cli: CommandLine;
const spokes: HollowSpoke[] = [];

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', files(1));
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  for (const [cluster, own] of Object.entries(labels)) {
    const body = { cluster, labels: { fleet: 'shop', ...own } };
    const { token } = await platform.api<{ token: string }>('POST', '/api/v1/fleet/tokens', body);
    spokes.push(stack.use(await startHollowSpoke({ name: cluster, token, dir: join(platform.dir, 'spokes') })));
  }
  await platform.apply(applicationSet('shop', repository.url));
  await eventually(async () => await onVersion(1), within);
});
afterAll(async () => await stack.disposeAsync());

test('a rollout is applied, and nothing changes by it', async () => {
  await writeFile(join(platform.dir, 'rollout.yaml'), rollout('shop'));
  const { stdout, code } = await cli.run(['apply', '-f', join(platform.dir, 'rollout.yaml')]);
  expect([code, stdout]).toEqual([0, 'fleetrollout/shop created\n']);
  await whenPhase('Completed');
  await onVersion(1);
});

test('a good change goes to the canary, soaks, waits for a person, and goes on', async () => {
  await push(2);
  await whenPhase('WaitingForApproval');
  expect(await versions()).toEqual({ 'eu-1': '2', 'eu-2': '2', 'us-1': '1', 'us-2': '1' });
  expect(messagesOf(await getApplication(platform, 'shop-us-1'), 'RolloutWaiting').join()).toMatch(
    /^stays at [0-9a-f]{7}: waiting for step 3 \(rest\) of rollout shop: step rest waits for approval by admin$/,
  );
  const { stdout } = await cli.run(['rollout', 'approve', 'shop', '--comment', 'looks well']);
  expect(stdout).toBe('rollout shop: step rest approved\n');
  await whenPhase('Completed');
  await onVersion(2);
  const page = (await cli.run(['rollout', 'get', 'shop'])).stdout;
  expect(page).toMatch(/Approved +admin +step rest with [0-9a-f]{7}: looks well/);
});

test('a bad change returns by itself, and a better one begins anew', async () => {
  await push(3, true);
  await whenPhase('Failed');
  await eventually(async () => await onVersion(2), within);
  const list = (await cli.run(['rollout', 'list'])).stdout;
  expect(list).toMatch(
    /shop +FleetRollout +Failed +[0-9a-f]{7} .*step canary: 1 of 1 failed \(eu-1\): shop-eu-1 is Degraded/,
  );
  await push(4);
  await whenPhase('WaitingForApproval');
  const undone = await cli.run(['rollout', 'undo', 'shop', '--reason', 'not this week']);
  expect(undone.stdout).toBe('rollout shop is taken back\n');
  await whenPhase('Aborted');
  await eventually(async () => await onVersion(2), within);
  expect((await cli.run(['rollout', 'resume', 'shop'])).stdout).toBe('rollout shop resumed\n');
  await whenPhase('WaitingForApproval');
  await cli.run(['rollout', 'approve', 'shop']);
  await whenPhase('Completed');
  await onVersion(4);
});

test('what cannot be is refused, or says so and changes nothing', async () => {
  await writeFile(join(platform.dir, 'bad.yaml'), rollout('shop').replace('soak: 1s', 'soak: soon'));
  const refused = await cli.run(['apply', '-f', join(platform.dir, 'bad.yaml')]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('FleetRollout argocd/shop: spec.steps[0].soak "soon" is not a duration');
  await platform.apply(rollout('lost').replace('applicationSet: shop', 'applicationSet: nothing'));
  await platform.apply(rollout('rival'));
  await eventually(async () => {
    const { stdout } = await cli.run(['rollout', 'list']);
    expect(stdout).toMatch(/lost +FleetRollout +Invalid .*there is no ApplicationSet argocd\/nothing/);
    expect(stdout).toMatch(/rival +FleetRollout +Invalid .*4 of its Applications are under FleetRollout shop already/);
  }, within);
  await onVersion(4);
});

test('a set with RollingSync goes step by step, and shows what Argo CD shows', async () => {
  await platform.apply(
    applicationSet('rolling', repository.url).replace('spec:\n  goTemplate', `spec:\n${rollingSync}  goTemplate`),
  );
  const set = await eventually(async () => {
    const found = await platform.api<ShownSet>('GET', '/api/v1/applicationsets/rolling');
    const { applicationStatus } = found.status;
    expect(applicationStatus.filter(({ status }) => status === 'Healthy')).toHaveLength(3);
    expect(found.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'RolloutProgressing', status: 'False', reason: 'ApplicationSetRolloutComplete' }),
    );
    return found;
  }, within);
  expect(Object.fromEntries(set.status.applicationStatus.map(({ application, step }) => [application, step]))).toEqual({
    'rolling-eu-1': '1',
    'rolling-eu-2': '1',
    'rolling-us-1': '2',
    'rolling-us-2': '-1',
  });
  const app = await platform.api<{ spec: object; status: { operationState: { operation: object } } }>(
    'GET',
    '/api/v1/applications/rolling-eu-1',
  );
  expect(app.spec).toMatchObject({ syncPolicy: {} });
  expect(JSON.stringify(app.spec)).not.toContain('automated');
  expect(app.status.operationState.operation).toMatchObject({
    initiatedBy: { username: 'applicationset-controller', automated: true },
  });
});

interface ShownSet {
  status: {
    applicationStatus: { application: string; step: string; status: string }[];
    conditions: { type: string; status: string; reason: string }[];
  };
}

async function whenPhase(phase: string): Promise<void> {
  await rolloutIn(platform, { name: 'shop', phase }, within);
}

async function push(version: number, broken = false): Promise<void> {
  const sha = await repository.commit(files(version, broken), `Version ${version}`);
  await sendPush(platform, repository.url, sha);
}

/** What runs on each cluster. */
async function versions(): Promise<Record<string, string>> {
  const entries = spokes.map(async ({ name, cluster }) => {
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
    const [found] = await Array.fromAsync(cluster.list(kind, AbortSignal.timeout(60_000)));
    return [name, (found?.['data'] as { version: string } | undefined)?.version ?? ''] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function onVersion(version: number): Promise<void> {
  const on = await versions();
  const others = Object.values(on).filter((found) => found !== String(version));
  if (others.length > 0) throw new Error(`not all run ${version}: ${JSON.stringify(on)}`);
}

function files(version: number, broken = false): Record<string, string> {
  const deployment = versionedDeployment('web', version, { broken });
  return { 'shop/web.yaml': `${versionedConfigMap('web', version)}---\n${deployment}` };
}

const rollout = (name: string) =>
  fleetRollout({
    name,
    set: 'shop',
    progressDeadline: '5m',
    steps: [
      '{name: canary, clusters: {matchLabels: {ring: canary}}, soak: 1s}',
      '{name: eu, clusters: {matchExpressions: [{key: region, operator: In, values: [eu]}, {key: ring, operator: DoesNotExist}]}}',
      '{name: rest, maxUpdate: 1, approval: {people: [admin]}}',
    ],
  });

const rollingSync = `  strategy:
    type: RollingSync
    rollingSync:
      steps:
        - {matchExpressions: [{key: region, operator: In, values: [eu]}]}
        - {matchExpressions: [{key: cluster, operator: In, values: [us-1]}], maxUpdate: 50%}
`;

function applicationSet(name: string, repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - clusters: {selector: {matchLabels: {fleet: shop}}}
  template:
    metadata:
      name: '${name}-{{.name}}'
      labels: {region: '{{.metadata.labels.region}}', cluster: '{{.name}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: main, path: shop}
      destination: {server: '{{.server}}', namespace: ${name}}
      syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}
`;
}
