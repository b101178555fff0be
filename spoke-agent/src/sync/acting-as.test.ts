import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { AssignedPolicy } from '@wheelhouse/shared/protocol/document';
import { describe, expect, it } from 'vitest';
import { deployerOf, userOf } from '../cluster/testing/account.ts';
import { automated, configMap, kindRef, type SimulatedSpoke, startSpoke, syncOf } from './simulated-spoke.ts';

const signal = new AbortController().signal;
const asDeployer: Partial<AssignedPolicy> = { syncOptions: [], actAs: { user: userOf('shop') } };
const nobody: Partial<AssignedPolicy> = { syncOptions: [], actAs: { problem: 'failed to find an account' } };
const refused = new RegExp(`configmaps "a" is forbidden: User "${userOf('shop')}" cannot patch`);

/** Namespaces shop and other, and an account that may write ConfigMaps of shop. */
async function startTeam(): Promise<SimulatedSpoke> {
  const spoke = startSpoke();
  for (const name of ['shop', 'other'])
    await spoke.cluster.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      { fieldManager: 'x', signal },
    );
  for (const object of deployerOf('shop')) await spoke.cluster.apply(object, { fieldManager: 'x', signal });
  return spoke;
}

const revoke = (spoke: SimulatedSpoke) =>
  spoke.cluster.edit(
    { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'RoleBinding', namespace: 'shop', name: 'deployer' },
    () => undefined,
  );
const edit = (spoke: SimulatedSpoke) =>
  spoke.cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'a' }, (live) => ({
    ...live,
    data: { a: 'x' },
  }));

describe('an Application that acts as a service account', () => {
  it('does what the account may do', async () => {
    await using spoke = await startTeam();
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: asDeployer }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { phase: 'Succeeded' } });
  });

  it('fails its sync with the name of the account where that may not', async () => {
    await using spoke = await startTeam();
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: asDeployer, ns: 'other' }] });
    const status = await spoke.settle();
    expect(status).toMatchObject({ sync: 'OutOfSync', operation: { phase: 'Running' } });
    expect(status.operation?.message).toMatch(refused);
    expect(await spoke.find('ConfigMap', 'a', 'other')).toBeUndefined();
  });

  it('makes no namespace that the account may not make', async () => {
    await using spoke = await startTeam();
    spoke.assign({
      apps: [
        { manifests: [configMap('a')], policy: { ...asDeployer, syncOptions: ['CreateNamespace=true'] }, ns: 'new' },
      ],
    });
    expect((await spoke.settle()).operation?.message).toMatch(/namespaces "new" is forbidden: User "system:service/);
  });

  it.each([
    ['a sync', { prune: true }],
    ['a dry run', { dryRun: true }],
  ])('%s that is asked for is the account’s too', async (_row, wish) => {
    await using spoke = await startTeam();
    const apps = [{ manifests: [configMap('a')], policy: asDeployer, isManual: true, ns: 'other' }];
    spoke.assign({ apps, ops: [syncOf('1', wish)] });
    const { operation } = await spoke.settle();
    expect(operation).toMatchObject({ id: '1', phase: 'Failed', message: expect.stringMatching(refused) as string });
  });

  it('heals as the account', async () => {
    await using spoke = await startTeam();
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: asDeployer }] });
    await spoke.settle();
    edit(spoke);
    expect((await spoke.settle()).operation?.message).toBe('healed drift of ConfigMap a');
    revoke(spoke);
    edit(spoke);
    await spoke.settle();
    spoke.clock.advance(2_000);
    const { operation } = await spoke.settle();
    expect(operation).toMatchObject({ phase: 'Failed', message: expect.stringMatching(refused) as string });
    expect((await spoke.find('ConfigMap', 'a'))?.['data']).toEqual({ a: 'x' });
  });

  it('prunes as the account', async () => {
    await using spoke = await startTeam();
    spoke.assign({ apps: [{ manifests: [configMap('a'), configMap('old')], policy: asDeployer }] });
    await spoke.settle();
    revoke(spoke);
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: asDeployer, revision: 'r2' }] });
    expect((await spoke.settle()).operation?.message).toMatch(/"old" is forbidden: User ".*:deployer" cannot delete/);
    expect(await spoke.find('ConfigMap', 'old')).toBeDefined();
  });

  it('carries out a tombstone as the account, and says what is in the way', async () => {
    await using spoke = await startTeam();
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: asDeployer }] });
    await spoke.settle();
    revoke(spoke);
    const tombstones = [{ app: 'shop', reason: 'deleted', cascade: true }];
    spoke.assign({ tombstones });
    expect((await spoke.settle()).conditions).toEqual([
      { type: 'DeletionError', message: expect.stringMatching(/User ".*:deployer" cannot delete/) as string },
    ]);
    for (const object of deployerOf('shop')) await spoke.cluster.apply(object, { fieldManager: 'x', signal });
    spoke.clock.advance(30_000);
    expect(await spoke.settle()).toMatchObject({ removed: true });
    expect(await spoke.find('ConfigMap', 'a')).toBeUndefined();
  });
});

describe('an Application whose project names no account', () => {
  it('is compared, and neither synced nor healed nor removed', async () => {
    await using spoke = await startTeam();
    const manifests = [configMap('a')];
    spoke.assign({ apps: [{ manifests, policy: { syncOptions: [] } }] });
    await spoke.settle();
    spoke.assign({ apps: [{ manifests, policy: nobody }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced' });
    edit(spoke);
    const message = 'application shop: failed to find an account';
    expect(await spoke.settle()).toMatchObject({ sync: 'OutOfSync', operation: { phase: 'Error', message } });
    spoke.assign({ tombstones: [{ app: 'shop', reason: 'deleted', cascade: true }] });
    expect((await spoke.settle()).conditions).toEqual([{ type: 'DeletionError', message }]);
    expect((await spoke.find('ConfigMap', 'a'))?.['data']).toEqual({ a: 'x' });
  });

  it('is removed once its project names somebody, and as him', async () => {
    await using spoke = await startTeam();
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: asDeployer }] });
    await spoke.settle();
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: nobody }] });
    await spoke.settle();
    const tombstone = { app: 'shop', reason: 'deleted', cascade: true };
    spoke.assign({ tombstones: [tombstone] });
    expect(await spoke.settle()).toMatchObject({ conditions: [{ type: 'DeletionError' }] });
    spoke.assign({ tombstones: [{ ...tombstone, actAs: { user: userOf('other') } }] });
    expect((await spoke.settle()).conditions).toMatchObject([
      { message: expect.stringMatching(new RegExp(`User "${userOf('other')}" cannot delete`)) as string },
    ]);
    spoke.assign({ tombstones: [{ ...tombstone, actAs: { user: userOf('shop') } }] });
    expect(await spoke.settle()).toMatchObject({ removed: true });
    expect(await spoke.find('ConfigMap', 'a')).toBeUndefined();
  });

  it('fails its sync, and syncs by itself once one is named', async () => {
    await using spoke = await startTeam();
    const manifests = [configMap('a')];
    const retry = { limit: 0, backoff: { durationMs: 1, factor: 1, maxDurationMs: 1 } };
    spoke.assign({ apps: [{ manifests, policy: { ...nobody, retry } }] });
    expect((await spoke.settle()).operation).toMatchObject({ phase: 'Error' });
    expect(spoke.cluster.requests).toMatchObject({ apply: 5 });
    spoke.assign({ apps: [{ manifests, policy: asDeployer }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { phase: 'Succeeded' } });
  });

  it('heals an older bundle as nobody else than whom the newest assignment names', async () => {
    await using spoke = await startTeam();
    spoke.assign({ apps: [{ manifests: [configMap('a')], policy: { syncOptions: [] } }] });
    await spoke.settle();
    const next = [configMap('a', { a: '2' })];
    spoke.unreadable.add(digestOf(canonicalJson(next)));
    spoke.assign({ apps: [{ manifests: next, policy: { ...automated, ...nobody }, revision: 'r2' }] });
    await spoke.settle();
    edit(spoke);
    await spoke.settle();
    expect((await spoke.find('ConfigMap', 'a'))?.['data']).toEqual({ a: 'x' });
  });
});
