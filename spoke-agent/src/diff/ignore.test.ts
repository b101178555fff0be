import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import { compileIgnore } from './ignore.ts';
import { respectIgnored } from './respect-ignored.ts';

it('names the expressions that it does not understand, and where they come from', () => {
  const expressions = ['.spec.replicas', '.metadata.labels | keys', 'invalid['];
  expect(compileIgnore([{ kind: 'Deployment', jqPathExpressions: expressions }]).unsupported).toEqual([
    'ignoreDifferences: jqPathExpression .metadata.labels | keys is not understood and has no effect',
    'ignoreDifferences: jqPathExpression invalid[ is not understood and has no effect',
  ]);
});

describe('RespectIgnoreDifferences', () => {
  const object = (replicas: number, image: string, extra: object[] = []): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas, template: { spec: { containers: [...extra, { name: 'app', image }] } } },
  });

  it('takes ignored fields from the live object, list items by name', () => {
    const rule = compileIgnore([
      {
        group: 'apps',
        kind: 'Deployment',
        jqPathExpressions: ['.spec.replicas', '.spec.template.spec.containers[] | select(.name == "app") | .image'],
      },
    ]).find({ group: 'apps', kind: 'Deployment', namespace: '', name: 'web' });
    const live = object(5, 'live', [{ name: 'mesh', image: 'm' }]);
    const desired = object(2, 'desired');
    expect(respectIgnored(desired, live, rule ?? { paths: [], managers: [], digest: '' })).toEqual(object(5, 'live'));
    expect(desired).toEqual(object(2, 'desired'));
  });

  it('takes a whole list item where a condition names it', () => {
    const expression = '.spec.template.spec.containers[] | select(.name == "app")';
    const rule = compileIgnore([{ group: 'apps', kind: 'Deployment', jqPathExpressions: [expression] }]).find({
      group: 'apps',
      kind: 'Deployment',
      namespace: '',
      name: 'web',
    });
    const found = respectIgnored(
      object(2, 'desired'),
      object(5, 'live'),
      rule ?? { paths: [], managers: [], digest: '' },
    );
    expect(found).toEqual(object(2, 'live'));
  });

  it.each([
    ['a list item counted from the end', '.spec.template.spec.containers[-1].image', object(2, 'live')],
    ['nothing of what every object has besides', '.__proto__.toString', object(2, 'desired')],
  ])('takes over %s', (_what, expression, expected) => {
    const rule = compileIgnore([{ group: 'apps', kind: 'Deployment', jqPathExpressions: [expression] }]).find({
      group: 'apps',
      kind: 'Deployment',
      namespace: '',
      name: 'web',
    });
    if (!rule) throw new Error('no rule');
    const live = object(5, 'live', [{ name: 'mesh', image: 'm' }]);
    expect(respectIgnored(object(2, 'desired'), live, rule)).toEqual(expected);
  });
});
