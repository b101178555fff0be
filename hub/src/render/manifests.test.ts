import { digestOf } from '@wheelhouse/shared/kube/canonical';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readManifests } from './manifests.ts';

const configMap = (name: string, data = '') => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${data}`;
const read = (text: string, mayBeOther = false) => readManifests([{ origin: 'apps/x/a.yaml', text, mayBeOther }]);
const secret = (rest: string) => `apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\n${rest}`;

describe('readManifests', () => {
  it('keeps the order of texts and documents, without the empty ones', () => {
    const set = readManifests([
      { origin: 'a', text: `${configMap('z')}---\n# nothing\n---\n${configMap('a')}` },
      { origin: 'b', text: JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'm' } }) },
    ]);
    expect(set.manifests.map(({ metadata }) => metadata.name)).toEqual(['z', 'a', 'm']);
  });

  it('flattens lists', () => {
    const items = [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }];
    expect(read(JSON.stringify({ apiVersion: 'v1', kind: 'List', items })).manifests).toEqual(items);
  });

  it('takes generateName for a name', () => {
    expect(read('apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: seed-}\n').manifests).toHaveLength(1);
  });

  it('gives the digest of the canonical array, whatever the layout', () => {
    const one = read(configMap('a', 'data: {b: "1", a: "2"}\n'));
    expect(one.digest).toBe(
      digestOf('[{"apiVersion":"v1","data":{"a":"2","b":"1"},"kind":"ConfigMap","metadata":{"name":"a"}}]'),
    );
    expect(read('metadata:\n  name: "a"\nkind: ConfigMap # x\ndata: {a: "2", b: "1"}\napiVersion: v1\n').digest).toBe(
      one.digest,
    );
  });

  it.each([
    [
      'no kind',
      `${configMap('a')}---\napiVersion: v1\nmetadata: {name: a}\n`,
      'ManifestInvalid',
      'apps/x/a.yaml document 2: has no kind',
    ],
    [
      'no apiVersion',
      'kind: ConfigMap\nmetadata: {name: a}\n',
      'ManifestInvalid',
      'document 1: (ConfigMap) has no apiVersion',
    ],
    ['no metadata', 'apiVersion: v1\nkind: ConfigMap\n', 'ManifestInvalid', 'document 1: (ConfigMap) has no metadata'],
    [
      'no name',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n',
      'ManifestInvalid',
      '(ConfigMap) has no metadata.name',
    ],
    [
      'a number for a name',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 12}\n',
      'ManifestInvalid',
      'not a string',
    ],
    [
      'a number for a namespace',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: 12}\n',
      'ManifestInvalid',
      'quote it',
    ],
    [
      'a list item with no kind',
      '{"apiVersion":"v1","kind":"List","items":[{"metadata":{"name":"a"}}]}',
      'ManifestInvalid',
      'document 1 item 1: has no kind',
    ],
    ['a text', 'kind', 'ManifestInvalid', 'document 1: is not an object'],
    [
      'a kustomization',
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n',
      'ManifestInvalid',
      'is a Kustomization of kustomize',
    ],
    ['malformed YAML', 'apiVersion: v1\nkind: [\n', 'Malformed', 'apps/x/a.yaml: YAML, line'],
    [
      'a secret with data',
      secret('data: {password: aHVudGVyMg==}\n'),
      'RawSecretRefused',
      'apps/x/a.yaml document 1: secret shop/db',
    ],
    [
      'a secret with stringData',
      secret('stringData: {password: hunter2}\n'),
      'RawSecretRefused',
      'SealedSecret, or refer to a secret store by an ExternalSecret',
    ],
  ])('refuses %s', (...[, text, code, message]) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  it.each([
    ['its name', ['shop/db']],
    ['a glob', ['shop/*']],
  ])('lets a secret through where its project allows %s', (_name, patterns) => {
    const texts = [{ origin: 'a.yaml', text: secret('data: {password: aHVudGVyMg==}\n') }];
    expect(readManifests(texts, { patterns, namespace: 'other' })).toMatchObject({
      rawSecrets: ['shop/db'],
      warnings: [expect.stringContaining('shop/db') as string],
    });
  });

  it.each([
    ['a name in another namespace', ['infra/db']],
    ['a name like it', ['shop/db-*']],
    ['nothing', []],
  ])('refuses a secret where its project allows %s', (_name, patterns) => {
    const texts = [{ origin: 'a.yaml', text: secret('data: {password: aHVudGVyMg==}\n') }];
    expect(() => readManifests(texts, { patterns, namespace: 'other' })).toThrow(/has its data in Git/);
  });

  it('does not repeat what a secret holds', () => {
    expect(() => read(secret('stringData: {password: hunter2}\n'))).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });

  it.each([
    ['a token of a service account', 'type: kubernetes.io/service-account-token\n'],
    ['a secret without data', 'data: {}\n'],
  ])('accepts %s', (_name, rest) => {
    expect(read(secret(rest)).manifests).toHaveLength(1);
  });

  it('keeps the last of repeated objects, and says so', () => {
    const { manifests, warnings } = read(
      [configMap('a', 'data: {v: "1"}\n'), configMap('b'), configMap('a', 'data: {v: "2"}\n')].join('---\n'),
    );
    expect(manifests.map(({ metadata, data }) => [metadata.name, data])).toEqual([
      ['b', undefined],
      ['a', { v: '2' }],
    ]);
    expect(warnings).toEqual(['RepeatedResourceWarning: /ConfigMap:/a appears 2 times: the last one is used']);
  });

  it.each([
    ['values of a chart', 'replicas: 3\nimage: x\n'],
    ['a template', '{{- if .Values.x }}\nfoo: {{ .Values.y }}\n{{- end }}\n'],
    ['a list', '- a\n- b\n'],
    ['many empty lines before what is no YAML', `${'\n'.repeat(200_000)}@`],
  ])('skips a file that holds no manifest, with a warning: %s', (_name, text) => {
    const { manifests, warnings } = read(text, true);
    expect(manifests).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('apps/x/a.yaml holds no Kubernetes manifest')]);
  });

  it.each([
    ['a file marked to be skipped', `# +argocd:skip-file-rendering\n${configMap('a')}`],
    ['an empty file', '\n# nothing here\n'],
  ])('passes over %s', (_name, text) => {
    expect(read(text, true)).toMatchObject({ manifests: [], warnings: [] });
  });

  it('ends with unique objects in source order, each its last version', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(3))), (list) => {
        const { manifests } = readManifests(
          list.map(([name, v]) => ({ origin: 'x', text: configMap(name, `data: {v: "${v}"}\n`) })),
        );
        const last = new Map(list.map(([name, v], index) => [name, { v, index }]));
        const expected = [...last]
          .sort(([, a], [, b]) => a.index - b.index)
          .map(([name, { v }]) => [name, { v: String(v) }]);
        expect(manifests.map(({ metadata, data }) => [metadata.name, data])).toEqual(expected);
      }),
    );
  });
});
