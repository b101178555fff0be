// A set with RollingSync and deletionOrder: Reverse is deleted: the last step first, waiting for a cluster that is offline, with the
// hub killed meanwhile; and the way out, for whoever does not want to wait.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, listApplications } from '../support/applications.ts';
import type { Child } from '../support/child.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import { versionedConfigMap } from '../support/fleet-set.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const within = { timeoutMs: 60_000, intervalMs: 100 };

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let cli: CommandLine;
let late: Child;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', { 'shop/web.yaml': versionedConfigMap('web', 1) });
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  await platform.startSpoke('early', { labels: { tier: 'early' } });
  await platform.startSpoke('other', { labels: { tier: 'other' } });
  late = await platform.startSpoke('late', { labels: { tier: 'late' } });
});
afterAll(async () => await stack.disposeAsync());

interface ShownSet {
  metadata: { deletionTimestamp?: string };
  status: {
    deletion?: {
      step?: number;
      waiting: number;
      remaining: number;
      waitingFor: { application: string; cluster: string }[];
    };
  };
}

test('the last step goes first, an offline cluster is waited for, and a killed hub goes on', async () => {
  await platform.apply(set(repository.url));
  await whenRolledOut();
  await late.kill('SIGKILL');

  const deleted = await cli.succeed('appset', 'delete', 'ordered');
  expect(deleted).toMatch(/^applicationset ordered is being deleted: DeletionProgressing: deleted by admin, /);
  const waits = async () => {
    const { metadata, status } = await platform.api<ShownSet>('GET', '/api/v1/applicationsets/ordered');
    expect(metadata.deletionTimestamp).toBeDefined();
    expect(status.deletion).toMatchObject({
      step: 2,
      waiting: 1,
      remaining: 2,
      waitingFor: [{ application: 'ordered-late', cluster: 'late' }],
    });
  };
  await eventually(waits, within);
  expect(await cli.succeed('appset', 'get', 'ordered')).toMatch(
    /step 2 of 2, the last one first: waiting until 1 Application is gone, ordered-late on late \(\w+, last seen [^)]+\); 2 more follow/,
  );
  const file = join(platform.dir, 'ordered.yaml');
  await writeFile(file, set(repository.url));
  expect(await cli.run(['apply', '-f', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("'wheelhouse appset delete ordered --all-at-once' does not wait") as string,
  });

  await platform.hubs[0]?.restart();
  await eventually(waits, within);
  for (const name of ['ordered-early', 'ordered-other'])
    expect((await getApplication(platform, name)).metadata.deletionTimestamp).toBeUndefined();
  expect((await getApplication(platform, 'ordered-late')).metadata.deletionTimestamp).toBeDefined();

  late = await platform.startSpoke('late', { labels: { tier: 'late' } });
  await eventually(async () => expect(await listApplications(platform)).toEqual([]), within);
  expect((await cli.run(['appset', 'get', 'ordered'])).stderr).toContain(
    'ApplicationSet argocd/ordered does not exist',
  );
});

test('whoever does not want to wait deletes what is left at once', async () => {
  await platform.apply(set(repository.url));
  await whenRolledOut();
  await late.kill('SIGKILL');
  await cli.succeed('appset', 'delete', 'ordered');
  await cli.succeed('appset', 'delete', 'ordered', '--all-at-once');
  await eventually(async () => {
    const left = await listApplications(platform);
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['ordered-late']);
  }, within);
  expect((await cli.run(['appset', 'get', 'ordered'])).code).toBe(1);
  late = await platform.startSpoke('late', { labels: { tier: 'late' } });
  await eventually(async () => expect(await listApplications(platform)).toEqual([]), within);
});

/** What is in a step is Healthy; Argo CD never syncs what is in none. */
async function whenRolledOut(): Promise<void> {
  await eventually(async () => {
    const shown = (await listApplications(platform)).map(
      ({ metadata, status }) => `${metadata.name} ${status.sync.status} ${status.health.status}`,
    );
    expect(shown).toMatchObject([
      'ordered-early Synced Healthy',
      'ordered-late Synced Healthy',
      expect.stringContaining('ordered-other') as string,
    ]);
  }, within);
}

function set(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ordered, namespace: argocd}
spec:
  goTemplate: true
  strategy:
    type: RollingSync
    deletionOrder: Reverse
    rollingSync:
      steps:
        - {matchExpressions: [{key: tier, operator: In, values: [early]}]}
        - {matchExpressions: [{key: tier, operator: In, values: [late]}]}
  generators:
    - clusters: {selector: {matchExpressions: [{key: tier, operator: Exists}]}}
  template:
    metadata:
      name: 'ordered-{{.name}}'
      labels: {tier: '{{.metadata.labels.tier}}'}
      finalizers: [resources-finalizer.argocd.argoproj.io]
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: main, path: shop}
      destination: {server: '{{.server}}', namespace: ordered}
      syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}
`;
}
