import { parseApiVersion } from '@wheelhouse/shared/kube/object';
import type { OrphanPolicy } from '@wheelhouse/shared/protocol/orphans';
import { describe, expect, it } from 'vitest';
import type { ApiResource } from '../cluster/cluster.ts';
import { compileRules, surveyedKinds } from './orphan-rules.ts';

type Ignore = OrphanPolicy['ignore'];

/** Read as `group/Kind:namespace/name`. */
function refOf(text: string) {
  const [, group = '', kind = '', namespace = '', name = ''] = /^(.*)\/(\w+):(.*)\/(.*)$/.exec(text) ?? [];
  return { group, kind, namespace, name };
}

describe('what of a namespace is told', () => {
  it.each<[string, string, Ignore, boolean]>([
    ['anything', '/ConfigMap:shop/a', [], true],
    ['not the account of every namespace', '/ServiceAccount:shop/default', [], false],
    ['an account of another name', '/ServiceAccount:shop/web', [], true],
    ['not the root certificates', '/ConfigMap:shop/kube-root-ca.crt', [], false],
    ['not the API server’s own Service', '/Service:default/kubernetes', [], false],
    ['a Service of that name elsewhere', '/Service:shop/kubernetes', [], true],
    ['an object of another group by such a name', 'example.com/ServiceAccount:shop/default', [], true],
    ['not a kind that is ignored', '/ConfigMap:shop/a', [{ kind: 'ConfigMap' }], false],
    ['what a rule of another kind ignores', '/Secret:shop/a', [{ kind: 'ConfigMap' }], true],
    ['not a kind by a glob', '/ConfigMap:shop/a', [{ kind: 'Config*' }], false],
    ['not a name by a glob', '/ConfigMap:shop/tmp-1', [{ kind: 'ConfigMap', name: 'tmp-*' }], false],
    ['another name', '/ConfigMap:shop/a', [{ kind: 'ConfigMap', name: 'tmp-*' }], true],
    ['not a name of several', '/ConfigMap:shop/b', [{ name: '{a,b}' }], false],
    ['not a group by a glob that passes dots', 'apps.example.com/Widget:shop/a', [{ group: '*.com' }], false],
    ['a group, where a rule without one means the core group', 'apps/Deployment:shop/a', [{ kind: '*' }], true],
    [
      'an object that a rule of an empty kind and name ignores',
      'apps/Deployment:shop/a',
      [{ group: 'apps', kind: '', name: '' }],
      false,
    ],
    ['what a glob that cannot be read would match', '/ConfigMap:shop/a', [{ name: '[' }], true],
  ])('%s: %s', (...[, ref, ignore, isTold]) => {
    expect(compileRules({ ignore, denied: [] }).object(refOf(ref))).toBe(isTold);
  });

  it.each<[string, Partial<OrphanPolicy>, boolean]>([
    ['every kind', {}, true],
    ['no kind that is denied', { denied: [{ group: 'apps', kind: 'Deploy*' }] }, false],
    ['a kind that a list permits', { permitted: [{ group: '*', kind: '*' }] }, true],
    ['no kind that the list lacks', { permitted: [{ group: '', kind: 'ConfigMap' }] }, false],
    ['no kind of an empty list', { permitted: [] }, false],
    [
      'no kind that is permitted and denied',
      { permitted: [{ group: 'apps', kind: '*' }], denied: [{ group: '*', kind: 'Deployment' }] },
      false,
    ],
  ])('%s', (...[, policy, isTold]) => {
    const rules = compileRules({ ignore: [], denied: [], ...policy });
    expect(rules.kind({ group: 'apps', kind: 'Deployment' })).toBe(isTold);
  });
});

it('looks at one version of each kind that lives in namespaces and can be listed, and not at what controllers make', () => {
  const kind = (apiVersion: string, name: string, fields: Partial<ApiResource> = {}): ApiResource => {
    const resource = { ...parseApiVersion(apiVersion), kind: name, plural: name.toLowerCase() };
    return { ...resource, namespaced: true, verbs: ['list'], ...fields };
  };
  const kinds = surveyedKinds([
    kind('v1', 'ConfigMap'),
    kind('v1', 'Event'),
    kind('v1', 'Node', { namespaced: false }),
    kind('autoscaling/v2', 'HorizontalPodAutoscaler'),
    kind('autoscaling/v1', 'HorizontalPodAutoscaler'),
    kind('example.com/v1', 'Review', { verbs: ['create'] }),
    kind('coordination.k8s.io/v1', 'Lease'),
    kind('metrics.k8s.io/v1beta1', 'PodMetrics'),
  ]);
  expect(kinds.map((one) => `${one.group}/${one.version}/${one.kind}`)).toEqual([
    '/v1/ConfigMap',
    'autoscaling/v2/HorizontalPodAutoscaler',
  ]);
});
