// The seed's manifests as they are, by the real command line: accepted, generated for every production cluster, and
// followed when a service directory, a cluster label or an AppProject comes.
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadAuthority } from '@wheelhouse/hub/fleet/authority';
import type { AssignedApp } from '@wheelhouse/shared/protocol/document';
import { parseDocumentKeys, publicHalf } from '@wheelhouse/shared/protocol/document-key';
import { openDocument } from '@wheelhouse/shared/protocol/envelope';
import { openDocumentFiles } from '@wheelhouse/spoke-agent/desired/document-files';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, listApplications, messagesOf, type ShownApplication } from '../support/applications.ts';
import { type CommandLine, type CommandResult, createCommandLine } from '../support/command-line.ts';
import { eventually } from '../support/eventually.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';

const seed = resolve(import.meta.dirname, '../../../shared/fixtures/seed');
const production = { environment: 'production' };

const stack = new AsyncDisposableStack();
let platform: Platform;
let config: ServedRepository;
let cli: CommandLine;
let applied: CommandResult;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  config = await git.createRepository('gitops-config', {
    ...service('payment-service'),
    ...service('order-service'),
    'clusters/production/apps/README.md': 'children go here\n',
  });
  await git.createRepository('k8s-manifests', { 'README.md': 'nothing yet\n' });
  const rewrites = `https://github.com/myorg/=${git.url}/`;
  platform = stack.use(
    await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h', WHEELHOUSE_GIT_REWRITES: rewrites } }),
  );
  cli = createCommandLine({ env: { WHEELHOUSE_CONTEXT: join(platform.dir, 'context.json') } });
  await platform.startSpoke('us-east', { labels: production });
  await platform.startSpoke('us-west', { labels: production });
  await platform.startSpoke('eu-central', { labels: { environment: 'staging' } });
  applied = await cli.run(['apply', '-f', seed]);
});
afterAll(async () => await stack.disposeAsync());

test('all ten manifests are accepted as they are, with a warning for each kind that is not built yet', () => {
  expect(applied.code).toBe(0);
  expect(applied.stdout.trim().split('\n')).toEqual([
    'application/payment-service created',
    'applicationset/microservices created',
    'application/root-app created',
    'application/payment-service configured',
    'applicationset/microservices-fleet created',
    'rollout/production/api-gateway created',
    'analysistemplate/production/success-rate-check created',
    'configmap/argocd-rbac-cm created',
    'configmap/argocd-cm created',
    'sealedsecret/payment/payment-service-db-creds created',
  ]);
  for (const kind of ['Rollout', 'AnalysisTemplate', 'SealedSecret'])
    expect(applied.stderr).toMatch(new RegExp(`Warning: ${kind} .* is not built yet: nothing acts upon it`));
});

test('applied again, nothing is different but what two files say of one Application', async () => {
  const { code, stdout } = await cli.run(['apply', '--dry-run', '-f', seed]);
  expect(code).toBe(0);
  const [first, ...others] = stdout.trim().split('\n');
  expect(first).toBe('application/payment-service configured (dry run)');
  expect(others.filter((line) => !line.endsWith(' unchanged (dry run)'))).toEqual([]);
});

test('an Application of a project that does not exist says so, and runs nothing', async () => {
  for (const [name, project] of [
    ['payment-service', 'production'],
    ['root-app', 'platform'],
    ['payment-service-production-us-east', 'production'],
  ] as const)
    await eventually(async () => {
      const application = await getApplication(platform, name);
      expect(messagesOf(application, 'InvalidSpecError')).toEqual([
        `application ${name} refers to project ${project}, which does not exist: create an AppProject of that name in namespace argocd, or use project default`,
      ]);
    });
  expect(await assignedTo('us-east')).toEqual([]);
});

test('creating the project mends it with no other action', async () => {
  await cli.succeed('apply', '-f', await manifest('production.yaml', project('production')));
  await cli.succeed('apply', '-f', await manifest('platform.yaml', project('platform')));
  await whenFleetIs(['order-service', 'payment-service'], ['us-east', 'us-west']);
  await eventually(async () =>
    expect((await getApplication(platform, 'root-app')).status).toMatchObject({
      sync: { status: 'Synced' },
      health: { status: 'Healthy' },
      conditions: [],
    }),
  );
});

test('the fleet is service × production cluster, with its retry block in the signed document', async () => {
  const apps = await assignedTo('us-east');
  expect(apps.map(({ app }) => app).sort()).toEqual([
    'order-service-production-us-east',
    'payment-service-production-us-east',
  ]);
  for (const { policy, project } of apps) {
    expect(project).toBe('production');
    expect(policy.automated).toEqual({ prune: true, selfHeal: true, allowEmpty: false });
    expect(policy.retry).toEqual({ limit: 3, backoff: { durationMs: 5_000, factor: 2, maxDurationMs: 180_000 } });
  }
  const set = await cli.json<{ status: { resourcesCount: number } }>('appset', 'get', 'microservices-fleet');
  expect(set.status.resourcesCount).toBe(4);
});

test('what only a cluster can run waits for the cluster of the hub to be registered', async () => {
  const application = await getApplication(platform, 'payment-service');
  expect(messagesOf(application)).toEqual([
    "application payment-service goes to cluster https://kubernetes.default.svc, which is not registered: without 'wheelhouse cluster token in-cluster' only Applications, ApplicationSets and AppProjects can go there",
  ]);
  await platform.startSpoke('in-cluster');
  await eventually(async () =>
    expect((await getApplication(platform, 'payment-service')).status).toMatchObject({
      sync: { status: 'Synced' },
      health: { status: 'Healthy' },
      conditions: [],
    }),
  );
});

test('a service directory that is pushed adds its Applications', async () => {
  const sha = await config.commit(service('search-service'), 'Add a service');
  await sendPush(platform, 'https://github.com/myorg/gitops-config', sha);
  const fleet = await whenFleetIs(['order-service', 'payment-service', 'search-service'], ['us-east', 'us-west']);
  expect(fleet).toHaveLength(6);
});

test('a label on a cluster adds its Applications', async () => {
  expect(await cli.succeed('cluster', 'label', 'eu-central', 'environment=production', '--yes')).toMatch(
    /^Plan .*: 0 leave, 3 arrive, 0 change in place\n[^]*plan .* started/,
  );
  await whenFleetIs(['order-service', 'payment-service', 'search-service'], ['eu-central', 'us-east', 'us-west']);
});

test('a sync that fails is tried again after five seconds, and not before', async () => {
  const sha = await config.commit(
    { 'services/lost-service/overlays/production/config.yaml': configMap('lost-service', 'nowhere') },
    'Add a service whose namespace nobody makes',
  );
  await sendPush(platform, 'https://github.com/myorg/gitops-config', sha);
  const [startedAt = '', thirdAt = ''] = await eventually(async () => {
    const { operationState } = (await getApplication(platform, 'lost-service-production-us-east')).status;
    // Argo CD: the count is of the attempt that is waited for
    expect(operationState).toMatchObject({ phase: 'Running', retryCount: 2 });
    const [, at] = /; retrying attempt #2 at (\S+)$/.exec(operationState?.message ?? '') ?? [];
    expect(at).toBeDefined();
    return [operationState?.startedAt, at];
  });
  // the third attempt is ten seconds after the end of the second, which was five after that of the first
  expect(Date.parse(thirdAt) - Date.parse(startedAt)).toBeGreaterThanOrEqual(15_000);
});

// 'production' is the basename of every directory, so names are told apart by the part that differs
/** Waits until the set's Applications are exactly these, all Synced and Healthy. */
async function whenFleetIs(services: string[], clusters: string[]): Promise<ShownApplication[]> {
  const wanted = services
    .flatMap((name) => clusters.map((cluster) => `${name}-production-${cluster} Synced Healthy`))
    .sort();
  return await eventually(
    async () => {
      const applications = (await listApplications(platform)).filter(isOfFleet);
      const shown = applications.map(
        ({ metadata, status }) => `${metadata.name} ${status.sync.status} ${status.health.status}`,
      );
      expect(shown.sort()).toEqual(wanted);
      return applications;
    },
    { intervalMs: 100 },
  );
}

function isOfFleet({ spec, fleet }: ShownApplication): boolean {
  return spec.source?.path?.startsWith('services/') === true && fleet?.cluster !== 'in-cluster';
}

/** What the newest document that the cluster's agent accepted assigns; checked with the hub's public key. */
async function assignedTo(cluster: string): Promise<AssignedApp[]> {
  const authority = await loadAuthority({ directory: join(platform.dir, 'hub/authority'), names: [] });
  const { kid } = authority.documentKey;
  const keys = parseDocumentKeys({ [kid]: publicHalf(authority.documentKey) });
  const [newest] = await (await openDocumentFiles(join(platform.dir, 'spokes', cluster))).load();
  return newest ? (await openDocument(newest.bytes, { cluster, keys, appliedGen: 0 })).apps : [];
}

function service(name: string): RepositoryFiles {
  return {
    [`services/${name}/overlays/production/config.yaml`]: `${configMap(name, name)}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`,
  };
}

function configMap(name: string, namespace: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: ${namespace}}\ndata: {version: "1"}\n`;
}

function project(name: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: ${name}, namespace: argocd}
spec:
  sourceRepos: ['https://github.com/myorg/*']
  destinations: [{server: '*', namespace: '*'}]
  clusterResourceWhitelist: [{group: '', kind: Namespace}]
`;
}

async function manifest(name: string, text: string): Promise<string> {
  const file = join(platform.dir, name);
  await writeFile(file, text);
  return file;
}
