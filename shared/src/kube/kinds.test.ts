import { expect, it } from 'vitest';
import { isClusterScoped, kindPosition } from './kinds.ts';

it('sorts as Argo CD applies, and what it does not know last', () => {
  const kinds = ['Ingress', 'Widget', 'Deployment', 'CustomResourceDefinition', 'Service', 'Namespace', 'Secret'];
  expect(kinds.sort((a, b) => kindPosition(a) - kindPosition(b))).toEqual([
    'Namespace',
    'Secret',
    'CustomResourceDefinition',
    'Service',
    'Deployment',
    'Ingress',
    'Widget',
  ]);
});

it.each([
  ['', 'Namespace', true],
  ['', 'Pod', false],
  ['apps', 'Deployment', false],
  ['rbac.authorization.k8s.io', 'ClusterRole', true],
  ['example.com', 'Namespace', undefined],
  ['', 'Widget', undefined],
])('scope of %s/%s', (group, kind, expected) => {
  expect(isClusterScoped(group, kind)).toBe(expected);
});
