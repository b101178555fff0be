import { describe, expect, it } from 'vitest';
import { readCompareSettings } from './compare-settings.ts';
import { parseResource } from './parse.ts';

const prefix = 'resource.customizations.ignoreDifferences.';
const replicas = { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] };

function apply(data: Record<string, string>) {
  const metadata = { name: 'argocd-cm' };
  return parseResource({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, { unknownFields: 'refuse' });
}

describe('the settings of comparing', () => {
  it.each([
    ['of one kind', { [`${prefix}apps_Deployment`]: 'jsonPointers: [/spec/replicas]' }, [replicas]],
    [
      'of a kind of the core group',
      { [`${prefix}Service`]: 'jqPathExpressions:\n- .spec.ports[].nodePort' },
      [{ group: '', kind: 'Service', jqPathExpressions: ['.spec.ports[].nodePort'] }],
    ],
    [
      'of all kinds',
      { [`${prefix}all`]: 'managedFieldsManagers: [kube-controller-manager]' },
      [{ group: '*', kind: '*', managedFieldsManagers: ['kube-controller-manager'] }],
    ],
    [
      'in one setting for all customizations',
      {
        'resource.customizations': 'apps/Deployment:\n  ignoreDifferences: |\n    jsonPointers:\n    - /spec/replicas',
      },
      [replicas],
    ],
    [
      'in both, of which that of the kind counts',
      {
        'resource.customizations': 'apps/Deployment: { ignoreDifferences: { jsonPointers: [/spec] } }',
        [`${prefix}apps_Deployment`]: 'jsonPointers: [/spec/replicas]',
      },
      [replicas],
    ],
    ['that say nothing', { 'resource.customizations': '', 'resource.compareoptions': '' }, []],
    [
      'that ignore aggregated roles',
      { 'resource.compareoptions': 'ignoreAggregatedRoles: true' },
      [
        {
          group: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          jqPathExpressions: ['select(.aggregationRule != null) | .rules'],
        },
      ],
    ],
    ['that do not', { 'resource.compareoptions': 'ignoreAggregatedRoles: false' }, []],
  ])('are read: %s', (_name, data, ignored) => {
    expect(readCompareSettings(data)).toEqual({ ignored, problems: [], idle: [] });
    expect(apply(data).warnings).toEqual([]);
  });

  it.each([
    ['no YAML', { [`${prefix}apps_Deployment`]: 'a: [' }, `${prefix}apps_Deployment: `],
    ['no list', { [`${prefix}apps_Deployment`]: 'jsonPointers: /spec' }, 'jsonPointers: '],
    ['no kind', { [`${prefix}a_b_c`]: '{}' }, 'names no kind'],
    ['no map', { 'resource.customizations': '[]' }, 'resource.customizations: the value: '],
    ['no flag', { 'resource.compareoptions': 'ignoreAggregatedRoles: maybe' }, 'ignoreAggregatedRoles: '],
  ])('are refused when they are %s', (_name, data, message) => {
    expect(() => apply(data)).toThrow(message);
    expect(readCompareSettings(data).ignored).toEqual([]);
  });

  it('name what of them has no effect', () => {
    const { warnings } = apply({
      'resource.customizations': 'apps/Deployment: { health.lua: "" }',
      'resource.compareoptions': 'ignoreResourceStatusField: none',
      [`${prefix}Service`]: 'jqPathExpressions: [.a | keys]\njsonPointer: /spec',
      'resource.exclusions': '',
    });
    for (const text of [
      'apps/Deployment: health.lua',
      'ignoreResourceStatusField: none',
      '.a | keys',
      'jsonPointer',
      'resource.exclusions',
    ])
      expect(warnings).toEqual([expect.stringContaining(text)]);
  });
});
