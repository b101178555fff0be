// A failover between two real API servers, as the guide tells it: planned, carried out without a moment in which podinfo
// runs nowhere, aborted, failed back, from a source that is offline and returns, and refused where it would do harm.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, messagesOf, whenSettled } from '../support/applications.ts';
import type { Child } from '../support/child.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { watchForGap } from '../support/gap.ts';
import { readFiles } from '../support/git-repository.ts';
import { startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startClusters } from '../support/kube-cluster.ts';
import { actOnPlan, getPlan, planIn, type ShownPlan } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const podinfo = resolve(import.meta.dirname, '../../../shared/fixtures/repos/podinfo');
const guide = resolve(import.meta.dirname, '../../docs/guides/region-failover.md');
const within = { timeoutMs: 120_000 };
const watched = ['podinfo/podinfo', 'web/web-podinfo'];

const stack = new AsyncDisposableStack();
const spokes: Record<string, Child> = {};
let clusters: KubeCluster[];
let platform: Platform;
let cli: CommandLine;

beforeAll(async () => {
  clusters = stack.use(await startClusters(2, { names: ['eu-1', 'us-1'] }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('podinfo', {
    ...(await readFiles(podinfo)),
    'ledger/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ledger}\ndata: {book: main}\n',
  });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  for (const { name, kubeconfigPath: kubeconfig } of clusters) {
    const labels = { region: name.slice(0, 2), role: name === 'eu-1' ? 'active' : 'standby' };
    spokes[name] = await platform.startSpoke(name, { kubeconfig, labels });
  }
  await platform.apply(['podinfo', 'web', 'ledger'].map((name) => applicationSet(name, repository.url)).join('---\n'));
  await whenSettled(platform, { names: ['podinfo-eu-1', 'web', 'ledger-eu-1'] }, within);
});
afterAll(async () => await stack.disposeAsync());

test('the example of the guide, command by command', async () => {
  await using gap = watchForGap(clusters, watched);
  let id = '';
  for (const command of await commandsOfGuide()) {
    const out = await cli.succeed(...command.replaceAll('ID', id).split(' '));
    id ||= /^Plan (\S+):/.exec(out)?.[1] ?? '';
  }
  const plan = await getPlan(platform, id);
  expect(plan).toMatchObject({ phase: 'Completed', progress: 100, counts: { withdrawn: 2, outgoing: 2, kept: 1 } });
  expect(plan.findings.map(({ code }) => code).sort()).toEqual(['NeverMoved']);
  expect(plan.capacity).toMatchObject([{ cluster: 'us-1', free: {} }]);
  expect(await runsOn('podinfo', 'podinfo')).toEqual(['us-1']);
  expect(await runsOn('web', 'web-podinfo')).toEqual(['us-1']);
  expect(await holdLedger()).toEqual(['eu-1', 'us-1']);
  expect(messagesOf(await getApplication(platform, 'ledger-eu-1'), 'Leaving')).toEqual([
    `plan ${id}: stays on eu-1 by policy Never until a person withdraws it`,
  ]);
  expect(gap.seen).toEqual([]);
});

test('what Never kept goes when a person says so', async () => {
  const [plan] = (await cli.json<ShownPlan[]>('plan', 'list')) ?? [];
  await cli.succeed('plan', 'withdraw', plan?.id ?? '', 'ledger-eu-1');
  await cli.succeed('plan', 'wait', plan?.id ?? '');
  await eventually(async () => expect(await holdLedger()).toEqual(['us-1']), within);
});

test('aborted with its hub killed, everything is as it was', async () => {
  await using gap = watchForGap(clusters, watched);
  const { id } = await start('us', 'eu', '10m');
  await planIn(platform, { id }, { phases: ['Arriving'] });
  await whenSettled(platform, { names: ['podinfo-eu-1', 'podinfo-us-1', 'web', 'ledger-eu-1', 'ledger-us-1'] }, within);
  expect(await runsOn('web', 'web-podinfo')).toEqual(['eu-1', 'us-1']);
  expect(messagesOf(await getApplication(platform, 'podinfo-eu-1'), 'Leaving')).toEqual([]);
  expect(messagesOf(await getApplication(platform, 'podinfo-us-1'), 'Leaving')).toEqual([
    `plan ${id}: leaves us-1 as soon as what arrives in its stead is ready`,
  ]);
  await cli.succeed('plan', 'abort', id, '--reason', 'wrong region');
  await platform.hubs[0]?.restart();
  await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 120_000 });
  expect(await runsOn('podinfo', 'podinfo')).toEqual(['us-1']);
  expect(await runsOn('web', 'web-podinfo')).toEqual(['us-1']);
  await actOnPlan(platform, id, { verb: 'withdraw' });
  await planIn(platform, { id }, { phases: ['Aborted'], timeoutMs: 60_000 });
  await whenSettled(platform, { names: ['podinfo-us-1', 'web', 'ledger-us-1'] }, within);
  expect(gap.seen).toEqual([]);
});

test.each<[string, string[], RegExp]>([
  [
    'a failover onto itself',
    ['failover', '--from', 'region=us', '--to', 'role=active'],
    /onto itself: us-1 matches both/,
  ],
  ['a failover of nothing', ['failover', '--from', 'region=mars', '--to', 'region=us'], /no cluster has labels/],
  [
    'a relabel after which Applications would run nowhere',
    ['cluster', 'label', 'us-1', 'role-', '--yes'],
    /is not started: 3 Applications would run nowhere any more: .*--accept EmptiesPlacement/,
  ],
  ['a script that does not say that it is meant', ['cluster', 'label', 'us-1', 'role-'], /say --yes/],
  ['a label of the hub', ['cluster', 'label', 'us-1', 'wheelhouse.dev/x=y'], /belongs to the hub/],
])('%s is refused', async (...[_what, args, message]) => {
  const { code, stderr } = await cli.run(args);
  expect([code === 0, stderr]).toEqual([false, expect.stringMatching(message)]);
  expect(await runsOn('podinfo', 'podinfo')).toEqual(['us-1']);
});

test('a relabel by the API takes the same path, and one that moves nothing is done at once', async () => {
  const path = '/api/v1/fleet/clusters/us-1/labels';
  expect(await platform.api('PATCH', path, { labels: { tier: 'gold' } })).toMatchObject({ labels: { tier: 'gold' } });
  const plan = await platform.api<ShownPlan>('PATCH', path, { labels: { role: 'standby' } });
  expect(plan).toMatchObject({ phase: 'Planned', counts: { outgoing: 2, kept: 1 } });
  expect(await platform.api('GET', '/api/v1/fleet/clusters/us-1')).toMatchObject({ labels: { role: 'active' } });
});

test('a source that is offline is fenced, and withdraws when it returns', async () => {
  await spokes['us-1']?.kill('SIGKILL');
  const { id } = await start('us', 'eu', '1s');
  const fenced = await planIn(platform, { id }, { phases: ['Fenced'], timeoutMs: 200_000 });
  expect(fenced.waits[0]).toMatch(/ on us-1 to be withdrawn when its cluster is heard of again/);
  // it still runs there, and the hub does not pass that off as news
  expect(await runsOn('podinfo', 'podinfo')).toEqual(['eu-1', 'us-1']);
  const shown = await getApplication(platform, 'podinfo-us-1');
  expect(shown).toMatchObject({ fleet: { stale: true }, status: { health: { status: 'Unknown' } } });
  expect(messagesOf(shown, 'DeletionInProgress')[0]).toMatch(/fenced: .*was Healthy as of 20/);
  await spokes['us-1']?.restart();
  await planIn(platform, { id }, { phases: ['Completed'], timeoutMs: 120_000 });
  await eventually(async () => expect(await runsOn('podinfo', 'podinfo')).toEqual(['eu-1']), within);
  expect(await runsOn('web', 'web-podinfo')).toEqual(['eu-1']);
});

test('what Never kept and is meant to be there again, after failing back, is not withdrawn', async () => {
  const plans = await cli.json<ShownPlan[]>('plan', 'list');
  const id = plans.find(({ phase }) => phase === 'Completed')?.id ?? '';
  expect(await getPlan(platform, id)).toMatchObject({ phase: 'Completed', counts: { kept: 1 } });
  const back = await cli.json<ShownPlan>('plan', 'fail-back', id, '--soak', '1s', '--yes');
  await planIn(platform, { id: back.id }, { phases: ['Completed'], timeoutMs: 120_000 });
  expect(messagesOf(await getApplication(platform, 'ledger-us-1'), 'Leaving')).toEqual([]);
  const { code, stderr } = await cli.run(['plan', 'withdraw', id]);
  expect([code === 0, stderr]).toEqual([
    false,
    expect.stringMatching(/gives ledger-us-1 for us-1 again: .*'wheelhouse failover'/),
  ]);
  expect((await getPlan(platform, id)).phase).toBe('Completed');
  expect(await holdLedger()).toEqual(['eu-1', 'us-1']);
});

async function start(from: string, to: string, soak: string): Promise<ShownPlan> {
  const selectors = ['--from', `region=${from}`, '--to', `region=${to}`];
  return await cli.json<ShownPlan>('failover', ...selectors, '--soak', soak, '--yes');
}

/** The commands of the guide's example, without the word that names the program. */
async function commandsOfGuide(): Promise<string[]> {
  const example = (await readFile(guide, 'utf8')).split('## An example')[1]?.split('\n## ')[0] ?? '';
  const commands = [...example.matchAll(/^\$ wheelhouse (.*)$/gm)].map(([, command = '']) => command);
  if (commands.length === 0) throw new Error(`${guide} holds no example`);
  return commands;
}

/** Names of the clusters in which a Deployment has Pods that are available. */
async function runsOn(namespace: string, name: string): Promise<string[]> {
  const found = await Promise.all(
    clusters.map(async ({ name: cluster, request }) => {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
      const deployment = await request('GET', path).catch(() => undefined);
      return (deployment?.status?.availableReplicas ?? 0) > 0 ? [cluster] : [];
    }),
  );
  return found.flat();
}

async function holdLedger(): Promise<string[]> {
  const found = await Promise.all(
    clusters.map(async ({ name, request }) => {
      const object = await request('GET', '/api/v1/namespaces/ledger/configmaps/ledger').catch(() => undefined);
      return object ? [name] : [];
    }),
  );
  return found.flat();
}

function applicationSet(name: string, repoURL: string): string {
  const sources = { podinfo: 'path: kustomize', web: 'path: charts/podinfo', ledger: 'path: ledger' };
  const annotations = name === 'ledger' ? 'annotations: {wheelhouse.dev/failover: Never}' : '';
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}, namespace: argocd}
spec:
  generators:
    - clusters: {selector: {matchLabels: {role: active}}}
  template:
    metadata:
      name: '${name === 'web' ? name : `${name}-{{name}}`}'
      finalizers: [resources-finalizer.argocd.argoproj.io]
      ${annotations}
    spec:
      project: default
      source:
        repoURL: ${repoURL}
        targetRevision: main
        ${sources[name as keyof typeof sources]}
      destination: {server: '{{server}}', namespace: ${name}}
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
`;
}
