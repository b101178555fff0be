import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { expect, it } from 'vitest';
import { configMap, deployment, startSpoke, syncOf } from './simulated-spoke.ts';

const broken: KubeObject = { ...configMap('broken'), data: { a: 1 } };

const steps = ['rollingsync.argocd.shop-1-0', 'rollout.argocd.shop-2-0'];

it.each(steps)('a sync for a step of a rollout (%s) is tried five times more before it has failed', async (id) => {
  await using spoke = startSpoke();
  spoke.assign({ apps: [{ manifests: [broken], isManual: true }], ops: [syncOf(id)] });
  expect((await spoke.settle()).operation).toMatchObject({ id, phase: 'Running', retryCount: 1 });
  for (let retry = 0; retry < 4; retry += 1) {
    spoke.clock.advance(180_000);
    expect((await spoke.settle()).operation).toMatchObject({ phase: 'Running', retryCount: retry + 2 });
  }
  spoke.clock.advance(180_000);
  expect((await spoke.settle()).operation).toMatchObject({ id, phase: 'Failed', retryCount: 5 });
});

it('and as often as its Application says', async () => {
  await using spoke = startSpoke();
  const policy = { retry: { limit: 1, backoff: { durationMs: 1_000, factor: 1, maxDurationMs: 1_000 } } };
  spoke.assign({ apps: [{ manifests: [broken], isManual: true, policy }], ops: [syncOf(steps[0] ?? '')] });
  expect((await spoke.settle()).operation).toMatchObject({ phase: 'Running', retryCount: 1 });
  spoke.clock.advance(2_000);
  expect((await spoke.settle()).operation).toMatchObject({ phase: 'Failed', retryCount: 1 });
});

it('one that a person asked for has failed at once', async () => {
  await using spoke = startSpoke();
  spoke.assign({ apps: [{ manifests: [broken], isManual: true }], ops: [syncOf('1')] });
  expect((await spoke.settle()).operation).toMatchObject({ id: '1', phase: 'Failed', retryCount: 0 });
});

it('goes on when its agent ended in the middle of it', async () => {
  const stuck = deployment('first', { 'argocd.argoproj.io/sync-wave': '-1', 'wheelhouse.dev/simulate': 'stuck' });
  const apps = [{ manifests: [stuck, configMap('second')], isManual: true }];
  const document = { apps, ops: [syncOf(steps[0] ?? '')] };
  await using before = startSpoke();
  before.assign(document);
  expect((await before.settle()).operation).toMatchObject({ phase: 'Running' });
  await before.reconciler[Symbol.asyncDispose]();
  await using after = startSpoke({ cluster: before.cluster, clock: before.clock, records: before.records });
  after.assign(document);
  expect((await after.settle()).operation).toMatchObject({ id: steps[0], phase: 'Running' });
  const fixed = [
    { manifests: [deployment('first', { 'argocd.argoproj.io/sync-wave': '-1' }), configMap('second')], isManual: true },
  ];
  after.assign({ apps: fixed, ops: document.ops });
  expect(await after.settle()).toMatchObject({ sync: 'Synced', operation: { id: steps[0], phase: 'Succeeded' } });
});
