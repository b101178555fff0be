import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { describe, expect, it } from 'vitest';
import { isImpersonating, serviceAccountFor } from './service-accounts.ts';

const east = 'https://east.example.com';
type Item = NonNullable<AppProject['spec']['destinationServiceAccounts']>[number];
const item = (server: string, namespace: string | undefined, defaultServiceAccount: string): Item => ({
  server,
  ...(namespace === undefined ? {} : { namespace }),
  defaultServiceAccount,
});
const accountFor = (items: Item[] | undefined, destination: { server?: string; namespace?: string } = {}) =>
  serviceAccountFor(
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name: 'team', namespace: 'argocd' },
      spec: items ? { destinationServiceAccounts: items } : {},
    },
    { server: east, namespace: 'shop', own: 'apps', ...destination },
  );

describe('the service account of a destination', () => {
  it.each<[string, Item[], { server?: string; namespace?: string }, string]>([
    ['of its namespace', [item(east, 'shop', 'deployer')], {}, 'shop:deployer'],
    ['of another namespace', [item(east, 'shop', 'ci:deployer')], {}, 'ci:deployer'],
    ['by patterns', [item('https://*.example.com', 'sh*', 'deployer')], {}, 'shop:deployer'],
    ['that comes first', [item('*', 'web', 'no'), item('*', '*', 'one'), item(east, 'shop', 'two')], {}, 'shop:one'],
    ['of the Application where the destination has no namespace', [item('*', '*', 'd')], { namespace: '' }, 'apps:d'],
    [
      'of an entry without namespace, where there is none either',
      [item('*', undefined, 'd')],
      { namespace: '' },
      'apps:d',
    ],
  ])('is the one %s', (...[, items, destination, expected]) => {
    expect(accountFor(items, destination)).toEqual({ user: `system:serviceaccount:${expected}` });
  });

  it.each<[string, Item[] | undefined, RegExp]>([
    [
      'no entries',
      undefined,
      /no matching service account found for destination server .*east.* and namespace shop: add/,
    ],
    ['another server', [item('https://west.example.com', '*', 'd')], /no matching service account/],
    ['another namespace', [item('*', 'web', 'd')], /no matching service account/],
    ['an entry without namespace', [item('*', undefined, 'd')], /no matching service account/],
    ['a pattern that cannot be read', [item('[', 'shop', 'd')], /no matching service account/],
    ['a line break in the name', [item('*', '*', 'd\r\nimpersonate-group: system:masters')], /is no service account/],
    ['three parts', [item('*', '*', 'a:b:c')], /"a:b:c" in spec\.destinationServiceAccounts of project team/],
    ['nothing before the colon', [item('*', '*', ':d')], /is no service account/],
  ])('is nobody with %s', (_row, items, message) => {
    const problem = expect.stringMatching(message) as string;
    expect(accountFor(items)).toEqual({ problem });
    expect(accountFor(items)).toMatchObject({
      problem: expect.stringMatching(/^failed to find a matching service account to impersonate: /) as string,
    });
  });
});

it.each([
  ['true', true],
  ['True', false],
  ['false', false],
  [undefined, false],
])('impersonation is on with "true" alone, not with %s', (value, expected) => {
  const data = value === undefined ? {} : { 'application.sync.impersonation.enabled': value };
  expect(isImpersonating({ resource: { data } })).toBe(expected);
  expect(isImpersonating({ resource: {} })).toBe(false);
  expect(isImpersonating(undefined)).toBe(false);
});
