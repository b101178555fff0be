import type { KubeObject } from '@wheelhouse/shared/kube/object';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBundles } from './compare-bundles.ts';
import { type ApplicationChange, groupChanges } from './group-changes.ts';

function configMap(name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

describe('bundles compared', () => {
  it('show what is added, changed and removed, in the order of their names', () => {
    const before = [configMap('gone', {}), configMap('kept', { a: '1' }), configMap('other', { a: '1', b: '2' })];
    const after = [configMap('other', { b: '2', a: '3' }), configMap('new', {}), configMap('kept', { a: '1' })];
    const changes = compareBundles(before, after);
    expect(changes.map(({ kind, ref }) => `${kind} ${ref.name}`)).toEqual([
      'removed gone',
      'added new',
      'changed other',
    ]);
    expect(changes[2]).toMatchObject({
      lines: { added: 1, removed: 1 },
      text: expect.stringMatching(/\+ +a: ['"]3['"]/),
    });
  });

  it('never show a Secret', () => {
    const secret = (value: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      stringData: { password: value },
    });
    expect(compareBundles([secret('hunter2')], [secret('hunter3')])).toMatchObject([{ kind: 'changed', text: '' }]);
  });

  it('take a new API version for a change', () => {
    const before = { ...configMap('a', {}), apiVersion: 'v1beta1' };
    expect(compareBundles([before], [configMap('a', {})])).toMatchObject([{ kind: 'changed' }]);
  });

  it('find nothing in what is the same, whatever its order', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 8 });
    fc.assert(
      fc.property(names, (all) => {
        const objects = all.map((name) => configMap(name, { name }));
        expect(compareBundles(objects, objects.toReversed())).toEqual([]);
      }),
    );
  });
});

describe('changes grouped', () => {
  const change = (cluster: string, value: string): ApplicationChange => {
    const app = `shop-${cluster}`;
    const bundle = (text: string) => [configMap(app, { where: cluster, value: text })];
    return { app, cluster, kind: 'changed', objects: compareBundles(bundle('1'), bundle(value)) };
  };

  it('put together what differs by the names of Application and cluster only, the largest first', () => {
    const groups = groupChanges([change('eu', '9'), change('us-1', '2'), change('us-2', '2')]);
    expect(groups.map(({ applications, clusters }) => [applications.map(({ app }) => app), clusters])).toEqual([
      [['shop-us-1', 'shop-us-2'], 2],
      [['shop-eu'], 1],
    ]);
    expect(groups[0]).toMatchObject({ lines: { added: 1, removed: 1 } });
  });

  it('keep apart what is removed from what is added', () => {
    const of = (kind: 'added' | 'removed', app: string): ApplicationChange => ({
      app,
      cluster: 'c',
      kind,
      objects: [],
    });
    expect(groupChanges([of('added', 'a'), of('removed', 'b'), of('added', 'c')])).toHaveLength(2);
  });

  it('lose no Application', () => {
    const values = fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 3 })));
    fc.assert(
      fc.property(values, (all) => {
        const groups = groupChanges(all.map(([cluster, value]) => change(`c${cluster}`, `v${value}`)));
        expect(groups.flatMap(({ applications }) => applications)).toHaveLength(all.length);
      }),
    );
  });
});
