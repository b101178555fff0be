import type { AssignedApp, AssignedOperation, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Withdrawal } from '../store/additions.ts';
import { applicationOf, indexedOf } from '../testing/hub-state.ts';
import { type Draft, documentVersion, draftDocument, isPublished } from './document.ts';

const now = new Date('2026-01-01T00:00:00Z');

interface World {
  /** Bundle of each desired Application; undefined where it cannot be rendered now. */
  desired: Record<string, string | undefined>;
  withdrawn?: string[];
  operations?: AssignedOperation[];
  actAs?: { user: string };
  project?: AppProject;
  /** Whether `argocd-cm` is there. */
  saysAccounts?: boolean;
}

function appOf(app: string, bundle: string): AssignedApp {
  return {
    app,
    ns: 'default',
    project: 'default',
    revision: 'c0ffee',
    bundle,
    vars: {},
    policy: { syncOptions: [] },
    wave: 0,
  };
}

function documentOf(draft: Pick<Draft, 'apps' | 'ops' | 'tombstones'>): AssignmentDocument {
  const { apps, ops, tombstones } = draft;
  return { v: 1, cluster: 'east', gen: 1, kid: 'k', issuedAt: now.toISOString(), apps, ops, tombstones };
}

function draft(previous: AssignmentDocument | undefined, world: World): Draft {
  const { desired, withdrawn = [], operations = [], actAs, project, saysAccounts = true } = world;
  const known = { ...(actAs ? { actAs } : {}), ...(project ? { project } : {}) };
  const withdrawal = (app: string): Withdrawal => ({
    app,
    cluster: 'east',
    reason: `${app} goes`,
    cascade: true,
    by: 'ann',
    at: now.toISOString(),
    application: applicationOf(app),
  });
  return draftDocument('east', previous, {
    applications: {
      byCluster: () => Object.keys(desired).map((id) => indexedOf(applicationOf(id), known)),
      accountAt: () => actAs,
    },
    additions: {
      withdrawals: () => withdrawn.map(withdrawal),
      operations: (app) => operations.filter((one) => one.app === app),
    },
    retains: () => false,
    saysAccounts: () => saysAccounts,
    registration: () => undefined,
    resolve: ({ id }) => {
      const bundle = desired[id];
      return { ...(bundle === undefined ? {} : { app: appOf(id, bundle) }), problems: [], warnings: [] };
    },
    now: () => now,
  });
}

const shown = ({ apps, tombstones, changed, unexplained }: Draft) => ({
  apps: apps.map(({ app, bundle }) => `${app} ${bundle}`),
  tombstones: tombstones.map(({ app }) => app),
  changed: changed.map(({ app }) => app),
  unexplained: unexplained.map(({ app }) => app),
});

describe('orphaned resources in a draft', () => {
  const projectOf = (spec: AppProject['spec']): AppProject => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default', namespace: 'argocd' },
    spec,
  });
  const ignore = [{ kind: 'ConfigMap' }];
  const denied = [{ group: '', kind: 'Secret' }];
  it.each<[string, AppProject['spec'] | undefined, object | undefined]>([
    ['are not spoken of where no project asks', {}, undefined],
    ['are not where there is no project', undefined, undefined],
    ['are asked for by a project that says nothing more', { orphanedResources: {} }, { ignore: [], denied: [] }],
    [
      'come with what the project ignores and permits, warned of or not',
      {
        orphanedResources: { warn: false, ignore },
        namespaceResourceBlacklist: denied,
        namespaceResourceWhitelist: [],
      },
      { ignore, denied, permitted: [] },
    ],
  ])('%s', (...[, spec, policy]) => {
    const project = spec && projectOf(spec);
    const { orphans } = draft(undefined, { desired: { a: '1', b: '1' }, ...(project ? { project } : {}) });
    expect(orphans).toEqual(policy && { default: policy });
  });

  it('are published when a project begins to ask, and when it ends', () => {
    const desired = { a: '1' };
    const asking = draft(undefined, { desired, project: projectOf({ orphanedResources: {} }) });
    const without = documentOf(draft(undefined, { desired }));
    const withThem = { ...documentOf(asking), ...(asking.orphans ? { orphans: asking.orphans } : {}) };
    expect(isPublished(draft(without, { desired, project: projectOf({ orphanedResources: {} }) }), without)).toBe(
      false,
    );
    expect(isPublished(draft(withThem, { desired, project: projectOf({ orphanedResources: {} }) }), withThem)).toBe(
      true,
    );
    expect(isPublished(draft(withThem, { desired }), withThem)).toBe(false);
    expect(documentVersion(asking, undefined)).toBe(1);
  });
});

describe('a draft', () => {
  const had = documentOf(draft(undefined, { desired: { a: '1', b: '1' } }));
  it.each<[string, World, object]>([
    ['says what is desired', { desired: { b: '1', a: '1' } }, { apps: ['a 1', 'b 1'], changed: [] }],
    ['names what changed', { desired: { a: '1', b: '2' } }, { apps: ['a 1', 'b 2'], changed: ['b'] }],
    ['names what is new', { desired: { a: '1', b: '1', c: '1' } }, { apps: ['a 1', 'b 1', 'c 1'], changed: ['c'] }],
    ['keeps what cannot be rendered now', { desired: { a: '1', b: undefined } }, { apps: ['a 1', 'b 1'] }],
    ['leaves out what was never rendered', { desired: { a: '1', b: '1', c: undefined } }, { apps: ['a 1', 'b 1'] }],
    ['keeps what nothing explains, and says so', { desired: { a: '1' } }, { apps: ['a 1', 'b 1'], unexplained: ['b'] }],
    ['drops what is withdrawn', { desired: { a: '1' }, withdrawn: ['b'] }, { apps: ['a 1'], tombstones: ['b'] }],
    [
      'keeps a tombstone of what is gone already',
      { desired: { a: '1', b: '1' }, withdrawn: ['x'] },
      { apps: ['a 1', 'b 1'], tombstones: ['x'] },
    ],
    [
      'does not drop what is desired again',
      { desired: { a: '1', b: '1' }, withdrawn: ['b'] },
      { apps: ['a 1', 'b 1'] },
    ],
    [
      'does not drop what is desired and cannot be rendered',
      { desired: { a: '1', b: undefined }, withdrawn: ['b'] },
      { apps: ['a 1', 'b 1'] },
    ],
  ])('%s', (_name, world, expected) => {
    expect(shown(draft(had, world))).toEqual({ tombstones: [], changed: [], unexplained: [], ...expected });
  });

  it.each([
    ['can be rendered', '2'],
    ['cannot be rendered now', undefined],
  ])('leaves the account of one that %s while nothing is said of accounts', (_name, bundle) => {
    const actAs = { user: 'system:serviceaccount:shop:deployer' };
    const narrowed = documentOf(draft(undefined, { desired: { a: '1' }, actAs }));
    const accountsIn = (world: World) => draft(narrowed, world).apps.map(({ policy }) => policy.actAs);
    expect(accountsIn({ desired: { a: bundle }, saysAccounts: false })).toEqual([actAs]);
    expect(accountsIn({ desired: { a: bundle } })).toEqual([undefined]);
  });

  it('has a tombstone carried out as whom the project names now, where it names somebody', () => {
    const actAs = { user: 'system:serviceaccount:shop:deployer' };
    const buried = draft(had, { desired: {}, withdrawn: ['a', 'b'], actAs });
    expect(buried.tombstones.map((tombstone) => tombstone.actAs)).toEqual([actAs, actAs]);
    expect(documentVersion(buried, { v: 1 })).toBe(2);
    expect(draft(had, { desired: {}, withdrawn: ['a'] }).tombstones[0]).not.toHaveProperty('actAs');
  });

  it('carries operations of its Applications until they expire', () => {
    const operation = (id: string, app: string, ms: number): AssignedOperation => ({
      id,
      app,
      type: 'refresh',
      by: 'ann',
      expiresAt: new Date(now.getTime() + ms).toISOString(),
    });
    const operations = [operation('1', 'a', 1), operation('2', 'a', 0), operation('3', 'elsewhere', 1)];
    expect(draft(had, { desired: { a: '1' }, operations }).ops.map(({ id }) => id)).toEqual(['1']);
  });

  it('writes what cannot be rendered now as nobody but whom its project names now', () => {
    const actAs = { user: 'system:serviceaccount:shop:deployer' };
    const named = draft(had, { desired: { a: undefined }, actAs });
    expect(named.apps.map(({ app, policy }) => [app, policy.actAs])).toEqual([
      ['a', actAs],
      ['b', undefined],
    ]);
    expect(documentVersion(named, had)).toBe(2);
    const unnamed = draft(documentOf(named), { desired: { a: undefined } });
    expect(unnamed.apps).toEqual(had.apps);
    expect(documentVersion(unnamed, { v: 2 })).toBe(1);
    const buried = draft(documentOf(named), { desired: {}, withdrawn: ['a', 'b'] });
    expect(documentVersion(buried, { v: 2 })).toBe(2);
    expect(documentVersion(buried, { v: 1 })).toBe(1);
  });

  it('never drops an Application without a withdrawal, and never keeps one with it, whatever happens', () => {
    const names = ['a', 'b', 'c', 'd'];
    const world = fc.record({
      desired: fc.dictionary(fc.constantFrom(...names), fc.option(fc.constantFrom('1', '2'), { nil: undefined })),
      withdrawn: fc.subarray(names),
    });
    fc.assert(
      fc.property(fc.array(world, { minLength: 1, maxLength: 8 }), (worlds) => {
        let previous: AssignmentDocument | undefined;
        for (const { desired, withdrawn } of worlds) {
          const next = draft(previous, { desired, withdrawn });
          const had = (previous?.apps ?? []).map(({ app }) => app);
          const has = new Set(next.apps.map(({ app }) => app));
          const buried = new Set(next.tombstones.map(({ app }) => app));
          expect(had.filter((app) => !has.has(app) && !withdrawn.includes(app))).toEqual([]);
          expect([...has].filter((app) => buried.has(app))).toEqual([]);
          expect(has.size).toBe(next.apps.length);
          for (const app of withdrawn) expect(buried.has(app)).toBe(!(app in desired && has.has(app)));
          const bundles = new Map(next.apps.map(({ app, bundle }) => [app, bundle]));
          const rendered = Object.entries(desired).filter(([, bundle]) => bundle !== undefined);
          expect(rendered.filter(([app, bundle]) => bundles.get(app) !== bundle)).toEqual([]);
          const again = draft(documentOf(next), { desired, withdrawn });
          expect(isPublished(again, documentOf(next))).toBe(true);
          previous = documentOf(next);
        }
      }),
    );
  });
});

describe('a draft that says nothing new', () => {
  const operation: AssignedOperation = {
    id: '1',
    app: 'a',
    type: 'refresh',
    by: 'ann',
    expiresAt: '2026-01-02T00:00:00Z',
  };
  const document = documentOf(draft(undefined, { desired: { a: '1', b: '1' } }));
  it.each<[string, World, boolean]>([
    ['the same', { desired: { b: '1', a: '1' } }, true],
    ['one that cannot be rendered now', { desired: { a: '1', b: undefined } }, true],
    ['one that nothing explains any more', { desired: { a: '1' } }, true],
    ['another bundle', { desired: { a: '1', b: '2' } }, false],
    ['one more', { desired: { a: '1', b: '1', c: '1' } }, false],
    ['a withdrawal', { desired: { a: '1' }, withdrawn: ['b'] }, false],
    ['an operation', { desired: { a: '1', b: '1' }, operations: [operation] }, false],
  ])('%s', (_name, world, expected) => {
    expect(isPublished(draft(document, world), document)).toBe(expected);
  });

  it('says where the cluster is registered anew', () => {
    const registration = {
      server: 'https://east',
      labels: { region: 'eu' },
      annotations: {},
      publicKey: 'U1',
      uid: '1',
      enrolledAt: now.toISOString(),
    };
    const next = draft(document, { desired: { a: '1', b: '1' } });
    expect(isPublished({ ...next, registration }, document)).toBe(false);
    expect(isPublished({ ...next, registration }, { ...document, registration })).toBe(true);
  });
});
