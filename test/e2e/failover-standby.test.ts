// A failover between two real API servers where the destination holds everything ready: nothing is created or withdrawn,
// the standby is lifted, and only when it is Healthy does the source become one.
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, messagesOf, whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { watchForGap } from '../support/gap.ts';
import { readFiles } from '../support/git-repository.ts';
import { startGitServer } from '../support/git-server.ts';
import { type KubeCluster, startClusters } from '../support/kube-cluster.ts';
import { actOnPlan, makePlan, planIn } from '../support/plans.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const podinfo = resolve(import.meta.dirname, '../../../shared/fixtures/repos/podinfo');
const within = { timeoutMs: 120_000 };
const stack = new AsyncDisposableStack();
let clusters: KubeCluster[];
let platform: Platform;

beforeAll(async () => {
  clusters = stack.use(await startClusters(2, { names: ['eu-1', 'us-1'] }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('podinfo', {
    ...(await readFiles(podinfo)),
    'kustomize/kustomization.yaml': 'resources: [deployment.yaml, report.yaml]\n',
    'kustomize/report.yaml': cronJob,
  });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  for (const { name, kubeconfigPath: kubeconfig } of clusters) {
    const labels = { region: name.slice(0, 2), role: name === 'eu-1' ? 'active' : 'standby' };
    await platform.startSpoke(name, { kubeconfig, labels });
  }
  await platform.apply(applicationSet(repository.url));
  await whenSettled(platform, { names: ['podinfo-eu-1', 'podinfo-us-1'] }, within);
});
afterAll(async () => await stack.disposeAsync());

test('a standby holds everything and runs nothing, and says so', async () => {
  expect(await seen()).toEqual({ 'eu-1': running, 'us-1': ready });
  expect(messagesOf(await getApplication(platform, 'podinfo-us-1'), 'Standby')).toEqual([
    expect.stringContaining('kept ready without running'),
  ]);
});

test('the failover lifts it, and the source becomes a standby only then', async () => {
  const before = await uids();
  await using gap = watchForGap(clusters, ['podinfo/podinfo']);
  const made = await makePlan(platform, { from: 'region=eu', to: 'region=us', soakMs: 1_000 });
  expect(made.leaves).toMatchObject([{ app: 'podinfo-eu-1', cluster: 'eu-1', standby: true }]);
  expect(made.arrives).toMatchObject([{ app: 'podinfo-us-1', cluster: 'us-1', standby: true }]);
  await actOnPlan(platform, made.id, { verb: 'start' });
  const plan = await planIn(platform, made, { phases: ['Completed'], ...within });
  expect(plan.counts).toMatchObject({ incoming: 1, healthy: 1, outgoing: 1, withdrawn: 1 });
  await eventually(async () => expect(await seen()).toEqual({ 'eu-1': ready, 'us-1': running }), within);
  expect(gap.seen).toEqual([]);
  expect(await uids()).toEqual(before);
});

test('aborted with the hub killed, both are as they were', async () => {
  await using gap = watchForGap(clusters, ['podinfo/podinfo']);
  const made = await makePlan(platform, { from: 'region=us', to: 'region=eu', soakMs: 600_000 });
  await actOnPlan(platform, made.id, { verb: 'start' });
  await eventually(async () => expect((await seen())['eu-1']).toEqual(running), within);
  await actOnPlan(platform, made.id, { verb: 'abort', body: { reason: 'enough' } });
  await platform.hubs[0]?.restart();
  await planIn(platform, made, { phases: ['Aborted'], ...within });
  await eventually(async () => expect(await seen()).toEqual({ 'eu-1': ready, 'us-1': running }), within);
  expect(gap.seen).toEqual([]);
});

const running = { replicas: 1, isAvailable: true, suspended: false };
const ready = { replicas: 0, isAvailable: false, suspended: true };
const deploymentPath = '/apis/apps/v1/namespaces/podinfo/deployments/podinfo';
const cronJobPath = '/apis/batch/v1/namespaces/podinfo/cronjobs/report';

async function seen(): Promise<Record<string, object>> {
  const entries = clusters.map(async ({ name, request }) => {
    const [deployment, cron] = await Promise.all([request('GET', deploymentPath), request('GET', cronJobPath)]);
    const isAvailable = (deployment.status?.availableReplicas ?? 0) > 0;
    return [name, { replicas: deployment.spec.replicas, isAvailable, suspended: cron.spec.suspend }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function uids(): Promise<string[]> {
  return await Promise.all(clusters.map(async ({ request }) => (await request('GET', deploymentPath)).metadata.uid));
}

const cronJob = `apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: '0 3 * * *'
  suspend: false
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: report, image: report}]}}}}
`;

function applicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: podinfo, namespace: argocd}
spec:
  goTemplate: true
  generators:
    - clusters: {selector: {matchExpressions: [{key: role, operator: In, values: [active, standby]}]}}
  template:
    metadata:
      name: 'podinfo-{{.name}}'
      annotations: {wheelhouse.dev/standby: '{{eq .metadata.labels.role "standby"}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: main, path: kustomize}
      destination: {server: '{{.server}}', namespace: podinfo}
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
`;
}
