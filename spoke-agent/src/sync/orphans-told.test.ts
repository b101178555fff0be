import type { OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import { expect, it } from 'vitest';
import { automated, configMap, startSpoke } from './simulated-spoke.ts';

const found: OrphanReport = {
  total: 1,
  surveyedAt: '2026-01-01T00:00:00.000Z',
  items: [{ group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'left-over' }],
};

/** It prunes nothing. */
const keeping = { ...automated, automated: { prune: false, selfHeal: true, allowEmpty: false } };

it('reports what was found in an Application’s namespace with its status, once, and takes it back', async () => {
  await using spoke = startSpoke();
  spoke.assign({ apps: [{ manifests: [configMap('a')], policy: automated }] });
  expect(await spoke.settle()).not.toHaveProperty('orphans');
  spoke.reconciler.tellOrphans('shop', found);
  expect(await spoke.settle()).toMatchObject({ sync: 'Synced', orphans: found });
  const { length } = spoke.reports;
  spoke.reconciler.tellOrphans('shop', { ...structuredClone(found), surveyedAt: '2026-01-01T01:00:00.000Z' });
  spoke.reconciler.tellOrphans('nobody', found);
  await spoke.settle();
  expect(spoke.reports).toHaveLength(length);
  spoke.reconciler.tellOrphans('shop', undefined);
  expect(await spoke.settle()).not.toHaveProperty('orphans');
});

it('claims what Applications desire, have applied, and are called', async () => {
  await using spoke = startSpoke();
  spoke.assign({ apps: [{ manifests: [configMap('a'), configMap('old')], policy: keeping }] });
  await spoke.settle();
  spoke.assign({ apps: [{ manifests: [configMap('b')], policy: keeping, revision: 'r2' }] });
  await spoke.settle();
  const { apps, keys } = spoke.reconciler.claims();
  expect([...apps]).toEqual(['shop']);
  expect([...keys].sort()).toEqual(['/ConfigMap:shop/a', '/ConfigMap:shop/b', '/ConfigMap:shop/old']);
  spoke.assign({ tombstones: [{ app: 'shop', reason: 'deleted', cascade: false }] });
  await spoke.settle();
  spoke.assign({});
  expect(spoke.reconciler.claims()).toEqual({ apps: new Set(), keys: new Set() });
});
