import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { ApplicationSet, ApplicationSetSpec } from '@wheelhouse/shared/resources/application-set';
import { afterEach, describe, expect, it } from 'vitest';
import { createListings } from '../hosts/listings.ts';
import {
  createFakeAccess,
  type FakeHost,
  memoryBucket,
  type Routes,
  startFakeHost,
} from '../hosts/testing/fake-host.ts';
import { storedOf } from '../testing/hub-state.ts';
import { generate } from './generate.ts';
import { openOutside } from './outside.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

async function startHost(routes: Routes): Promise<FakeHost> {
  const host = await startFakeHost(routes);
  opened.push(host);
  return host;
}

const labelled = (labels: Record<string, string>) => ({ namespace: 'argocd', labels });

function configMap(name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...labelled({}) }, data };
}

function secret(name: string, stringData: Record<string, string>, type = 'scm-creds'): KubeObject {
  const metadata = { name, ...labelled({ 'argocd.argoproj.io/secret-type': type }) };
  return { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
}

const template: ApplicationSetSpec['template'] = {
  metadata: { name: '{{ .name }}' },
  spec: { project: 'default', destination: { name: 'c1' }, source: { repoURL: 'r', path: '{{ .path }}' } },
};

async function evaluate(generators: ApplicationSetSpec['generators'], objects: KubeObject[]) {
  const applicationSet: ApplicationSet = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd' },
    spec: { goTemplate: true, generators, template },
  };
  const access = createFakeAccess();
  opened.push(access);
  const stored = objects.map((resource) => storedOf(resource));
  const specs = {
    list: () => stored,
    find: (kind: string, _namespace: string, name: string) =>
      stored.find(({ resource }) => resource.kind === kind && resource.metadata.name === name),
  };
  const deps = {
    specs,
    http: access.http,
    listings: createListings({ bucket: memoryBucket(), now: Date.now }),
    environment: {},
    now: Date.now,
  };
  const { signal } = access;
  return await generate({
    applicationSet,
    clusters: [
      { name: 'c1', server: 'https://c1', labels: {}, annotations: {} },
      { name: 'c2', server: 'https://c2', labels: {}, annotations: {} },
    ],
    git: { snapshot: () => Promise.reject(new Error('no git')) },
    outside: openOutside(applicationSet, deps, signal),
    signal,
  });
}

describe('a plugin', () => {
  const answer = { output: { parameters: [{ name: 'a', path: 'p', nested: { n: 1 } }] } };
  const plugin = {
    configMapRef: { name: 'my-plugin' },
    input: { parameters: { tier: 'gold' } },
    values: { v: '{{ .generator.input.parameters.tier }}' },
  };

  it('gives the elements, asked with its token and its input', async () => {
    const host = await startHost({ 'POST /api/v1/getparams.execute': answer });
    const settings = configMap('my-plugin', { baseUrl: host.url, token: '$creds:token' });
    const { applications, failed, reads } = await evaluate([{ plugin }], [settings, secret('creds', { token: 't0p' })]);
    expect(failed).toBeUndefined();
    expect(applications.map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(host.headers.authorization).toBe('Bearer t0p');
    expect(JSON.parse(host.bodies[0] ?? '')).toEqual({
      applicationSetName: 'fleet',
      input: { parameters: { tier: 'gold' } },
    });
    expect(reads.settings).toEqual(['ConfigMap/argocd/my-plugin', 'Secret/argocd/creds']);
  });

  it.each([
    ['no ConfigMap', [], 'ConfigMap argocd/my-plugin is not on the hub: wheelhouse apply it'],
    ['no address', [configMap('my-plugin', { token: '$a:b' })], 'ConfigMap my-plugin: needs baseUrl'],
    [
      'a token in the open',
      [configMap('my-plugin', { baseUrl: 'https://x', token: 'plain' })],
      'must refer to a Secret',
    ],
    [
      'no such Secret',
      [configMap('my-plugin', { baseUrl: 'https://x', token: '$a:b' })],
      'Secret argocd/a is not on the hub',
    ],
    [
      "a cluster's Secret",
      [configMap('my-plugin', { baseUrl: 'https://x', token: '$a:b' }), secret('a', { b: 'c' }, 'cluster')],
      'Secret argocd/a is not for generators: label it argocd.argoproj.io/secret-type: scm-creds',
    ],
    [
      'a Secret for writing to repositories',
      [configMap('my-plugin', { baseUrl: 'https://x', token: '$a:b' }), secret('a', { b: 'c' }, 'repository-write')],
      'Secret argocd/a is not for generators: label it argocd.argoproj.io/secret-type: scm-creds',
    ],
  ])('fails as a whole with %s', async (_why, objects, message) => {
    const { failed, applications } = await evaluate([{ plugin }], objects);
    expect(failed?.message).toContain(message);
    expect(applications).toEqual([]);
  });
});

describe('decisions', () => {
  const settings = configMap('argocd-placement', {
    apiVersion: 'cluster.open-cluster-management.io/v1beta1',
    kind: 'placementdecisions',
    statusListKey: 'decisions',
    matchKey: 'clusterName',
  });
  const decision = (name: string, clusters: string[], labels: Record<string, string> = {}) =>
    ({
      apiVersion: 'cluster.open-cluster-management.io/v1beta1',
      kind: 'PlacementDecision',
      metadata: { name, ...labelled({ 'wheelhouse.dev/cluster-decisions': 'true', ...labels }) },
      status: { decisions: clusters.map((clusterName) => ({ clusterName, reason: 'fits', path: 'p' })) },
    }) as KubeObject;
  const byName = { clusterDecisionResource: { configMapRef: 'argocd-placement', name: 'web' } };

  it('choose clusters by name of the resource', async () => {
    const { applications, warnings, reads } = await evaluate(
      [byName],
      [settings, decision('web', ['c2', 'c9']), decision('other', ['c1'])],
    );
    expect(applications.map(({ metadata }) => metadata.name)).toEqual(['c2']);
    expect(warnings).toEqual(['clusterDecisionResource: cluster "c9" is not known to the hub and is passed over']);
    expect(reads).toMatchObject({
      clusters: true,
      settings: ['ConfigMap/argocd/argocd-placement', 'PlacementDecision/argocd/*'],
    });
  });

  it('choose clusters by labels of the resources', async () => {
    const generator = {
      clusterDecisionResource: { configMapRef: 'argocd-placement', labelSelector: { matchLabels: { tier: 'gold' } } },
    };
    const objects = [settings, decision('a', ['c1'], { tier: 'gold' }), decision('b', ['c2'], { tier: 'tin' })];
    const { applications } = await evaluate([generator], objects);
    expect(applications.map(({ metadata }) => metadata.name)).toEqual(['c1']);
  });

  it('fail as a whole where there is none, so that nothing is removed', async () => {
    const { failed } = await evaluate([byName], [settings]);
    expect(failed?.message).toContain('apply it with the label wheelhouse.dev/cluster-decisions: "true"');
  });
});

describe('code hosts', () => {
  it('give elements with numbers as Go prints them', async () => {
    const host = await startHost({
      'GET /orgs/o/repos?per_page=100': [
        {
          id: 123456789,
          name: 'cart',
          owner: { login: 'o' },
          ssh_url: 's',
          clone_url: 'c',
          default_branch: 'main',
          topics: [],
        },
      ],
      'GET /repos/o/cart/branches/main': { name: 'main', commit: { sha: '0123456789ab' } },
    });
    const scmProvider = {
      github: { organization: 'o', api: host.url },
      values: { name: '{{ .repository }}-{{ .repository_id }}' },
    };
    const own = { metadata: { name: '{{ .values.name }}-{{ .short_sha_7 }}' }, spec: {} };
    const { applications, failed } = await evaluate([{ scmProvider: { ...scmProvider, template: own } }], []);
    expect(failed).toBeUndefined();
    expect(applications.map(({ metadata }) => metadata.name)).toEqual(['cart-123456789-0123456']);
  });
});
