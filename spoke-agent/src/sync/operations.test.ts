import { setImmediate } from 'node:timers/promises';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { describe, expect, it, vi } from 'vitest';
import { configMap, deployment, kindRef, startSpoke, syncOf } from './simulated-spoke.ts';

const signal = new AbortController().signal;

describe('an operation', () => {
  it('syncs an Application that is not automated, once', async () => {
    await using spoke = startSpoke();
    const apps = [{ manifests: [configMap('a')], isManual: true }];
    spoke.assign({ apps });
    expect((await spoke.settle()).sync).toBe('OutOfSync');
    spoke.assign({ apps, ops: [syncOf('1')] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { id: '1', phase: 'Succeeded' } });
    spoke.cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'a' }, () => undefined);
    spoke.assign({ apps, ops: [syncOf('1')] });
    expect((await spoke.settle()).sync).toBe('OutOfSync');
    spoke.assign({ apps, ops: [syncOf('1'), syncOf('2')] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { id: '2' } });
  });

  it('is ignored when it expired', async () => {
    await using spoke = startSpoke();
    const op = { ...syncOf('1'), expiresAt: '2020-01-01T00:00:00Z' };
    spoke.assign({ apps: [{ manifests: [configMap('a')], isManual: true }], ops: [op] });
    expect(await spoke.settle()).toMatchObject({ sync: 'OutOfSync' });
  });

  it('prunes only when told to', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('a'), configMap('b')], isManual: true }], ops: [syncOf('1')] });
    await spoke.settle();
    const apps = [{ manifests: [configMap('a')], isManual: true, revision: 'r2' }];
    spoke.assign({ apps, ops: [syncOf('2')] });
    expect((await spoke.settle()).sync).toBe('OutOfSync');
    expect(await spoke.find('ConfigMap', 'b')).toBeDefined();
    spoke.assign({ apps, ops: [syncOf('3', { prune: true })] });
    expect((await spoke.settle()).sync).toBe('Synced');
    expect(await spoke.find('ConfigMap', 'b')).toBeUndefined();
  });

  it('prunes nothing that is, or has become, to be skipped', async () => {
    await using spoke = startSpoke();
    const skipped = { 'argocd.argoproj.io/hook': 'Skip' };
    spoke.assign({ apps: [{ manifests: [configMap('a'), configMap('b')], isManual: true }], ops: [syncOf('1')] });
    await spoke.settle();
    spoke.cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'b' }, (live) => {
      if (live) live.metadata.annotations = { ...live.metadata.annotations, ...skipped };
      return live;
    });
    const { metadata, ...rest } = configMap('a');
    const manifests = [{ ...rest, metadata: { ...metadata, annotations: skipped } }, configMap('c')];
    spoke.assign({ apps: [{ manifests, isManual: true, revision: 'r2' }], ops: [syncOf('2', { prune: true })] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { id: '2', phase: 'Succeeded' } });
    for (const name of ['a', 'b', 'c']) expect(await spoke.find('ConfigMap', name)).toBeDefined();
  });

  it('touches only the resources it names', async () => {
    await using spoke = startSpoke();
    const resources = [{ group: '', kind: 'ConfigMap', namespace: 'shop', name: 'b' }];
    spoke.assign({
      apps: [{ manifests: [configMap('a'), configMap('b')], isManual: true }],
      ops: [syncOf('1', { resources })],
    });
    expect((await spoke.settle()).sync).toBe('OutOfSync');
    expect(await spoke.find('ConfigMap', 'a')).toBeUndefined();
    expect(await spoke.find('ConfigMap', 'b')).toBeDefined();
  });

  it('changes nothing in a dry run and says what would change', async () => {
    await using spoke = startSpoke();
    const policy = { syncOptions: [] };
    spoke.assign({
      apps: [{ manifests: [configMap('a')], policy, isManual: true, ns: 'default' }],
      ops: [syncOf('1', { dryRun: true })],
    });
    const status = await spoke.settle();
    expect(status.operation).toMatchObject({ phase: 'Succeeded', message: 'dry run: 1 resource(s) would change' });
    expect(await spoke.find('ConfigMap', 'a', 'default')).toBeUndefined();
  });

  it('that runs Jobs makes them anew, touches nothing else, and ends when they have', async () => {
    await using spoke = startSpoke({ settleMs: 60_000 });
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'dns' }, spec: { template: {} } };
    const apps = [{ manifests: [configMap('a'), job], isManual: true }];
    const end = () => spoke.clock.advance(60_000);
    spoke.assign({ apps, ops: [syncOf('1', { runJobs: true })] });
    expect((await spoke.settle()).operation).toMatchObject({
      phase: 'Running',
      message: expect.stringMatching(/Job dns/),
    });
    end();
    expect((await spoke.settle()).operation).toMatchObject({ id: '1', phase: 'Succeeded' });
    const uids = async () =>
      await Promise.all(
        [spoke.find('ConfigMap', 'a'), spoke.find('Job', 'dns')].map(async (one) => (await one)?.metadata.uid),
      );
    const [map, first] = await uids();
    spoke.assign({ apps, ops: [syncOf('2', { runJobs: true })] });
    expect((await spoke.settle()).operation).toMatchObject({ id: '2', phase: 'Running' });
    const [sameMap, second] = await uids();
    expect([sameMap === map, second === first, second === undefined]).toEqual([true, false, false]);
    end();
    expect((await spoke.settle()).operation).toMatchObject({ id: '2', phase: 'Succeeded' });
  });

  it('that runs Jobs fails with one of them', async () => {
    await using spoke = startSpoke();
    const metadata = { name: 'dns', annotations: { 'wheelhouse.dev/simulate': 'failed' } };
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template: {} } };
    spoke.assign({ apps: [{ manifests: [job], isManual: true }], ops: [syncOf('1', { runJobs: true })] });
    expect((await spoke.settle()).operation).toMatchObject({ id: '1', phase: 'Failed' });
  });

  it('that runs Jobs is over when its time is, and the next one makes the Job that hangs anew', async () => {
    await using spoke = startSpoke({ settleMs: 600_000 });
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'dns' }, spec: { template: {} } };
    const apps = [{ manifests: [job], isManual: true }];
    const within = (id: string, ms: number) => ({
      ...syncOf(id, { runJobs: true }),
      expiresAt: new Date(spoke.clock.now() + ms).toISOString(),
    });
    const hangs = within('1', 30_000);
    spoke.assign({ apps, ops: [hangs] });
    expect((await spoke.settle()).operation).toMatchObject({ id: '1', phase: 'Running' });
    const first = (await spoke.find('Job', 'dns'))?.metadata.uid;
    spoke.assign({ apps, ops: [hangs, within('2', 3_600_000)] });
    expect((await spoke.settle()).operation).toMatchObject({ id: '1', phase: 'Running' });
    spoke.clock.advance(30_000);
    expect((await spoke.settle()).operation).toMatchObject({ id: '2', phase: 'Running' });
    expect(spoke.reports.map(({ operation }) => operation)).toContainEqual(
      expect.objectContaining({
        id: '1',
        phase: 'Failed',
        message: expect.stringMatching(/^did not end in time: .*Job dns/) as string,
      }),
    );
    expect((await spoke.find('Job', 'dns'))?.metadata.uid).not.toBe(first);
    spoke.clock.advance(600_000);
    expect((await spoke.settle()).operation).toMatchObject({ id: '2', phase: 'Succeeded' });
  });

  it('that was cut off by the end of its agent is over, and is not done twice', async () => {
    const stuck = deployment('first', { 'argocd.argoproj.io/sync-wave': '-1', 'wheelhouse.dev/simulate': 'stuck' });
    const document = { apps: [{ manifests: [stuck, configMap('second')], isManual: true }], ops: [syncOf('1')] };
    await using before = startSpoke();
    before.assign(document);
    expect((await before.settle()).operation).toMatchObject({ id: '1', phase: 'Running' });
    await before.reconciler[Symbol.asyncDispose]();
    await using after = startSpoke({ cluster: before.cluster, clock: before.clock, records: before.records });
    after.assign(document);
    expect((await after.settle()).operation).toMatchObject({
      id: '1',
      phase: 'Failed',
      message: expect.stringMatching(/^cut off when the agent ended; sync again/) as string,
    });
  });

  it.each(['example.com/hold', 'argocd.argoproj.io/hook-finalizer'])(
    'that runs Jobs fails as long as %s holds the one that has ended, and runs it when that is gone',
    async (finalizer) => {
      await using spoke = startSpoke();
      const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'dns' }, spec: { template: {} } };
      const apps = [{ manifests: [job], isManual: true }];
      const hold = (finalizers: string[]) =>
        spoke.cluster.edit({ ...kindRef('Job'), namespace: 'shop', name: 'dns' }, (object) => ({
          ...object,
          metadata: { ...object.metadata, finalizers },
        }));
      spoke.assign({ apps, ops: [syncOf('1', { runJobs: true })] });
      expect((await spoke.settle()).operation).toMatchObject({ id: '1', phase: 'Succeeded' });
      const first = (await spoke.find('Job', 'dns'))?.metadata.uid;
      hold([finalizer]);
      spoke.assign({ apps, ops: [syncOf('2', { runJobs: true })] });
      await spoke.settle();
      const { apply } = spoke.cluster.requests;
      spoke.clock.advance(60_000);
      expect((await spoke.settle()).operation).toMatchObject({
        id: '2',
        phase: 'Failed',
        message: expect.stringMatching(
          new RegExp(`^Job shop/dns is not gone.*${finalizer}.*sync again`, 'u'),
        ) as string,
      });
      expect(spoke.cluster.requests.apply).toBe(apply);
      hold([]);
      spoke.assign({ apps, ops: [syncOf('3', { runJobs: true })] });
      expect((await spoke.settle()).operation).toMatchObject({ id: '3', phase: 'Succeeded' });
      expect((await spoke.find('Job', 'dns'))?.metadata.uid).not.toBe(first);
    },
  );

  it('waits for an object that is being deleted, whatever its health', async () => {
    await using spoke = startSpoke();
    const held = configMap('first', { a: '1' }, { 'argocd.argoproj.io/sync-wave': '-1' });
    held.metadata.finalizers = ['argocd.argoproj.io/hook-finalizer'];
    spoke.assign({ apps: [{ manifests: [held, configMap('second')] }] });
    await spoke.settle();
    await spoke.cluster.remove(
      { ...kindRef('ConfigMap'), namespace: 'shop', name: 'first' },
      { propagation: 'Background', signal },
    );
    spoke.assign({ apps: [{ manifests: [held, configMap('second', { b: '2' })], revision: 'r2' }] });
    expect((await spoke.settle()).operation).toMatchObject({
      phase: 'Running',
      message: expect.stringContaining('first (Progressing: Pending deletion)') as string,
    });
  });

  it('with force replaces what cannot be changed', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [deployment('web')], isManual: true }], ops: [syncOf('1')] });
    await spoke.settle();
    const uid = (await spoke.find('Deployment', 'web'))?.metadata.uid;
    const changed = deployment('web');
    (changed['spec'] as { selector: object }).selector = { matchLabels: { app: 'web', tier: 'front' } };
    spoke.assign({ apps: [{ manifests: [changed], isManual: true, revision: 'r2' }], ops: [syncOf('2')] });
    expect((await spoke.settle()).operation).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('immutable') as string,
    });
    spoke.assign({
      apps: [{ manifests: [changed], isManual: true, revision: 'r2' }],
      ops: [syncOf('3', { force: true })],
    });
    expect((await spoke.settle()).sync).toBe('Synced');
    expect((await spoke.find('Deployment', 'web'))?.metadata.uid).not.toBe(uid);
  });

  it('ends a sync that waits, when it is a terminate', async () => {
    await using spoke = startSpoke();
    const first = deployment('first', { 'argocd.argoproj.io/sync-wave': '-1', 'wheelhouse.dev/simulate': 'stuck' });
    const apps = [{ manifests: [first, configMap('second')] }];
    spoke.assign({ apps });
    expect((await spoke.settle()).operation).toMatchObject({ phase: 'Running' });
    spoke.assign({ apps, ops: [{ ...syncOf('1'), type: 'terminate' }] });
    expect((await spoke.settle()).operation).toMatchObject({ phase: 'Failed', message: 'operation terminated by ann' });
    expect(await spoke.find('ConfigMap', 'second')).toBeUndefined();
  });

  it('compares anew with the API server, when it is a refresh', async () => {
    await using spoke = startSpoke();
    const apps = [{ manifests: [configMap('a')] }];
    spoke.assign({ apps });
    await spoke.settle();
    expect(spoke.cluster.requests.dryRun).toBe(0);
    spoke.assign({ apps, ops: [{ ...syncOf('1'), type: 'refresh' }] });
    expect((await spoke.settle()).sync).toBe('Synced');
    expect(spoke.cluster.requests).toMatchObject({ dryRun: 1, apply: 2 });
  });
});

describe('a newer assignment', () => {
  it('takes the place of a sync that waits', async () => {
    await using spoke = startSpoke();
    const stuck = deployment('first', { 'argocd.argoproj.io/sync-wave': '-1', 'wheelhouse.dev/simulate': 'stuck' });
    spoke.assign({ apps: [{ manifests: [stuck, configMap('second')] }] });
    await spoke.settle();
    const fine = deployment('first', { 'argocd.argoproj.io/sync-wave': '-1' });
    spoke.assign({ apps: [{ manifests: [fine, configMap('second')], revision: 'r2' }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { phase: 'Succeeded', revision: 'r2' } });
  });
});

describe('a tombstone', () => {
  const manifests = [
    configMap('a'),
    configMap('kept', {}, { 'argocd.argoproj.io/sync-options': 'Delete=false' }),
    deployment('web'),
  ];

  it('with cascade deletes what is ours but for Delete=false, and is reported as carried out', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests }, { app: 'other', manifests: [configMap('theirs')] }] });
    await spoke.settle();
    spoke.assign({
      apps: [{ app: 'other', manifests: [configMap('theirs')] }],
      tombstones: [{ app: 'shop', reason: 'deleted', cascade: true }],
    });
    expect(await spoke.settle()).toMatchObject({ removed: true, gen: 2, total: 0 });
    expect(await spoke.find('ConfigMap', 'a')).toBeUndefined();
    expect(await spoke.find('Deployment', 'web')).toBeUndefined();
    expect(await spoke.find('ConfigMap', 'kept')).toBeDefined();
    expect(await spoke.find('ConfigMap', 'theirs')).toBeDefined();
  });

  it('without cascade leaves everything and forgets it', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests }] });
    await spoke.settle();
    spoke.assign({ tombstones: [{ app: 'shop', reason: 'deleted', cascade: false }] });
    expect(await spoke.settle()).toMatchObject({ removed: true });
    expect(await spoke.find('Deployment', 'web')).toBeDefined();
    spoke.cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'a' }, (object: KubeObject) => ({
      ...object,
      data: {},
    }));
    await spoke.settle();
    expect((await spoke.find('ConfigMap', 'a'))?.['data']).toEqual({});
    spoke.assign({});
    expect(spoke.records.find('shop')).toBeUndefined();
  });

  it('deletes the highest wave first and waits for it to be gone', async () => {
    await using spoke = startSpoke();
    const wave = (n: number) => ({ 'argocd.argoproj.io/sync-wave': String(n) });
    const held = configMap('late', {}, wave(2));
    held.metadata.finalizers = ['example.com/hold'];
    spoke.assign({ apps: [{ manifests: [configMap('early', {}, wave(1)), held] }] });
    await spoke.settle();
    spoke.assign({ tombstones: [{ app: 'shop', reason: 'deleted', cascade: true }] });
    expect(await spoke.settle()).toMatchObject({
      health: { status: 'Progressing', message: expect.stringContaining('deleting 2') as string },
    });
    expect(await spoke.find('ConfigMap', 'early')).toBeDefined();
    spoke.cluster.edit(
      { ...kindRef('ConfigMap'), namespace: 'shop', name: 'late' },
      ({ metadata: { finalizers: _gone, ...metadata }, ...rest }) => ({ ...rest, metadata }),
    );
    expect(await spoke.settle()).toMatchObject({ removed: true });
    expect(await spoke.find('ConfigMap', 'early')).toBeUndefined();
  });

  it.each([1, 32])('goes before everything that is to be applied, with %i at work at a time', async (concurrency) => {
    await using before = startSpoke();
    before.assign({ apps: [{ app: 'z-old', manifests: [configMap('old')] }] });
    await before.settle('z-old');
    await before.reconciler[Symbol.asyncDispose]();
    const { remove } = before.cluster;
    vi.spyOn(before.cluster, 'remove').mockImplementation(async (...args) => {
      await setImmediate();
      return await remove.apply(before.cluster, args);
    });
    // an agent that comes back knows nothing of what is on its cluster
    await using spoke = startSpoke({
      concurrency,
      cluster: before.cluster,
      clock: before.clock,
      records: before.records,
    });
    const order: string[] = [];
    const note = (what: string) => (object: KubeObject) => void order.push(`${what} ${object.metadata.name}`);
    const nothing = () => undefined;
    const seen = { listing: nothing, listed: nothing, connected: nothing, failed: nothing };
    void spoke.cluster.watch(
      kindRef('ConfigMap'),
      { ...seen, changed: note('changed'), removed: note('removed') },
      new AbortController().signal,
    );
    spoke.assign({
      apps: [{ app: 'a-new', manifests: [configMap('new')], wave: -5 }],
      tombstones: [{ app: 'z-old', reason: 'moved', cascade: true }],
    });
    await spoke.settle('a-new');
    expect(order.slice(-2)).toEqual(['removed old', 'changed new']);
  });

  it('finds what to delete when nothing is recorded', async () => {
    await using before = startSpoke();
    before.assign({ apps: [{ manifests }] });
    await before.settle();
    await using spoke = startSpoke({ cluster: before.cluster });
    spoke.assign({ tombstones: [{ app: 'shop', reason: 'deleted', cascade: true }] });
    expect(await spoke.settle()).toMatchObject({ removed: true });
    expect(await spoke.find('Deployment', 'web')).toBeUndefined();
  });

  it('does nothing to an Application that is also assigned', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests }], tombstones: [{ app: 'shop', reason: 'deleted', cascade: true }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced' });
  });

  it('that is followed by a new assignment gives way to it', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests }] });
    await spoke.settle();
    spoke.assign({ tombstones: [{ app: 'shop', reason: 'deleted', cascade: true }] });
    await spoke.settle();
    spoke.assign({ apps: [{ manifests }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', health: { status: 'Healthy' } });
  });
});

describe('an Application that the document lost', () => {
  it('stays and goes on being healed', async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [configMap('a')] }] });
    await spoke.settle();
    spoke.assign({});
    await spoke.settle();
    spoke.cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'a' }, () => undefined);
    await spoke.settle();
    expect(await spoke.find('ConfigMap', 'a')).toBeDefined();
  });
});

describe('a restart', () => {
  it('with its records sends nothing when nothing changed, and heals what drifted meanwhile', async () => {
    const before = startSpoke();
    const apps = [{ manifests: [configMap('a'), configMap('b')] }];
    before.assign({ apps });
    await before.settle();
    await before[Symbol.asyncDispose]();
    const { cluster, records } = before;
    cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'b' }, (object) => ({
      ...object,
      data: { a: 'edited' },
    }));
    const { apply } = cluster.requests;
    await using spoke = startSpoke({ cluster, records });
    spoke.assign({ apps });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced' });
    expect(cluster.requests).toMatchObject({ apply: apply + 1, dryRun: 0 });
    expect((await cluster.find({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'b' }, signal))?.['data']).toEqual({
      a: '1',
    });
  });

  it('without records compares by dry run and writes nothing that is as it should be', async () => {
    const before = startSpoke();
    before.assign({ apps: [{ manifests: [configMap('a')], isManual: true }], ops: [syncOf('1')] });
    await before.settle();
    await before[Symbol.asyncDispose]();
    const { cluster } = before;
    const { apply } = cluster.requests;
    await using spoke = startSpoke({ cluster });
    spoke.assign({ apps: [{ manifests: [configMap('a')], isManual: true }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced' });
    expect(cluster.requests).toMatchObject({ apply, dryRun: 1 });
  });

  it('does not act on an operation again', async () => {
    const before = startSpoke();
    const apps = [{ manifests: [configMap('a')], isManual: true }];
    before.assign({ apps, ops: [syncOf('1')] });
    await before.settle();
    await before[Symbol.asyncDispose]();
    const { cluster, records } = before;
    cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'a' }, () => undefined);
    await using spoke = startSpoke({ cluster, records });
    spoke.assign({ apps, ops: [syncOf('1')] });
    expect(await spoke.settle()).toMatchObject({ sync: 'OutOfSync', operation: { id: '1' } });
  });
});

describe('app diff', () => {
  it('shows what a sync would change, add and remove, and hides Secrets', async () => {
    await using spoke = startSpoke();
    const secret = (password: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'login' },
      data: { password: Buffer.from(password).toString('base64') },
    });
    spoke.assign({
      apps: [{ manifests: [configMap('a'), configMap('old'), secret('one')], isManual: true }],
      ops: [syncOf('1')],
    });
    await spoke.settle();
    expect(await spoke.reconciler.diff('shop', signal)).toEqual([]);
    spoke.assign({
      apps: [
        { manifests: [configMap('a', { a: '2' }), configMap('new'), secret('two')], isManual: true, revision: 'r2' },
      ],
    });
    await spoke.settle();
    const diffs = await spoke.reconciler.diff('shop', signal);
    expect(diffs.map(({ kind, ref }) => `${kind} ${ref.name}`).sort()).toEqual([
      'added new',
      'changed a',
      'changed login',
      'removed old',
    ]);
    const text = diffs.map((diff) => diff.text).join('\n');
    expect(text).toMatch(/-\s+a: '1'\n\+\s+a: '2'/);
    expect(text).toMatch(/-\s+password: \++\n\+\s+password: \++/);
    expect(text + JSON.stringify(diffs)).not.toMatch(/b25l|dHdv/);
  });

  it('refuses an Application that is not here', async () => {
    await using spoke = startSpoke();
    await expect(spoke.reconciler.diff('nothing', signal)).rejects.toMatchObject({ code: 'NotFound' });
  });
});
