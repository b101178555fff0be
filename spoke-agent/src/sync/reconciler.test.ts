import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import { widgetsOf } from '../cluster/testing/widgets.ts';
import { configMap, deployment, kindRef, type SimulatedSpoke, startSpoke } from './simulated-spoke.ts';

const ref = (kind: string, name: string): ObjectRef => ({ ...kindRef(kind), namespace: 'shop', name });
const setData = (data: Record<string, string>) => (object: KubeObject) => ({ ...object, data });
const dataOf = async (spoke: SimulatedSpoke, name: string) => (await spoke.find('ConfigMap', name))?.['data'];
const later = (policy: object) => ({ ...policy });

describe('applying an assignment', () => {
  it('creates namespace and resources, with tracking ids, and reports Synced and Healthy', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('settings'), deployment('web')] }] });
    const status = await spoke.settle();
    expect(status).toMatchObject({ sync: 'Synced', health: { status: 'Healthy' }, revision: 'r1', gen: 1, total: 2 });
    expect(status.operation).toMatchObject({ phase: 'Succeeded', revision: 'r1', retryCount: 0 });
    expect((await spoke.find('ConfigMap', 'settings'))?.metadata.annotations).toEqual({
      'argocd.argoproj.io/tracking-id': 'shop:/ConfigMap:shop/settings',
    });
  });

  it('sends one request per resource, and none for what does not change', async () => {
    await using spoke = startSpoke();
    const bundle = [configMap('a'), configMap('b')];
    spoke.assign({ apps: [{ manifests: bundle, policy: later({ syncOptions: [] }), ns: 'default' }] });
    await spoke.settle();
    expect(spoke.cluster.requests).toMatchObject({ apply: 2, dryRun: 0, find: 0, list: 0, watch: 1, remove: 0 });
    spoke.assign({ apps: [{ manifests: bundle, revision: 'r2', policy: later({ syncOptions: [] }), ns: 'default' }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', revision: 'r2' });
    spoke.assign({
      apps: [
        {
          manifests: [configMap('a'), configMap('b', { a: '2' })],
          revision: 'r3',
          policy: { syncOptions: [] },
          ns: 'default',
        },
      ],
    });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', revision: 'r3' });
    expect(spoke.cluster.requests).toMatchObject({ apply: 3, dryRun: 0, find: 0, remove: 0, watch: 1 });
  });

  it('shows Progressing until workloads are ready', async () => {
    await using spoke = startSpoke({ settleMs: 5_000 });
    spoke.assign({ apps: [{ manifests: [deployment('web')] }] });
    const status = await spoke.settle();
    expect(status).toMatchObject({ sync: 'Synced', health: { status: 'Progressing' } });
    expect(status.health.message).toContain('Deployment web');
    spoke.clock.advance(5_000);
    expect(await spoke.settle()).toMatchObject({ health: { status: 'Healthy' } });
  });

  it('waits for a wave to be healthy before the next, and for the last', async () => {
    await using spoke = startSpoke({ settleMs: 5_000 });
    const wave = (n: number) => ({ 'argocd.argoproj.io/sync-wave': String(n) });
    spoke.assign({ apps: [{ manifests: [deployment('second', wave(1)), deployment('first', wave(-1))] }] });
    const status = await spoke.settle();
    expect(status.operation).toMatchObject({
      phase: 'Running',
      message: expect.stringContaining('wave -1 waits for Deployment first') as string,
    });
    expect(await spoke.find('Deployment', 'second')).toBeUndefined();
    spoke.clock.advance(5_000);
    expect((await spoke.settle()).operation).toMatchObject({ phase: 'Running' });
    expect(await spoke.find('Deployment', 'second')).toBeDefined();
    spoke.clock.advance(5_000);
    expect(await spoke.settle()).toMatchObject({ operation: { phase: 'Succeeded' }, sync: 'Synced' });
  });

  it('fails a sync whose earlier wave is Degraded', async () => {
    await using spoke = startSpoke();
    const broken = deployment('first', { 'argocd.argoproj.io/sync-wave': '-1', 'wheelhouse.dev/simulate': 'failed' });
    spoke.assign({
      apps: [
        {
          manifests: [broken, configMap('second')],
          policy: { retry: { limit: 0, backoff: { durationMs: 1, factor: 1, maxDurationMs: 1 } } },
        },
      ],
    });
    const status = await spoke.settle();
    expect(status.operation).toMatchObject({ phase: 'Failed', message: expect.stringContaining('Degraded') as string });
    expect(status.firstBad).toMatchObject({ kind: 'Deployment', name: 'first', health: 'Degraded' });
    expect(await spoke.find('ConfigMap', 'second')).toBeUndefined();
  });

  it('applies a definition before its resource, in one bundle', async () => {
    await using spoke = startSpoke();
    const { definition, widget } = widgetsOf('example.com');
    spoke.assign({ apps: [{ manifests: [widget, definition] }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', total: 2 });
    const widgetRef = { group: 'example.com', version: 'v1', kind: 'Widget', namespace: 'shop', name: 'w' };
    spoke.cluster.edit(widgetRef, (object) => ({ ...object, spec: { size: 2 } }));
    await spoke.settle();
    expect((await spoke.cluster.find(widgetRef, new AbortController().signal))?.['spec']).toEqual({ size: 1 });
  });

  it('orders Applications by wave', async () => {
    const order: string[] = [];
    const intercept = (verb: string, ref?: ObjectRef) => {
      if (verb === 'apply' && ref?.kind === 'ConfigMap') order.push(ref.name);
      return undefined;
    };
    await using spoke = startSpoke({ intercept });
    const app = (name: string, wave: number) => ({ app: name, manifests: [configMap(name)], wave, ns: 'default' });
    spoke.assign({ apps: [app('late', 5), app('early', -1), app('middle', 0)] });
    await spoke.settle('late');
    expect(order).toEqual(['early', 'middle', 'late']);
  });

  it('reports hooks and options that are not built yet, and leaves hooks unapplied', async () => {
    await using spoke = startSpoke();
    const hook = configMap('hook', {}, { 'argocd.argoproj.io/hook': 'PreSync' });
    const replaced = configMap('replaced', {}, { 'argocd.argoproj.io/sync-options': 'Replace=true' });
    spoke.assign({
      apps: [{ manifests: [hook, replaced], policy: { syncOptions: ['CreateNamespace=true', 'Bogus=1'] } }],
    });
    const status = await spoke.settle();
    expect(status.resources).toContainEqual(expect.objectContaining({ name: 'hook', hook: true }));
    expect(status.conditions.map(({ type, message }) => `${type}: ${message}`).join('\n')).toMatch(
      /HooksNotRun: 1 hook[^]*UnsupportedOption: sync option Bogus=1[^]*Replace=true: replacing is not built yet/,
    );
    expect(await spoke.find('ConfigMap', 'hook')).toBeUndefined();
    expect(status.sync).toBe('Synced');
  });

  it.each([
    ['no kind', { apiVersion: 'v1', metadata: { name: 'x' } }, /names no apiVersion or kind/],
    ['only generateName', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'x-' } }, /give it a name/],
  ])('leaves out a manifest with %s, says so, and applies the rest', async (_row, manifest, message) => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [manifest as KubeObject, configMap('good')] }] });
    const status = await spoke.settle();
    expect(status.sync).toBe('Unknown');
    expect(status.conditions).toContainEqual({
      type: 'ComparisonError',
      message: expect.stringMatching(message) as string,
    });
    expect(await dataOf(spoke, 'good')).toEqual({ a: '1' });
  });
});

describe('drift', () => {
  it.each([
    [
      'an edited field',
      (spoke: SimulatedSpoke) => spoke.cluster.edit(ref('ConfigMap', 'settings'), setData({ a: 'edited' })),
    ],
    ['a removed field', (spoke: SimulatedSpoke) => spoke.cluster.edit(ref('ConfigMap', 'settings'), setData({}))],
    ['a deleted object', (spoke: SimulatedSpoke) => spoke.cluster.edit(ref('ConfigMap', 'settings'), () => undefined)],
    [
      'a removed tracking id',
      (spoke: SimulatedSpoke) =>
        spoke.cluster.edit(
          ref('ConfigMap', 'settings'),
          ({ metadata: { annotations: _gone, ...metadata }, ...rest }) => ({ ...rest, metadata }),
        ),
    ],
  ])('heals %s with one request', async (_row, harm) => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('settings')] }] });
    await spoke.settle();
    const { apply } = spoke.cluster.requests;
    harm(spoke);
    const status = await spoke.settle();
    expect(status).toMatchObject({ sync: 'Synced', operation: { message: 'healed drift of ConfigMap settings' } });
    expect(await dataOf(spoke, 'settings')).toEqual({ a: '1' });
    expect((await spoke.find('ConfigMap', 'settings'))?.metadata.annotations).toHaveProperty([
      'argocd.argoproj.io/tracking-id',
    ]);
    expect(spoke.cluster.requests).toMatchObject({ apply: apply + 1, dryRun: 0 });
  });

  it('leaves fields of others alone', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('settings')] }] });
    await spoke.settle();
    const before = { ...spoke.cluster.requests };
    spoke.cluster.edit(ref('ConfigMap', 'settings'), setData({ a: '1', theirs: '2' }));
    expect((await spoke.settle()).sync).toBe('Synced');
    expect(spoke.cluster.requests).toEqual(before);
    expect(await dataOf(spoke, 'settings')).toEqual({ a: '1', theirs: '2' });
  });

  it('is reported and not healed without selfHeal', async () => {
    await using spoke = startSpoke();
    spoke.assign({
      apps: [
        {
          manifests: [configMap('settings')],
          policy: { automated: { prune: true, selfHeal: false, allowEmpty: false } },
        },
      ],
    });
    await spoke.settle();
    spoke.cluster.edit(ref('ConfigMap', 'settings'), setData({ a: 'edited' }));
    const status = await spoke.settle();
    expect(status).toMatchObject({ sync: 'OutOfSync', firstBad: { name: 'settings', sync: 'OutOfSync' } });
    expect(await dataOf(spoke, 'settings')).toEqual({ a: 'edited' });
  });

  it('does not fight hot with another writer', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('settings')] }] });
    await spoke.settle();
    const fight = async () => {
      spoke.cluster.edit(ref('ConfigMap', 'settings'), setData({ a: 'theirs' }));
      await spoke.settle();
      return (await dataOf(spoke, 'settings')) as { a: string };
    };
    expect(await fight()).toEqual({ a: '1' });
    expect(await fight()).toEqual({ a: 'theirs' });
    expect((await spoke.settle()).sync).toBe('OutOfSync');
    spoke.clock.advance(2_000);
    await spoke.settle();
    expect(await dataOf(spoke, 'settings')).toEqual({ a: '1' });
  });

  it.each([
    ['a JSON pointer', { jsonPointers: ['/spec/replicas'] }],
    ['a jq path', { jqPathExpressions: ['.spec.replicas'] }],
    ['a jq path with a condition', { jqPathExpressions: ['.spec | select(.template != null) | .replicas'] }],
    ['the manager that owns it', { managedFieldsManagers: ['autoscaler'] }],
  ])('is ignored by %s', async (_row, rule) => {
    await using spoke = startSpoke();
    spoke.assign({
      apps: [
        {
          manifests: [deployment('web')],
          policy: { ignoreDifferences: [{ group: 'apps', kind: 'Deployment', ...rule }] },
        },
      ],
    });
    await spoke.settle();
    const before = { ...spoke.cluster.requests };
    const scale = (object: KubeObject) => ({ ...object, spec: { ...(object['spec'] as object), replicas: 5 } });
    spoke.cluster.edit(ref('Deployment', 'web'), scale, 'autoscaler');
    expect((await spoke.settle()).sync).toBe('Synced');
    expect(spoke.cluster.requests).toEqual(before);
  });

  it('keeps what is ignored at the next sync with RespectIgnoreDifferences', async () => {
    await using spoke = startSpoke();
    const policy = {
      syncOptions: ['CreateNamespace=true', 'RespectIgnoreDifferences=true'],
      ignoreDifferences: [{ group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] }],
    };
    spoke.assign({ apps: [{ manifests: [deployment('web')], policy }] });
    await spoke.settle();
    spoke.cluster.edit(ref('Deployment', 'web'), (object) => ({
      ...object,
      spec: { ...(object['spec'] as object), replicas: 5 },
    }));
    spoke.assign({ apps: [{ manifests: [deployment('web', {}, 'app:2')], policy, revision: 'r2' }] });
    expect((await spoke.settle()).sync).toBe('Synced');
    expect((await spoke.find('Deployment', 'web'))?.['spec']).toMatchObject({
      replicas: 5,
      template: { spec: { containers: [{ image: 'app:2' }] } },
    });
  });
});

describe('pruning', () => {
  it('deletes what is desired no longer, and nothing of others', async () => {
    await using spoke = startSpoke();
    spoke.assign({
      apps: [{ manifests: [configMap('a'), configMap('b')] }, { app: 'other', manifests: [configMap('c')] }],
    });
    await spoke.settle();
    spoke.assign({
      apps: [
        { manifests: [configMap('a')], revision: 'r2' },
        { app: 'other', manifests: [configMap('c')] },
      ],
    });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', total: 1 });
    expect(await dataOf(spoke, 'b')).toBeUndefined();
    expect(await dataOf(spoke, 'c')).toEqual({ a: '1' });
  });

  it.each([
    ['automated.prune is off', { automated: { prune: false, selfHeal: true, allowEmpty: false } }, {}],
    ['the resource says Prune=false', {}, { 'argocd.argoproj.io/sync-options': 'Prune=false' }],
  ])('keeps and reports it when %s', async (_row, policy, annotations) => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('a'), configMap('b', { a: '1' }, annotations)], policy }] });
    await spoke.settle();
    spoke.assign({ apps: [{ manifests: [configMap('a')], revision: 'r2', policy }] });
    const status = await spoke.settle();
    expect(status.sync).toBe('OutOfSync');
    expect(status.resources).toContainEqual(expect.objectContaining({ name: 'b', requiresPruning: true }));
    expect(await dataOf(spoke, 'b')).toEqual({ a: '1' });
  });

  it('refuses to empty an Application unless allowEmpty says so', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('a')] }] });
    await spoke.settle();
    spoke.assign({ apps: [{ manifests: [], revision: 'r2' }] });
    const status = await spoke.settle();
    expect(status.conditions).toContainEqual({
      type: 'SyncError',
      message: expect.stringContaining('allowEmpty') as string,
    });
    expect(await dataOf(spoke, 'a')).toEqual({ a: '1' });
    spoke.assign({
      apps: [
        { manifests: [], revision: 'r2', policy: { automated: { prune: true, selfHeal: true, allowEmpty: true } } },
      ],
    });
    expect((await spoke.settle()).sync).toBe('Synced');
    expect(await dataOf(spoke, 'a')).toBeUndefined();
  });

  it('does not prune a copy that carries a tracking id which names another object', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('a')] }] });
    await spoke.settle();
    const copy = { ...configMap('copy', {}, { 'argocd.argoproj.io/tracking-id': 'shop:/ConfigMap:shop/a' }) };
    copy.metadata.namespace = 'shop';
    await spoke.cluster.apply(copy, { fieldManager: 'someone', signal: new AbortController().signal });
    spoke.assign({ apps: [{ manifests: [configMap('a', { a: '2' })], revision: 'r2' }] });
    expect((await spoke.settle()).sync).toBe('Synced');
    expect(await dataOf(spoke, 'copy')).toEqual({});
  });
});

describe('failures', () => {
  const broken: KubeObject = { ...configMap('broken'), data: { a: 1 } };

  it('are retried with back-off, then given up until the revision changes', async () => {
    await using spoke = startSpoke();
    const policy = { retry: { limit: 2, backoff: { durationMs: 5_000, factor: 2, maxDurationMs: 180_000 } } };
    spoke.assign({ apps: [{ manifests: [broken], policy }] });
    expect((await spoke.settle()).operation).toMatchObject({
      phase: 'Running',
      retryCount: 1,
      message: expect.stringContaining('expected string') as string,
    });
    const attempts = () => spoke.cluster.requests.apply;
    const first = attempts();
    spoke.clock.advance(4_700);
    await spoke.settle();
    expect(attempts()).toBe(first + 1);
    spoke.clock.advance(9_000);
    await spoke.settle();
    expect(attempts()).toBe(first + 1);
    spoke.clock.advance(1_000);
    const status = await spoke.settle();
    expect(status.operation).toMatchObject({
      phase: 'Failed',
      retryCount: 2,
      message: expect.stringContaining('retried 2 times') as string,
    });
    expect(status.conditions).toContainEqual({
      type: 'SyncError',
      message: expect.stringContaining('r1 failed') as string,
    });
    expect(status.firstBad).toMatchObject({ name: 'broken', message: expect.stringContaining('.data.a') as string });
    spoke.clock.advance(3_600_000);
    await spoke.settle();
    expect(attempts()).toBe(first + 2);
    spoke.assign({ apps: [{ manifests: [configMap('broken')], policy, revision: 'r2' }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', conditions: [] });
  });

  it('of one resource leave the others healed', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('good'), deployment('web')] }] });
    await spoke.settle();
    spoke.assign({ apps: [{ manifests: [configMap('good'), deployment('web'), broken], revision: 'r2' }] });
    await spoke.settle();
    spoke.cluster.edit(ref('ConfigMap', 'good'), () => undefined);
    await spoke.settle();
    expect(await dataOf(spoke, 'good')).toEqual({ a: '1' });
  });

  it('of the cluster cost no attempt', async () => {
    let isDown = true;
    const intercept = (verb: string) =>
      isDown && verb === 'apply' ? new FleetError('ClusterUnavailable', 'the API server cannot be reached') : undefined;
    await using spoke = startSpoke({ intercept });
    spoke.assign({
      apps: [
        {
          manifests: [configMap('a')],
          policy: { retry: { limit: 0, backoff: { durationMs: 1, factor: 1, maxDurationMs: 1 } }, syncOptions: [] },
          ns: 'default',
        },
      ],
    });
    for (let second = 0; second < 10; second += 1) {
      expect((await spoke.settle()).conditions).toContainEqual({
        type: 'ComparisonError',
        message: 'the API server cannot be reached',
      });
      spoke.clock.advance(1_000);
    }
    isDown = false;
    spoke.clock.advance(60_000);
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', conditions: [] });
  });

  it('to read a bundle leave the last one in force', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('a')] }] });
    const { bundle } = await spoke.settle();
    spoke.assign({ apps: [{ manifests: [configMap('a', { a: '2' })], revision: 'r2' }] });
    spoke.assign({ apps: [{ manifests: [configMap('a')] }] });
    await spoke.settle();
    const next = [configMap('a', { a: '3' })];
    const { digestOf, canonicalJson } = await import('@wheelhouse/shared/kube/canonical');
    spoke.unreadable.add(digestOf(canonicalJson(next)));
    spoke.assign({ apps: [{ manifests: next, revision: 'r3' }] });
    const status = await spoke.settle();
    expect(status).toMatchObject({ revision: 'r1', bundle });
    expect(status.conditions).toContainEqual({
      type: 'ComparisonError',
      message: expect.stringContaining('cannot read the bundle') as string,
    });
    spoke.cluster.edit(ref('ConfigMap', 'a'), setData({ a: 'edited' }));
    spoke.clock.advance(60_000);
    await spoke.settle();
    expect(await dataOf(spoke, 'a')).toEqual({ a: '1' });
    spoke.unreadable.clear();
    spoke.clock.advance(60_000);
    expect(await spoke.settle()).toMatchObject({ revision: 'r3', sync: 'Synced', conditions: [] });
  });

  it('under FailOnSharedResource name the other Application', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ app: 'first', manifests: [configMap('a')] }] });
    await spoke.settle('first');
    const policy = {
      syncOptions: ['FailOnSharedResource=true'],
      retry: { limit: 0, backoff: { durationMs: 1, factor: 1, maxDurationMs: 1 } },
    };
    spoke.assign({
      apps: [
        { app: 'first', manifests: [configMap('a')] },
        { app: 'second', manifests: [configMap('a', { a: '2' })], policy },
      ],
    });
    const status = await spoke.settle('second');
    expect(status.operation).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('belongs to Application first') as string,
    });
    expect(await dataOf(spoke, 'a')).toEqual({ a: '1' });
  });
});

it('lets two Applications that share a resource not fight over it', async () => {
  await using spoke = startSpoke();
  const apps = [
    { app: 'first', manifests: [configMap('a')] },
    { app: 'second', manifests: [configMap('a', { a: '2' })] },
  ];
  spoke.assign({ apps });
  await spoke.settle('first');
  const { apply } = spoke.cluster.requests;
  spoke.clock.advance(600_000);
  const [first, second] = [await spoke.settle('first'), await spoke.settle('second')];
  expect(spoke.cluster.requests.apply).toBe(apply);
  const loser = first.sync === 'Synced' ? second : first;
  expect(loser.sync).toBe('OutOfSync');
  expect(loser.conditions).toContainEqual({
    type: 'SharedResourceWarning',
    message: expect.stringContaining('is also part of') as string,
  });
});

it('never syncs an Application without automation, but says how it stands', async () => {
  await using spoke = startSpoke();
  const existing = configMap('a', { a: 'before' });
  existing.metadata.namespace = 'default';
  await spoke.cluster.apply(existing, { fieldManager: 'someone', signal: new AbortController().signal });
  spoke.assign({
    apps: [
      {
        manifests: [configMap('a'), configMap('b')],
        ns: 'default',
        isManual: true,
      },
    ],
  });
  const status = await spoke.settle();
  expect(status.sync).toBe('OutOfSync');
  expect(status.resources.map(({ name, sync, health }) => ({ name, sync, health }))).toEqual([
    { name: 'b', sync: 'OutOfSync', health: 'Missing' },
    { name: 'a', sync: 'OutOfSync', health: undefined },
  ]);
  expect(spoke.cluster.requests).toMatchObject({ apply: 1, dryRun: 1 });
});
