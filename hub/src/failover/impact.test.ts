import type { Application } from '@wheelhouse/shared/resources/application';
import { describe, expect, it } from 'vitest';
import { impactOf } from './impact.ts';

interface Given {
  name: string;
  cluster: string;
  path?: string;
  finalizers?: string[];
  standby?: boolean;
}

function application({ name, cluster, path = 'shop', finalizers, standby = false }: Given): Application {
  const annotations = { 'wheelhouse.dev/standby': String(standby) };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd', annotations, ...(finalizers ? { finalizers } : {}) },
    spec: {
      project: 'default',
      source: { repoURL: 'https://git.example/apps', path },
      destination: { name: cluster, namespace: 'shop' },
    },
  };
}

function impact(before: Given[], after: Given[]) {
  const result = impactOf({
    set: 'argocd/shop',
    before: before.map(application),
    after: after.map(application),
    clusterOf: ({ spec }) => (spec.destination.name === 'unknown' ? undefined : spec.destination.name),
    policyOf: () => ({ policy: 'Surge', soakMs: 0 }),
  });
  const places = (list: { app: string; cluster: string; standby?: true }[]) =>
    list.map(({ app, cluster, standby }) => `${app}@${cluster}${standby ? ' standby' : ''}`);
  return {
    ...result,
    leaves: places(result.leaves),
    arrives: places(result.arrives),
    changes: places(result.changes),
    emptied: places(result.emptied),
    stays: result.leaves.map(({ stays }) => stays && places(stays)),
  };
}

describe('the impact of other labels on a set', () => {
  it.each<[string, Given[], Given[], Partial<ReturnType<typeof impact>>]>([
    [
      'names that hold the cluster: one leaves, another arrives',
      [{ name: 'shop-eu', cluster: 'eu' }],
      [{ name: 'shop-us', cluster: 'us' }],
      { leaves: ['shop-eu@eu'], arrives: ['shop-us@us'], changes: [], emptied: [], stays: [undefined] },
    ],
    [
      'one name: the Application moves',
      [{ name: 'shop', cluster: 'eu' }],
      [{ name: 'shop', cluster: 'us' }],
      { leaves: ['shop@eu'], arrives: ['shop@us'], emptied: [] },
    ],
    [
      'nothing arrives, and it runs elsewhere',
      [
        { name: 'shop-eu', cluster: 'eu' },
        { name: 'shop-us', cluster: 'us' },
      ],
      [{ name: 'shop-us', cluster: 'us' }],
      { leaves: ['shop-eu@eu'], arrives: [], emptied: [], stays: [['shop-us@us']] },
    ],
    [
      'nothing arrives, and it runs nowhere else',
      [
        { name: 'shop-eu', cluster: 'eu' },
        { name: 'cart-us', cluster: 'us', path: 'cart' },
      ],
      [{ name: 'cart-us', cluster: 'us', path: 'cart' }],
      { leaves: ['shop-eu@eu'], emptied: ['shop-eu@eu'], stays: [[]] },
    ],
    [
      'a path that names the cluster is the same workload',
      [{ name: 'shop-eu', cluster: 'eu', path: 'clusters/eu/shop' }],
      [{ name: 'shop-us', cluster: 'us', path: 'clusters/us/shop' }],
      { leaves: ['shop-eu@eu'], arrives: ['shop-us@us'], emptied: [] },
    ],
    [
      'other contents in the same place',
      [{ name: 'shop-eu', cluster: 'eu', path: 'a' }],
      [{ name: 'shop-eu', cluster: 'eu', path: 'b' }],
      { leaves: [], arrives: [], changes: ['shop-eu@eu'] },
    ],
    [
      'a standby and what runs change roles: both stay where they are',
      [
        { name: 'shop-eu', cluster: 'eu' },
        { name: 'shop-us', cluster: 'us', standby: true },
      ],
      [
        { name: 'shop-eu', cluster: 'eu', standby: true },
        { name: 'shop-us', cluster: 'us' },
      ],
      { leaves: ['shop-eu@eu standby'], arrives: ['shop-us@us standby'], changes: [], emptied: [], stays: [undefined] },
    ],
    [
      'a standby is no place where an Application runs',
      [
        { name: 'shop-eu', cluster: 'eu' },
        { name: 'shop-us', cluster: 'us', standby: true },
      ],
      [
        { name: 'shop-eu', cluster: 'eu', standby: true },
        { name: 'shop-us', cluster: 'us', standby: true },
      ],
      { leaves: ['shop-eu@eu standby'], arrives: [], emptied: ['shop-eu@eu'], stays: [[]] },
    ],
    [
      'a standby that goes empties nothing',
      [{ name: 'shop-us', cluster: 'us', standby: true }],
      [],
      { leaves: ['shop-us@us'], emptied: [] },
    ],
    [
      'a destination that is not known is nowhere',
      [{ name: 'shop-eu', cluster: 'unknown' }],
      [{ name: 'shop-us', cluster: 'us' }],
      { leaves: [], arrives: ['shop-us@us'] },
    ],
  ])('%s', (...[_what, before, after, expected]) => {
    expect(impact(before, after)).toMatchObject(expected);
  });

  it('takes resources along by the finalizer, as a deletion does', () => {
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    const result = impactOf({
      set: 'argocd/shop',
      before: [application({ name: 'a', cluster: 'eu', finalizers }), application({ name: 'b', cluster: 'eu' })],
      after: [],
      clusterOf: ({ spec }) => spec.destination.name,
      policyOf: () => ({ policy: 'Never', soakMs: 1, problem: 'odd' }),
    });
    expect(result.leaves.map(({ cascade, policy }) => [cascade, policy])).toEqual([
      [true, 'Never'],
      [false, 'Never'],
    ]);
    expect(result.problems).toEqual(['odd', 'odd']);
  });
});
