// ApplicationSets about pull requests of a code host, through a real hub: what is asked of the host and when, what a
// webhook sets off, what a host that is over its limit changes, and which hosts and Secrets are refused.
import { type FakeHost, startFakeHost } from '@wheelhouse/hub/hosts/testing/fake-host';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const stack = new AsyncDisposableStack();
let host: FakeHost;
let platform: Platform;

const list = 'GET /api/v1/repos/shop/cart/pulls?state=open&limit=50';

function pull(number: number) {
  return {
    number,
    title: `Change ${number}`,
    head: { ref: `feature-${number}`, sha: `${number}`.repeat(40).slice(0, 40) },
    base: { ref: 'main' },
    labels: [],
    user: { login: 'ann' },
  };
}

function applicationSet(name: string, api: string, secretName = 'gitea'): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: ${name}, namespace: argocd }
spec:
  goTemplate: true
  generators:
    - pullRequest:
        gitea: { owner: shop, repo: cart, api: "${api}", tokenRef: { secretName: ${secretName}, key: token } }
  template:
    metadata: { name: '${name}-{{ .number }}' }
    spec:
      project: default
      source: { repoURL: https://git.example.com/cart.git, targetRevision: '{{ .head_sha }}', path: deploy }
      destination: { name: east, namespace: 'pr-{{ .number }}' }
`;
}

const secret = `apiVersion: v1
kind: Secret
metadata: { name: gitea, namespace: argocd, labels: { argocd.argoproj.io/secret-type: scm-creds } }
stringData: { token: s3cret-of-gitea }
`;

async function names(prefix: string): Promise<string[]> {
  const { items } = await platform.api<{ items: { metadata: { name: string } }[] | null }>(
    'GET',
    '/api/v1/applications?fields=items.metadata.name',
  );
  return (items ?? [])
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.startsWith(prefix))
    .sort();
}

async function condition(name: string): Promise<string> {
  const { status } = await platform.api<{
    status?: { conditions?: { type: string; status: string; message: string }[] };
  }>('GET', `/api/v1/applicationsets/${name}`);
  const found = status?.conditions?.find(({ type }) => type === 'ErrorOccurred');
  return found?.status === 'True' ? found.message : '';
}

async function sendPullRequest(): Promise<void> {
  const repository = { name: 'cart', html_url: `${host.url}/shop/cart`, owner: { login: 'shop' } };
  await platform.webhook({ 'x-gitea-event': 'pull_request' }, { action: 'opened', number: 2, repository });
}

beforeAll(async () => {
  host = stack.use(await startFakeHost({ [list]: [pull(1)] }));
  platform = stack.use(
    await startPlatform({
      hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h', WHEELHOUSE_SWEEP_INTERVAL: '1h', WHEELHOUSE_GENERATOR_HOSTS: host.url },
    }),
  );
  await platform.apply(secret);
  await platform.apply(applicationSet('pr', host.url));
});
afterAll(async () => await stack.disposeAsync());

test('makes an Application of each pull request, asked for with the token of its Secret', async () => {
  await eventually(async () => expect(await names('pr-')).toEqual(['pr-1']));
  expect(host.headers.authorization).toBe('token s3cret-of-gitea');
  await expect(platform.metrics()).resolves.toMatch(
    /wheelhouse_host_request_seconds_count\{host="127.0.0.1:\d+",status="200"\} 1/,
  );
});

test('asks again at once when the host tells of a pull request', async () => {
  host.routes[list] = [pull(1), pull(2)];
  await sendPullRequest();
  await eventually(async () => expect(await names('pr-')).toEqual(['pr-1', 'pr-2']));
});

test('changes nothing while the host takes no more requests, and says until when', async () => {
  host.routes[list] = { status: 429, headers: { 'retry-after': '3600' } };
  await sendPullRequest();
  await eventually(async () =>
    expect(await condition('pr')).toContain('takes no more requests with this credential until 2'),
  );
  expect(await names('pr-')).toEqual(['pr-1', 'pr-2']);
});

test.each([
  ['elsewhere', 'https://git.internal.example', 'gitea', 'add it to WHEELHOUSE_GENERATOR_HOSTS of the hub'],
  ['nosecret', '', 'missing', 'Secret argocd/missing is not on the hub: wheelhouse apply it'],
])('refuses %s with the way out', async (...[name, api, secretName, message]) => {
  await platform.apply(applicationSet(name, api || host.url, secretName));
  await eventually(async () => expect(await condition(name)).toContain(message));
  expect(await names(`${name}-`)).toEqual([]);
});

test('evaluates a set when the Secret comes that it lacked', async () => {
  host.routes[list] = [pull(3)];
  await platform.apply(secret.replace('name: gitea', 'name: missing').replace('s3cret-of-gitea', 'another'));
  await eventually(async () => expect(await names('nosecret-')).toEqual(['nosecret-3']));
});
