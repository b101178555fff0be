import { type Evaluation, generate } from '@wheelhouse/hub/generate/generate';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { hostsOf, snapshotOf, type World } from '../suites/argocd-evaluate.ts';

/** A small fleet, its repository and its code host, which the ApplicationSets of the table are about. */
const world: World = {
  clusters: [
    cluster('berlin', { env: 'prod', region: 'eu', tier: 'gold' }, { 'shop/domain': 'berlin.example.com' }),
    cluster('oslo', { env: 'prod', region: 'eu', tier: 'tin' }),
    cluster('austin', { env: 'prod', region: 'us', tier: 'gold' }),
    cluster('lab_1', { env: 'dev', region: 'eu' }),
  ],
  files: {
    'apps/cart/kustomization.yaml': '',
    'apps/web/kustomization.yaml': '',
    'apps/web-legacy/kustomization.yaml': '',
    'apps/.hidden/kustomization.yaml': '',
    'charts/redis/Chart.yaml': '',
    'teams/alpha/pay/prod/kustomization.yaml': '',
    'teams/beta/mail/prod/kustomization.yaml': '',
    'envs/prod/config.json': '{"cluster": {"name": "berlin", "replicas": 3}, "track": "stable"}',
    'envs/dev/config.json': '{"cluster": {"name": "lab_1", "replicas": 1}, "track": "edge"}',
    'envs/tenants.yaml': '- {tenant: red, quota: 10}\n- {tenant: blue, quota: 20}\n',
  },
  repositories: [
    {
      organization: 'shop',
      repository: 'cart',
      uRL: 'git@h:shop/cart.git',
      branch: 'main',
      sHA: 'c0ffee0123456789',
      labels: ['deploy'],
      repositoryId: 7,
    },
    {
      organization: 'shop',
      repository: 'docs',
      uRL: 'git@h:shop/docs.git',
      branch: 'main',
      sHA: 'badcafe123456789',
      labels: [],
      repositoryId: 8,
    },
  ],
  pullRequests: [
    {
      number: 12,
      title: 'Add coupons',
      branch: 'feature/Coupons_v2',
      targetBranch: 'main',
      headSHA: 'feedbeef00112233',
      labels: ['preview'],
      author: 'ann',
    },
    {
      number: 15,
      title: 'WIP',
      branch: 'wip',
      targetBranch: 'release/1',
      headSHA: 'deadbeef00112233',
      labels: [],
      author: 'bob',
    },
  ],
};

function cluster(name: string, labels: Record<string, string>, annotations: Record<string, string> = {}) {
  return { name, server: `https://${name.replace('_', '-')}.example.com`, labels, annotations };
}

const decisions = [
  {
    name: 'shop-placement',
    labels: { app: 'shop' },
    status: {
      decisions: [
        { clusterName: 'oslo', reason: 'near' },
        { clusterName: 'gone', reason: 'x' },
      ],
    },
  },
];

/** Evaluates an ApplicationSet, given as YAML, as the hub would. */
export async function evaluate(yaml: string): Promise<Evaluation> {
  const { resource } = parseResource(parseYaml(yaml), { unknownFields: 'refuse' });
  return await generate({
    applicationSet: resource as ApplicationSet,
    clusters: (world.clusters ?? []).map((one) => ({ labels: {}, annotations: {}, ...one })),
    git: { snapshot: async () => await Promise.resolve(snapshotOf(world)) },
    outside: async () =>
      await Promise.resolve({
        hosts: hostsOf(world),
        configMap: () => ({
          apiVersion: 'placement.example.com/v1',
          kind: 'placements',
          statusListKey: 'decisions',
          matchKey: 'clusterName',
        }),
        decisions: () => decisions,
        plugin: async () => await Promise.resolve([{ name: 'from-plugin', size: { cpu: 2 } }]),
      }),
    signal: new AbortController().signal,
  });
}
