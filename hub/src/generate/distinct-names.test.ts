import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { expect, it } from 'vitest';
import { distinguish } from './distinct-names.ts';
import { createMemo } from './memo.ts';

function setOf(name: string, path: string): ApplicationSet {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd' },
    spec: {
      generators: [
        {
          matrix: {
            generators: [{ git: { repoURL: 'x', revision: 'HEAD', directories: [{ path }] } }, { clusters: {} }],
          },
        },
      ],
      template: { metadata: { name }, spec: { project: 'default', destination: {} } },
    },
  };
}

function appOf(name: string, path: string): Application {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd' },
    spec: { project: 'default', source: { repoURL: 'x', path }, destination: {} },
  };
}

it.each([
  ['a constant basename', '{{path.basename}}-{{name}}', 'services/*/overlays/production', 'pay-production-us'],
  [
    'a constant basename in Go templates',
    '{{.path.basename}}-{{.name}}',
    'services/*/overlays/production',
    'pay-production-us',
  ],
  [
    'a constant normalized basename',
    '{{path.basenameNormalized}}-{{name}}',
    'services/*/overlays/production',
    'pay-production-us',
  ],
  ['a wildcard at the end', '{{path.basename}}-{{name}}', 'services/pay/overlays/*', 'production-us'],
  [
    'another segment in the name',
    '{{path[1]}}-{{path.basename}}-{{name}}',
    'services/*/overlays/production',
    'production-us',
  ],
  ['no part of the path in the name', '{{name}}', 'services/*/overlays/production', 'production-us'],
  ['no wildcard', '{{path.basename}}-{{name}}', 'services/pay/overlays/production', 'production-us'],
])('names Applications with %s', (...[, name, pattern, expected]) => {
  const apps = [appOf('production-us', 'services/pay/overlays/production')];
  expect(
    distinguish(setOf(name, pattern), apps, { warnings: [], memo: createMemo() }).map((app) => app.metadata.name),
  ).toEqual([expected]);
});

it('keeps the name of the first directory when a second one comes', () => {
  const set = setOf('{{path.basename}}-{{name}}', 'services/*/overlays/production');
  const first = appOf('production-us', 'services/pay/overlays/production');
  const second = appOf('production-us', 'services/cart/overlays/production');
  const warnings: string[] = [];
  const alone = distinguish(set, [first], { warnings, memo: createMemo() }).map((app) => app.metadata.name);
  const both = distinguish(set, [second, first], { warnings, memo: createMemo() }).map((app) => app.metadata.name);
  expect(both).toEqual(['cart-production-us', ...alone]);
  expect(warnings[0]).toContain('path.basename is the same for every directory of services/*/overlays/production');
});
