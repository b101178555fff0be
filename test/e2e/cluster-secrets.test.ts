// An Argo CD cluster Secret announces a cluster: Applications are generated for it before its agent has enrolled, and the
// agent takes over what the Secret says.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getApplication, whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { startGitServer } from '../support/git-server.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const stack = new AsyncDisposableStack();
let platform: Platform;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('shop', {
    'shop/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {a: "1"}\n',
  });
  platform = stack.use(await startPlatform());
  await platform.apply(applicationSet(repository.url));
});
afterAll(async () => await stack.disposeAsync());

test('a cluster Secret announces a cluster that the agent then becomes', async () => {
  const { results } = await platform.api<{ results: { warnings: string[] }[] }>(
    'POST',
    '/api/v1/fleet/apply',
    secret(),
  );
  expect(results[0]?.warnings.join('\n')).toMatch(/"config" was left out[^]*cluster eu-1 is Expected until its agent/);
  const announced = { server: 'https://eu-1.example', project: 'shop', labels: { region: 'eu' } };
  expect(await cluster()).toMatchObject({ ...announced, state: 'Expected', annotations: { owner: 'core team' } });
  await eventually(async () => {
    const { status } = await getApplication(platform, 'shop-eu-1');
    expect(status.conditions?.[0]?.message).toContain('the agent of cluster eu-1 has not enrolled yet');
    expect(status.sync.status).toBe('Unknown');
  });
  await platform.startSpoke('eu-1', { labels: { tier: 'gold' } });
  expect(await cluster()).toMatchObject({
    ...announced,
    state: 'Connected',
    labels: { region: 'eu', tier: 'gold' },
    annotations: { owner: 'core team' },
  });
  await whenSettled(platform, { names: ['shop-eu-1'] });
  expect(JSON.stringify(await platform.api('GET', '/api/v1/fleet/resources'))).not.toContain('hunter2');
});

async function cluster(): Promise<unknown> {
  return await platform.api('GET', '/api/v1/fleet/clusters/eu-1');
}

function secret(): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'cluster-eu-1',
      namespace: 'argocd',
      labels: { 'argocd.argoproj.io/secret-type': 'cluster', region: 'eu' },
      annotations: { owner: 'core team', 'kubectl.kubernetes.io/last-applied-configuration': 'hunter2' },
    },
    stringData: {
      name: 'eu-1',
      server: 'https://eu-1.example',
      project: 'shop',
      config: '{"bearerToken":"hunter2"}',
    },
  };
}

function applicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, namespace: argocd}
spec: {sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}]}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  goTemplate: true
  generators: [{clusters: {selector: {matchLabels: {region: eu}}}}]
  template:
    metadata: {name: 'shop-{{.name}}'}
    spec:
      project: shop
      source: {repoURL: '${repoURL}', targetRevision: main, path: shop}
      destination: {server: '{{.server}}', namespace: default}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`;
}
