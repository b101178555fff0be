import { readFileSync } from 'node:fs';
import { parseJqPath } from '@wheelhouse/shared/kube/jq-path';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { refOf } from '@wheelhouse/shared/kube/object';
import type { IgnoreDifference } from '@wheelhouse/shared/protocol/document';
import { describe, expect, it } from 'vitest';
import { compileIgnore, withoutIgnored } from './ignore.ts';
import { respectIgnored } from './respect-ignored.ts';
import { maskSecrets } from './secret-mask.ts';

interface Case {
  id: string;
  area: string;
  input: {
    ignoreDifferences?: IgnoreDifference[];
    overrides?: object;
    object: KubeObject;
    target?: KubeObject | null;
    live?: KubeObject | null;
    hideAnnotations?: object | null;
  };
  expected: unknown;
  deviates?: string;
}

const file = new URL('../../../../shared/fixtures/argocd/diff.json', import.meta.url);
const all = JSON.parse(readFileSync(file, 'utf8')) as Case[];
// Overrides come from argocd-cm and reach the spoke as ignoreDifferences; fields of managers are taken out of projections instead.
const ignored = all.filter(
  ({ area, input, deviates }) =>
    area === 'diff.ignoreDifferences' &&
    !deviates &&
    input.ignoreDifferences?.length &&
    !input.ignoreDifferences.some((rule) => rule.managedFieldsManagers),
);
const supported = ignored.filter(({ input }) => compileIgnore(input.ignoreDifferences).unsupported.length === 0);

describe('ignoreDifferences, as Argo CD takes them out', () => {
  it.each(supported)('$id', ({ input, expected }) => {
    const rule = compileIgnore(input.ignoreDifferences).find(refOf(input.object));
    expect(withoutIgnored(input.object, rule)).toEqual(expected);
  });

  it('names the expressions that are more than a simple path', () => {
    const rest = ignored
      .filter((row) => !supported.includes(row))
      .flatMap(({ input }) => input.ignoreDifferences ?? []);
    expect([...new Set(rest.flatMap((rule) => rule.jqPathExpressions ?? []))].sort()).toEqual([
      '.',
      '..|.image?',
      '.a =',
      '.metadata.labels | keys',
      '.metadata.labels | to_entries[]',
      '.spec | .replicas, .paused',
      '.spec.template.spec.containers[] | select(.name | test("^m")) | .env',
      '.status, .spec.replicas',
      'empty',
      'env.HOME',
      'invalid[',
    ]);
  });
});

describe('jq paths', () => {
  it.each([
    ['.spec.replicas', [{ field: 'spec' }, { field: 'replicas' }]],
    ['.a.b[].c', [{ field: 'a' }, { field: 'b' }, 'each', { field: 'c' }]],
    ['.a[] | select(.name == "x") | .y', [{ field: 'a' }, 'each', { where: ['name'], equals: 'x' }, { field: 'y' }]],
    ['.a["b/c"][0]?', [{ field: 'a' }, { field: 'b/c' }, { index: 0 }]],
    [
      '.webhooks[]?.clientConfig.caBundle',
      [{ field: 'webhooks' }, 'each', { field: 'clientConfig' }, { field: 'caBundle' }],
    ],
    ['.a | keys', undefined],
    ['..', undefined],
    ['', undefined],
  ])('%s', (expression, expected) => {
    expect(parseJqPath(expression)).toEqual(expected);
  });
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
    expect(respectIgnored(desired, live, rule ?? { paths: [], managers: [] })).toEqual(object(5, 'live'));
    expect(desired).toEqual(object(2, 'desired'));
  });
});

describe('Secrets in diffs, masked as Argo CD does', () => {
  const rows = all.filter(
    ({ area, input, expected }) =>
      area === 'diff.hideSecretData' && !input.hideAnnotations && !(expected as { error?: string }).error,
  );

  it.each(rows)('$id', ({ input, expected }) => {
    const data = (object: KubeObject | null | undefined) => object?.['data'] ?? {};
    const shown = maskSecrets(input.live ?? undefined, input.target ?? undefined);
    const wanted = expected as { live?: KubeObject | null; target?: KubeObject | null };
    expect([data(shown.live), data(shown.desired)]).toEqual([data(wanted.live), data(wanted.target)]);
  });
});
