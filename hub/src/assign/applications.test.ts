import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ApplicationFields,
  applicationOf,
  createHubState,
  evaluationOf,
  type HubState,
  repoURL,
} from '../testing/hub-state.ts';
import type { ApplicationChange, Applications } from './applications.ts';

const by = { by: 'test' };
const discovered = { repoURL, targetRevision: 'main', types: { shop: 'Directory' as const } };

describe('an Application', () => {
  it.each<[string, ApplicationFields, object]>([
    ['goes to the cluster of its name', { cluster: 'west' }, { cluster: 'west' }],
    ['goes to the cluster of its server', { spec: { destination: { server: 'https://west/' } } }, { cluster: 'west' }],
    [
      'goes to the hub itself',
      { spec: { destination: { server: 'https://kubernetes.default.svc' } } },
      { cluster: 'in-cluster', hubOnly: true },
    ],
    [
      'to an unknown cluster goes nowhere',
      { cluster: 'mars' },
      { problem: { code: 'UnknownDestination', message: expect.stringContaining("name 'mars'") as string } },
    ],
    [
      'without destination goes nowhere',
      { spec: { destination: { namespace: 'x' } } },
      { problem: { code: 'Invalid', message: expect.stringContaining('has no destination') as string } },
    ],
    [
      'with two destinations goes nowhere',
      { spec: { destination: { name: 'east', server: 'https://east' } } },
      { problem: { code: 'Invalid', message: expect.stringContaining('keep one') as string } },
    ],
    [
      'of an unknown project is not rendered',
      { spec: { project: 'team' } },
      {
        cluster: 'east',
        problem: { code: 'NotPermitted', message: expect.stringContaining('project team') as string },
      },
    ],
    [
      'of a plugin and another tool is not rendered',
      { source: { plugin: { name: 'x' }, helm: {} } },
      { cluster: 'east', problem: { code: 'Invalid', message: expect.stringContaining('(helm, plugin)') as string } },
    ],
    [
      'of two sources with one ref is not rendered',
      {
        spec: {
          sources: [
            { repoURL, ref: 'a' },
            { repoURL, ref: 'a' },
          ],
        },
      },
      { cluster: 'east', problem: { code: 'Invalid', message: expect.stringContaining('have the ref a') as string } },
    ],
    [
      'of a chart without a version is not rendered',
      { source: { chart: 'web', targetRevision: '' } },
      { cluster: 'east', problem: { code: 'Invalid', message: expect.stringContaining('has no version') as string } },
    ],
  ])('%s', async (_name, fields, expected) => {
    const state = await createHubState();
    await state.specs.put(applicationOf('shop', fields), by);
    expect(state.applications.find('shop')).toMatchObject(expected);
    expect(state.applications.find('shop')?.request).toBeUndefined();
  });

  it('has a render request once it is known what lies at its path, and another when that changes', async () => {
    const state = await createHubState();
    await state.specs.put(applicationOf('shop'), by);
    await state.derived.putDiscovery(discovered);
    const keys: (string | undefined)[] = [];
    for (const type of ['Directory', 'Helm', 'Directory'] as const) {
      await state.derived.putDiscovery({ ...discovered, types: { shop: type } });
      keys.push(state.applications.find('shop')?.request?.key);
    }
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(keys[2]).toBe(keys[0]);
    expect(keys[1]).not.toBe(keys[0]);
  });

  it('shares its request with others that the tool cannot tell apart, and is found by it', async () => {
    const state = await createHubState();
    await state.derived.putDiscovery(discovered);
    for (const [name, cluster] of [
      ['one', 'east'],
      ['two', 'west'],
    ] as const)
      await state.specs.put(applicationOf(name, { cluster, source: { path: 'shop' } }), by);
    const key = state.applications.find('one')?.request?.key ?? '';
    expect(state.applications.byRequest(key).map(({ id }) => id)).toEqual(['one', 'two']);
    expect(state.applications.bySource({ repoURL, targetRevision: 'main' }).map(({ id }) => id)).toEqual([
      'one',
      'two',
    ]);
    expect(state.applications.byCluster('west').map(({ id }) => id)).toEqual(['two']);
  });

  it('is judged again when a cluster joins, and when its project changes', async () => {
    const state = await createHubState();
    const codeOf = () => state.applications.find('shop')?.problem?.code;
    await state.specs.put(applicationOf('shop', { cluster: 'mars', spec: { project: 'team' } }), by);
    const codes = [codeOf()];
    state.enrol('mars');
    codes.push(codeOf());
    await state.specs.put(project(), by);
    codes.push(codeOf());
    await state.specs.put(project({ destinations: [] }), by);
    codes.push(codeOf());
    await state.specs.put(project({ signatureKeys: [{ keyID: '4AEE18F83AFDEB23' }] }), by);
    codes.push(codeOf());
    expect(codes).toEqual(['UnknownDestination', 'NotPermitted', undefined, 'NotPermitted', undefined]);
  });

  it('asks for another render when its project wants it signed, and when the keys change', async () => {
    const state = await createHubState();
    state.enrol('mars');
    await state.derived.putDiscovery(discovered);
    const keys: (string | undefined)[] = [];
    const note = () => keys.push(state.applications.find('shop')?.request?.key);
    await state.specs.put(project(), by);
    await state.specs.put(applicationOf('shop', { cluster: 'mars', spec: { project: 'team' } }), by);
    note();
    await state.specs.put(project({ signatureKeys: [{ keyID: '4AEE18F83AFDEB23' }] }), by);
    note();
    await state.specs.put(keyring({ '4AEE18F83AFDEB23': 'armour' }), by);
    note();
    await state.specs.put(keyring({ '4AEE18F83AFDEB23': 'another armour' }), by);
    note();
    await state.specs.put(project({ sourceIntegrity: { git: { policies: [policy('head')] } } }), by);
    note();
    await state.specs.put(project({ sourceIntegrity: { git: { policies: [policy('strict')] } } }), by);
    note();
    expect(keys).not.toContain(undefined);
    expect(new Set(keys).size).toBe(keys.length);
    await state.specs.put(project(), by);
    expect(state.applications.find('shop')?.request?.key).toBe(keys[0]);
    await state.specs.put(project({ sourceIntegrity: { git: { policies: [policy('lax')] } } }), by);
    expect(state.applications.find('shop')?.problem).toMatchObject({ code: 'Invalid' });
  });

  it('is told of once, and not at all when nothing about it changed', async () => {
    const state = await createHubState();
    const told: string[] = [];
    state.applications.onChange((changes) => told.push(...changes.map(formatChange)));
    await state.specs.put(applicationOf('shop'), by);
    state.enrol('north');
    await state.specs.put(applicationOf('shop', { cluster: 'west' }), by);
    await state.specs.delete('Application', 'argocd', 'shop');
    expect(told).toEqual(['- > east', 'east > west', 'west > -']);
  });
});

function project(spec: Partial<AppProject['spec']> = {}): AppProject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'team', namespace: 'argocd' },
    spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], ...spec },
  };
}

function policy(mode: string) {
  return { repos: [{ url: '*' }], gpg: { mode, keys: ['07E34825A909B250'] } };
}

function keyring(data: Record<string, string>): KubeObject {
  const metadata = { name: 'argocd-gpg-keys-cm', namespace: 'argocd' };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

function formatChange({ before, after }: ApplicationChange): string {
  return `${before?.cluster ?? '-'} > ${after?.cluster ?? '-'}`;
}

/** Who owns each Application, as `ID OWNER`. */
function ownersOf(applications: Applications): string[] {
  return [...applications.list()]
    .map(({ id, origin }) => `${id} ${origin.type === 'generated' ? origin.applicationSet : 'manifest'}`)
    .sort();
}

const setOf = (name: string, ids: readonly string[]) =>
  evaluationOf(
    ids.map((id) => applicationOf(id)),
    { name },
  );

describe('a name that several claim', () => {
  it.each<[string, (state: HubState) => Promise<unknown>, string[]]>([
    ['belongs to the set that comes first by name, whoever came first', async () => undefined, ['shop argocd/a']],
    [
      'goes to the other set when its owner lets go of it',
      async ({ derived }) => await derived.putEvaluation(setOf('a', [])),
      ['shop argocd/b'],
    ],
    [
      'goes to the other set when its owner is deleted',
      async ({ derived }) => await derived.deleteEvaluation('argocd', 'a'),
      ['shop argocd/b'],
    ],
    [
      'stays when the one that waits lets go of it',
      async ({ derived }) => await derived.putEvaluation(setOf('b', [])),
      ['shop argocd/a'],
    ],
    [
      'is gone when both let go of it',
      async ({ derived }) => {
        await derived.putEvaluation(setOf('b', []));
        await derived.putEvaluation(setOf('a', []));
      },
      [],
    ],
    [
      'belongs to a manifest before any set',
      async ({ specs }) => await specs.put(applicationOf('shop'), by),
      ['shop manifest'],
    ],
    [
      'goes back to the sets when the manifest is deleted',
      async ({ specs, derived }) => {
        await specs.put(applicationOf('shop'), by);
        await derived.putEvaluation(setOf('a', ['shop']));
        await specs.delete('Application', 'argocd', 'shop');
      },
      ['shop argocd/a'],
    ],
  ])('%s', async (_name, change, owners) => {
    const state = await createHubState();
    await state.derived.putEvaluation(setOf('b', ['shop']));
    await state.derived.putEvaluation(setOf('a', ['shop']));
    await change(state);
    expect(ownersOf(state.applications)).toEqual(owners);
  });

  it('is known to a replica that starts later just as to one that saw it all', async () => {
    const ids = ['one', 'two', 'three'];
    const change = fc.oneof(
      fc.record({ set: fc.constantFrom('a', 'b', 'c'), ids: fc.subarray(ids) }),
      fc.record({ manifest: fc.constantFrom(...ids), exists: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const state = await createHubState();
        for (const one of changes) {
          if ('set' in one) await state.derived.putEvaluation(setOf(one.set, one.ids));
          else if (one.exists) await state.specs.put(applicationOf(one.manifest), by);
          else await state.specs.delete('Application', 'argocd', one.manifest);
        }
        const later = await createHubState({ buckets: state.buckets });
        expect(ownersOf(state.applications)).toEqual(ownersOf(later.applications));
        expect(new Set([...state.applications.list()].map(({ id }) => id))).toEqual(claimed(state));
      }),
      { numRuns: 300 },
    );
  });
});

/** Every name that a manifest or any evaluation has. */
function claimed({ specs, derived }: HubState): Set<string> {
  const manifests = specs.list('Application').map(({ resource }) => resource as Application);
  const generated = derived.evaluations().flatMap(({ applications }) => applications);
  return new Set([...manifests, ...generated].map(({ metadata }) => metadata.name ?? ''));
}

it('acts as the account of its project while argocd-cm says so, and as nobody where that names none', async () => {
  const state = await createHubState();
  const put = async (enabled: string) =>
    await state.specs.put(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'argocd-cm', namespace: 'argocd' },
        data: { 'application.sync.impersonation.enabled': enabled },
      },
      by,
    );
  await state.specs.put(applicationOf('shop'), by);
  const team = applicationOf('shop', { spec: { project: 'team' } });
  const accounts = [{ server: '*', namespace: '*', defaultServiceAccount: 'ci:deployer' }];
  const changes: unknown[] = [];
  using _subscription = state.applications.onChange((some) => changes.push(...some.map(({ after }) => after?.actAs)));
  await put('true');
  await state.specs.put(team, by);
  await state.specs.put(project({ destinationServiceAccounts: accounts }), by);
  await put('false');
  const problem = (words: string) => ({ problem: expect.stringContaining(words) as string });
  const user = { user: 'system:serviceaccount:ci:deployer' };
  expect(changes).toEqual([
    problem('no matching service account found'),
    problem('project team is not known'),
    user,
    undefined,
  ]);
});

it('ignores what argocd-cm ignores, from its first version to its last', async () => {
  const state = await createHubState();
  const key = 'resource.customizations.ignoreDifferences.ConfigMap';
  const put = async (data: Record<string, string>) =>
    await state.specs.put(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm', namespace: 'argocd' }, data },
      by,
    );
  await state.specs.put(applicationOf('shop'), by);
  const changes: unknown[] = [];
  using _subscription = state.applications.onChange((some) => changes.push(...some.map(({ after }) => after?.ignored)));
  await put({ [key]: 'jsonPointers: [/data]' });
  await put({ [key]: 'jsonPointers: [/data]', 'admin.enabled': 'true' });
  await put({});
  expect(changes).toEqual([[{ group: '', kind: 'ConfigMap', jsonPointers: ['/data'] }], undefined]);
});
