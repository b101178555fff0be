import { expect, it } from 'vitest';
import { allowedSecretsOf, isAllowed, rawSecretsAnnotation, whyRawSecretsInvalid } from './raw-secrets.ts';

const projectWith = (text: string) => ({
  apiVersion: 'argoproj.io/v1alpha1' as const,
  kind: 'AppProject' as const,
  metadata: { name: 'shop', namespace: 'argocd', annotations: { [rawSecretsAnnotation]: text } },
  spec: {},
});

it.each<[string, string[], string | undefined]>([
  ['shop/db', ['shop/db'], undefined],
  ['shop/registry-*, infra/ca', ['infra/ca', 'shop/registry-*'], undefined],
  ['*', [], 'annotation wheelhouse.dev/raw-secrets: "*" is not namespace/'],
  ['shop/db, a/b/c', ['shop/db'], 'annotation wheelhouse.dev/raw-secrets: "a/b/c" is not namesp'],
  ['', [], 'annotation wheelhouse.dev/raw-secrets: "" is not namespace/n'],
])('a project allows by %j', (text, patterns, problem) => {
  expect(allowedSecretsOf(projectWith(text))).toEqual(patterns);
  expect(whyRawSecretsInvalid(projectWith(text))?.slice(0, 60)).toBe(problem);
});

it('a secret without a namespace is one of the destination', () => {
  const allowance = { patterns: ['shop/db'], namespace: 'shop' };
  expect([isAllowed('', 'db', allowance), isAllowed('infra', 'db', allowance)]).toEqual([true, false]);
  expect(isAllowed('', 'db', undefined)).toBe(false);
});
