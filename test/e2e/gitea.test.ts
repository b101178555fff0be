// ApplicationSets about a real Gitea: its repositories and pull requests become Applications, cloned with the credentials of
// a prefix, and its own signed webhooks tell of pushes and pull requests. Nothing is found by polling.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { type Gitea, startGitea, whyNoGitea } from '../support/gitea.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { configMap } from '../support/shop.ts';

const reason = whyNoGitea();
const within = { timeoutMs: 60_000, intervalMs: 100 };

const set = (generator: string, name: string, revision: string) => `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}, namespace: argocd}
spec:
  goTemplate: true
  generators: [{${generator}}]
  template:
    metadata: {name: '${name}-{{ ${name === 'pr' ? '.number' : '.repository'} }}'}
    spec:
      project: default
      source: {repoURL: '${name === 'pr' ? 'GITEA/shop/cart' : '{{ .url }}'}', targetRevision: '${revision}', path: deploy}
      destination: {name: east, namespace: '${name}-{{ ${name === 'pr' ? '.number' : '.repository'} }}'}
      syncPolicy: {automated: {prune: true}, syncOptions: [CreateNamespace=true]}
`;

describe.skipIf(reason)(`a real Gitea (${reason ?? 'started'})`, () => {
  const stack = new AsyncDisposableStack();
  let gitea: Gitea;
  let platform: Platform;

  const names = async () => {
    const { items } = await platform.api<{ items: { metadata: { name: string } }[] | null }>(
      'GET',
      '/api/v1/applications?fields=items.metadata.name',
    );
    return (items ?? []).map(({ metadata }) => metadata.name).sort();
  };
  const revisionOf = async (name: string) => {
    const { status } = await platform.api<{ status: { sync: { revision?: string } } }>(
      'GET',
      `/api/v1/applications/${name}`,
    );
    return status.sync.revision;
  };
  const write = async (repository: string, text: string, branch: { from?: string; to: string }) => {
    const path = `/repos/shop/${repository}/contents/deploy/config.yaml`;
    const before = await gitea
      .api<{ sha: string }>('GET', `${path}?ref=${branch.from ?? branch.to}`)
      .catch(() => undefined);
    const content = Buffer.from(configMap(repository, text)).toString('base64');
    const on = branch.from ? { branch: branch.from, new_branch: branch.to } : { branch: branch.to };
    const body = { content, message: text, ...on, ...(before ? { sha: before.sha } : {}) };
    return (await gitea.api<{ commit: { sha: string } }>(before ? 'PUT' : 'POST', path, body)).commit.sha;
  };

  beforeAll(async () => {
    gitea = stack.use(await startGitea());
    const secret = randomUUID();
    platform = stack.use(
      await startPlatform({
        hubEnv: {
          WHEELHOUSE_POLL_INTERVAL: '1h',
          WHEELHOUSE_GENERATOR_HOSTS: gitea.url,
          WHEELHOUSE_WEBHOOK_SECRET_GITEA: secret,
        },
      }),
    );
    await platform.startSpoke('east');
    await gitea.api('POST', '/orgs', { username: 'shop' });
    const config = { url: `${platform.hubs[0]?.url}/api/webhook`, content_type: 'json', secret };
    await gitea.api('POST', '/orgs/shop/hooks', {
      type: 'gitea',
      active: true,
      events: ['push', 'pull_request'],
      config,
    });
    for (const name of ['cart', 'web', 'docs']) {
      await gitea.api('POST', '/orgs/shop/repos', { name, private: true, auto_init: true, default_branch: 'main' });
      if (name !== 'docs') await write(name, 'one', { to: 'main' });
    }
    await platform.apply(`apiVersion: v1
kind: Secret
metadata: {name: gitea, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repo-creds}}
stringData: {url: '${gitea.url}', username: ann, password: ${gitea.token}}
---
apiVersion: v1
kind: Secret
metadata: {name: gitea-api, namespace: argocd, labels: {argocd.argoproj.io/secret-type: scm-creds}}
stringData: {token: ${gitea.token}}
`);
  });
  afterAll(async () => await stack.disposeAsync());

  const access = () => `api: '${gitea.url}', tokenRef: {secretName: gitea-api, key: token}`;

  test('each repository that has the path becomes an Application that runs', async () => {
    const generator = `scmProvider: {cloneProtocol: https, gitea: {owner: shop, ${access()}}, filters: [{pathsExist: [deploy]}]}`;
    await platform.apply(set(generator, 'repo', '{{ .branch }}'));
    await whenSettled(platform, { names: ['repo-cart', 'repo-web'] });
    expect(await names()).toEqual(['repo-cart', 'repo-web']);
  });

  test('a push, told by its webhook, runs', async () => {
    const sha = await write('cart', 'two', { to: 'main' });
    await eventually(async () => expect(await revisionOf('repo-cart')).toBe(sha), within);
  });

  test('a pull request becomes an Application, follows its commits, and goes when it is closed', async () => {
    const generator = `pullRequest: {gitea: {owner: shop, repo: cart, ${access()}}}`;
    await platform.apply(set(generator, 'pr', '{{ .head_sha }}').replace('GITEA', gitea.url));
    const first = await write('cart', 'three', { from: 'main', to: 'feature' });
    const pull = { head: 'feature', base: 'main', title: 'Three' };
    const { number } = await gitea.api<{ number: number }>('POST', '/repos/shop/cart/pulls', pull);
    await eventually(async () => expect(await names()).toContain(`pr-${number}`), within);
    await eventually(async () => expect(await revisionOf(`pr-${number}`)).toBe(first), within);
    const second = await write('cart', 'four', { to: 'feature' });
    await eventually(async () => expect(await revisionOf(`pr-${number}`)).toBe(second), within);
    await gitea.api('PATCH', `/repos/shop/cart/pulls/${number}`, { state: 'closed' });
    // nothing is left of the set: an empty result is held until somebody releases it
    await eventually(async () => {
      const { status } = await platform.api<{ status: { conditions: { type: string; status: string }[] } }>(
        'GET',
        '/api/v1/applicationsets/pr',
      );
      expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'DeletionHeld', status: 'True' }));
    }, within);
    expect(await names()).toContain(`pr-${number}`);
  });

  test('a call that is not signed with its secret is refused', async () => {
    const repository = { name: 'cart', html_url: `${gitea.url}/shop/cart`, owner: { login: 'shop' } };
    await expect(platform.webhook({ 'x-gitea-event': 'push' }, { ref: 'refs/heads/main', repository })).rejects.toThrow(
      '403',
    );
  });
});
