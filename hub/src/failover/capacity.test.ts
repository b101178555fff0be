import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import type { FleetCluster } from '../fleet/clusters.ts';
import { capacityOf, needsOf, whyOverloaded } from './capacity.ts';
import type { Placement } from './plan-record.ts';

const requests = { cpu: '250m', memory: '64Mi' };
const template = { spec: { containers: [{ name: 'a', resources: { requests } }] } };

function object(kind: string, spec: object): KubeObject {
  return { apiVersion: 'apps/v1', kind, metadata: { name: kind.toLowerCase() }, spec };
}

const place = (app: string): Placement => ({ app, cluster: 'us', set: 's', policy: 'Surge', soakMs: 0, cascade: true });
const cluster = (free: { cpuMillis: number; memoryBytes: number } | undefined): FleetCluster =>
  ({
    name: 'us',
    ...(free ? { inventory: { nodes: 3, allocatable: free, requested: { cpuMillis: 0, memoryBytes: 0 } } } : {}),
  }) as FleetCluster;

describe('what a bundle needs', () => {
  it('counts replicas, and a DaemonSet once a Node', () => {
    const needs = needsOf([object('Deployment', { replicas: 3, template }), object('DaemonSet', { template })]);
    expect(needs.requests(0)).toEqual({ cpuMillis: 750, memoryBytes: 3 * 64 * 2 ** 20 });
    expect(needs.requests(2)).toEqual({ cpuMillis: 1_250, memoryBytes: 5 * 64 * 2 ** 20 });
  });

  it.each<[string, KubeObject, boolean]>([
    ['a Deployment', object('Deployment', { template }), false],
    ['a claim', object('PersistentVolumeClaim', {}), true],
    ['a StatefulSet with claims', object('StatefulSet', { template, volumeClaimTemplates: [{}] }), true],
    ['a StatefulSet without', object('StatefulSet', { template }), false],
  ])('has state: %s', (...[_what, one, stateful]) => {
    expect(needsOf([one]).stateful).toBe(stateful);
  });
});

describe('capacity', () => {
  const needs = needsOf([object('Deployment', { replicas: 2, template })]);

  it.each<[string, { cpuMillis: number; memoryBytes: number } | undefined, RegExp | undefined]>([
    ['fits', { cpuMillis: 1_000, memoryBytes: 2 ** 30 }, undefined],
    ['lacks CPU', { cpuMillis: 999, memoryBytes: 2 ** 30 }, /cluster us asks for 1000 m CPU of 999 m that are free$/],
    ['lacks memory', { cpuMillis: 2_000, memoryBytes: 0 }, /asks for 256 MiB memory of 0 MiB/],
    ['is not known', undefined, undefined],
  ])('%s', (...[_what, free, expected]) => {
    const [capacity] = capacityOf(
      [place('a'), place('b')],
      () => needs,
      () => cluster(free),
    );
    expect(capacity).toMatchObject({ arriving: { cpuMillis: 1_000 }, unknown: 0 });
    expect(String(capacity && whyOverloaded(capacity))).toMatch(expected ?? /^undefined$/);
  });

  it('says of how many nothing is known', () => {
    expect(
      capacityOf(
        [place('a'), place('b')],
        ({ app }) => (app === 'a' ? needs : undefined),
        () => undefined,
      ),
    ).toEqual([{ cluster: 'us', arriving: { cpuMillis: 500, memoryBytes: 128 * 2 ** 20 }, unknown: 1 }]);
  });
});
