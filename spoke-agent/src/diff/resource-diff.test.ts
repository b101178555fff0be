import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { expect, it } from 'vitest';
import { compileIgnore } from './ignore.ts';
import { diffResource } from './resource-diff.ts';

const ref = { group: '', version: 'v1', kind: 'Secret', namespace: 'shop', name: 'login' };

function secret(password: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login', namespace: 'shop' }, data: { password } };
}

it.each(['/kind', '/metadata', '/apiVersion'])('shows no value of a Secret of which %s is ignored', (pointer) => {
  const ignore = compileIgnore([{ kind: 'Secret', jsonPointers: [pointer] }]).find(ref);
  const found = diffResource({ ref, live: secret('aHVudGVyMg=='), desired: secret('aHVudGVyMw=='), ignore });
  expect(found?.kind).toBe('changed');
  expect(JSON.stringify(found)).not.toContain('aHVudGVy');
});
