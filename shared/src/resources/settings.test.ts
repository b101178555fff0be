import { expect, it } from 'vitest';
import { type Secret, secretEntries, secretTypeOf } from './settings.ts';

const secret: Secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'repository' } },
  data: { url: Buffer.from('https://git.test/ü').toString('base64'), username: 'YQ==' },
  stringData: { username: 'b' },
};

it('reads entries as text, plain ones first', () => {
  expect(secretEntries(secret)).toEqual({ url: 'https://git.test/ü', username: 'b' });
  expect(secretEntries({ apiVersion: 'v1', kind: 'Secret', metadata: secret.metadata })).toEqual({});
});

it.each([
  ['repository', 'repository'],
  ['something', undefined],
])('knows the type by its label: %s', (label, type) => {
  const metadata = { ...secret.metadata, labels: { 'argocd.argoproj.io/secret-type': label } };
  expect(secretTypeOf({ ...secret, metadata })).toBe(type);
});
