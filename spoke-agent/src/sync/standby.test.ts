import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { expect, it } from 'vitest';
import { configMap, deployment, startSpoke } from './simulated-spoke.ts';
import { asStandby } from './standby.ts';

function object(apiVersion: string, kind: string, spec: object = {}): KubeObject {
  return { apiVersion, kind, metadata: { name: 'a' }, spec };
}

function replicasOf(found: KubeObject | undefined): number | undefined {
  return (found?.['spec'] as { replicas?: number } | undefined)?.replicas;
}

it.each<[string, KubeObject, object | undefined]>([
  ['a Deployment', object('apps/v1', 'Deployment', { replicas: 3, paused: true }), { replicas: 0, paused: true }],
  ['a StatefulSet', object('apps/v1', 'StatefulSet'), { replicas: 0 }],
  ['a Rollout', object('argoproj.io/v1alpha1', 'Rollout', { replicas: 3 }), { replicas: 0 }],
  ['a CronJob', object('batch/v1', 'CronJob', { suspend: false }), { suspend: true }],
  ['a Job', object('batch/v1', 'Job'), { suspend: true }],
  ['a Deployment of somebody else', object('example.com/v1', 'Deployment', { replicas: 3 }), undefined],
  ['a Service', object('v1', 'Service', { replicas: 3 }), undefined],
])('%s', (...[_what, given, spec]) => {
  const before = structuredClone(given);
  const standby = asStandby(given);
  expect(given).toEqual(before);
  const annotations = { 'wheelhouse.dev/standby': 'true' };
  expect(standby).toEqual(spec ? { ...given, metadata: { ...given.metadata, annotations }, spec } : given);
});

const replicas = { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] };

it.each<[string, object]>([
  ['', {}],
  [
    ', also where replicas are ignored and kept',
    {
      syncOptions: ['CreateNamespace=true', 'RespectIgnoreDifferences=true'],
      ignoreDifferences: [replicas],
    },
  ],
])('a standby runs nothing, and is lifted with the same bundle%s', async (_what, policy) => {
  await using spoke = startSpoke();
  const manifests = [configMap('settings'), deployment('web')];
  const replicasNow = async () => replicasOf(await spoke.find('Deployment', 'web'));
  const assign = (standby: boolean) =>
    spoke.assign({ apps: [{ manifests, policy: { ...policy, ...(standby ? { standby: true } : {}) } }] });

  assign(true);
  const first = await spoke.settle();
  expect(first).toMatchObject({ sync: 'Synced', standby: true, conditions: [{ type: 'Standby' }] });
  expect([await replicasNow(), await spoke.find('ConfigMap', 'settings')]).toEqual([0, expect.anything()]);
  const uid = (await spoke.find('Deployment', 'web'))?.metadata.uid;

  assign(false);
  const lifted = await spoke.settle();
  expect(lifted).toMatchObject({ sync: 'Synced', bundle: first.bundle, health: { status: 'Healthy' }, conditions: [] });
  expect(lifted).not.toHaveProperty('standby');
  expect(await replicasNow()).toBe(2);

  assign(true);
  expect(await spoke.settle()).toMatchObject({ sync: 'Synced', standby: true });
  expect(await replicasNow()).toBe(0);
  expect((await spoke.find('Deployment', 'web'))?.metadata.uid).toBe(uid);
});

it('a restart between the policy and its sync heals what was in force, then goes on', async () => {
  const { cluster, records, clock } = await (async () => {
    await using spoke = startSpoke();
    spoke.assign({ apps: [{ manifests: [deployment('web')], policy: { standby: true } }] });
    await spoke.settle();
    return spoke;
  })();
  await using again = startSpoke({ cluster, records, clock });
  again.assign({ apps: [{ manifests: [deployment('web')] }] });
  expect(await again.settle()).toMatchObject({ sync: 'Synced', health: { status: 'Healthy' } });
  expect(replicasOf(await again.find('Deployment', 'web'))).toBe(2);
});
