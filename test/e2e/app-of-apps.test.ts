// App of Apps: a parent whose destination is https://kubernetes.default.svc keeps Application, ApplicationSet and
// AppProject objects of its Git directory on the hub.
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  getApplication,
  listApplications,
  messagesOf,
  type ShownApplication,
  whenSettled,
} from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { numbersSet } from '../support/fleet-set.ts';
import { freePort } from '../support/free-port.ts';
import type { RepositoryFiles } from '../support/git-repository.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { createKubeRequests, type KubeRequests } from '../support/kube-request.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';

const stack = new AsyncDisposableStack();
let platform: Platform;
let repository: ServedRepository;
let east: KubeRequests;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('fleet', workloads(['owned', 'kept', 'one', 'two']));
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const port = await freePort();
  east = stack.use(createKubeRequests({ server: `http://127.0.0.1:${port}`, caPem: '', token: '' }));
  await platform.startSpoke('east', { env: { WHEELHOUSE_SIMULATE_PORT: String(port) } });
  await repository.commit(
    {
      'parent/project.yaml': project('the first text'),
      'parent/owned.yaml': child('owned', { finalizer: true }),
      'parent/kept.yaml': child('kept', { finalizer: false }),
      'parent/set.yaml': numbersSet({ repoURL: repository.url, project: 'team', names: ['one', 'two'] }),
    },
    'Add the children',
  );
  await platform.apply(parent('parent', 'parent'));
});
afterAll(async () => await stack.disposeAsync());

test('creates what its directory holds on the hub, and their workloads on the clusters', async () => {
  const applications = await whenSettled(platform, { names: ['kept', 'one', 'owned', 'parent', 'two'] });
  expect(resourcesOf(applications, 'parent')).toEqual([
    'AppProject team Synced',
    'Application kept Synced',
    'Application owned Synced',
    'ApplicationSet numbers Synced',
  ]);
  await expect(platform.api('GET', '/api/v1/projects/team')).resolves.toMatchObject({
    spec: { description: 'the first text' },
  });
  for (const name of ['owned', 'kept', 'one', 'two']) await expect(configMap(name)).resolves.toEqual({ version: '1' });
});

test('follows changes of the children in Git', async () => {
  const sha = await repository.commit(
    {
      'parent/project.yaml': project('the second text'),
      'parent/set.yaml': numbersSet({ repoURL: repository.url, project: 'team', names: ['one', 'two', 'three'] }),
      'workloads/three/config.yaml': workload('three'),
    },
    'Change the children',
  );
  await sendPush(platform, repository.url, sha);
  await whenSettled(platform, { names: ['kept', 'one', 'owned', 'parent', 'three', 'two'] });
  await eventually(
    async () =>
      await expect(platform.api('GET', '/api/v1/projects/team')).resolves.toMatchObject({
        spec: { description: 'the second text' },
      }),
  );
});

test('heals a child that somebody changed or deleted on the hub', async () => {
  await platform.apply(project('changed by hand'));
  await platform.api('DELETE', '/api/v1/applications/kept?cascade=false');
  await eventually(
    async () =>
      await expect(platform.api('GET', '/api/v1/projects/team')).resolves.toMatchObject({
        spec: { description: 'the second text' },
      }),
  );
  await whenSettled(platform, { names: ['kept', 'one', 'owned', 'parent', 'three', 'two'] });
});

test('does not take over what belongs to another parent', async () => {
  const sha = await repository.commit(
    { 'thief/owned.yaml': child('owned', { finalizer: true }) },
    'Add a second parent',
  );
  await sendPush(platform, repository.url, sha);
  await platform.apply(parent('thief', 'thief'));
  await eventually(async () => {
    const thief = await getApplication(platform, 'thief');
    expect(thief.status.sync.status).toBe('OutOfSync');
    expect(messagesOf(thief, 'SyncError')).toEqual(['Application owned belongs to application parent']);
  });
  await platform.api('DELETE', '/api/v1/applications/thief?cascade=true');
  await whenSettled(platform, { names: ['kept', 'one', 'owned', 'parent', 'three', 'two'] });
});

test('prunes a child whose file is gone; its finalizer decides whether the workloads go with it', async () => {
  const sha = await repository.commit({ 'parent/owned.yaml': null, 'parent/kept.yaml': null }, 'Remove two children');
  await sendPush(platform, repository.url, sha);
  await whenSettled(platform, { names: ['one', 'parent', 'three', 'two'] });
  await expect(configMap('owned')).rejects.toThrow('404');
  await expect(configMap('kept')).resolves.toEqual({ version: '1' });
});

test('a parent that is deleted without cascade leaves its children', async () => {
  await platform.api('DELETE', '/api/v1/applications/parent?cascade=false');
  await whenSettled(platform, { names: ['one', 'three', 'two'] });
  await expect(platform.api('GET', '/api/v1/projects/team')).resolves.toBeDefined();
});

test('a parent that is deleted with cascade takes its children and their workloads', async () => {
  await platform.apply(parent('parent', 'parent'));
  await whenSettled(platform, { names: ['one', 'parent', 'three', 'two'] });
  await platform.api('DELETE', '/api/v1/applications/parent?cascade=true');
  await whenSettled(platform, { names: [] });
  await expect(platform.api('GET', '/api/v1/projects/team')).rejects.toThrow('404');
  await expect(platform.api('GET', '/api/v1/applicationsets/numbers')).rejects.toThrow('404');
  await expect(listApplications(platform)).resolves.toEqual([]);
  for (const name of ['one', 'two', 'three']) await expect(configMap(name)).rejects.toThrow('404');
  await expect(configMap('kept')).resolves.toEqual({ version: '1' });
});

function resourcesOf(applications: ShownApplication[], name: string): string[] {
  const found = applications.find(({ metadata }) => metadata.name === name);
  return (found?.status.resources ?? []).map((one) => `${one.kind} ${one.name} ${one.status}`).sort();
}

async function configMap(name: string): Promise<Record<string, string>> {
  return (await east.request('GET', `/api/v1/namespaces/default/configmaps/${name}`)).data;
}

function workloads(names: string[]): RepositoryFiles {
  return Object.fromEntries(names.map((name) => [`workloads/${name}/config.yaml`, workload(name)]));
}

function workload(name: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {version: "1"}\n`;
}

function parent(name: string, path: string): string {
  return application(name, {
    finalizer: true,
    project: 'default',
    path,
    destination: '{server: https://kubernetes.default.svc, namespace: argocd}',
  });
}

function child(name: string, { finalizer }: { finalizer: boolean }): string {
  const destination = '{name: east, namespace: default}';
  return application(name, { finalizer, project: 'team', path: `workloads/${name}`, destination });
}

function application(
  name: string,
  spec: { finalizer: boolean; project: string; path: string; destination: string },
): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ${name}
  namespace: argocd
  finalizers: [${spec.finalizer ? 'resources-finalizer.argocd.argoproj.io' : ''}]
spec:
  project: ${spec.project}
  source: {repoURL: '${repository.url}', targetRevision: main, path: ${spec.path}}
  destination: ${spec.destination}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}

function project(description: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: team, namespace: argocd}
spec:
  description: ${description}
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
`;
}
