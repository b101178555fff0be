import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import type { AssignedWindow } from '@wheelhouse/shared/schedule/sync-window';
import { describe, expect, it } from 'vitest';
import { configMap, kindRef, startSpoke } from './simulated-spoke.ts';

const start = Date.parse('2026-01-05T09:30:00Z');
const business: AssignedWindow = { kind: 'allow', schedule: '0 10 * * *', duration: '2h' };
const manifests = [configMap('a')];

function spokeAt(time = start) {
  return startSpoke({ clock: createManualClock(time) });
}

function assignment(windows: AssignedWindow[], revision = 'r1', value = '1') {
  return [{ manifests: [configMap('a', { a: value })], revision, policy: { windows } }];
}

function syncBy(by: string, id = '1'): AssignedOperation {
  const sync = { prune: false, dryRun: false, force: false, syncOptions: [] };
  return { id, type: 'sync', app: 'shop', expiresAt: '2030-01-01T00:00:00Z', by, sync };
}

describe('sync windows at the spoke', () => {
  it('keep automation waiting, say why, and let it go when one opens', async () => {
    await using spoke = spokeAt();
    spoke.assign({ apps: assignment([business]) });
    const waiting = await spoke.settle();
    expect(waiting).toMatchObject({ sync: 'OutOfSync', conditions: [{ type: 'SyncWindow' }] });
    expect(waiting.conditions[0]?.message).toMatch(/allowed only in the sync window "allow 0 10/);
    expect(await spoke.find('ConfigMap', 'a')).toBeUndefined();
    spoke.clock.advance(31 * 60_000);
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', conditions: [] });
  });

  it('keep healing waiting', async () => {
    await using spoke = spokeAt(start + 60 * 60_000);
    spoke.assign({ apps: assignment([business]) });
    expect((await spoke.settle()).sync).toBe('Synced');
    spoke.clock.advance(3 * 60 * 60_000);
    spoke.cluster.edit({ ...kindRef('ConfigMap'), namespace: 'shop', name: 'a' }, (object) => {
      object['data'] = { a: 'by hand' };
    });
    expect(await spoke.settle()).toMatchObject({ sync: 'OutOfSync', conditions: [{ type: 'SyncWindow' }] });
    for (let hour = 0; hour < 22; hour += 1) spoke.clock.advance(60 * 60_000);
    expect((await spoke.settle()).sync).toBe('Synced');
  });

  it('make a sync by hand wait, unless they leave that to people', async () => {
    await using spoke = spokeAt();
    spoke.assign({ apps: assignment([business]), ops: [syncBy('ann')] });
    expect((await spoke.settle()).operation).toMatchObject({ id: '1', phase: 'Running' });
    spoke.assign({ apps: assignment([{ ...business, manualSync: true }]), ops: [syncBy('ann')] });
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { phase: 'Succeeded' } });
  });

  it('make the sync for a step of a rollout wait, also where they let people sync', async () => {
    await using spoke = spokeAt();
    const ops = [syncBy('applicationset-controller', 'rollingsync.argocd.shop-1-0')];
    spoke.assign({ apps: assignment([{ ...business, manualSync: true }]), ops });
    expect((await spoke.settle()).operation).toMatchObject({ phase: 'Running' });
    spoke.clock.advance(31 * 60_000);
    expect(await spoke.settle()).toMatchObject({ sync: 'Synced', operation: { phase: 'Succeeded' } });
  });

  it('forbid everything when one cannot be read', async () => {
    await using spoke = spokeAt();
    spoke.assign({ apps: [{ manifests, policy: { windows: [{ ...business, schedule: 'never' }] } }] });
    expect(await spoke.settle()).toMatchObject({ sync: 'OutOfSync', conditions: [{ type: 'SyncWindow' }] });
  });
});
