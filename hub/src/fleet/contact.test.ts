import { createLogger } from '@wheelhouse/shared/logging/logger';
import { describe, expect, it, vi } from 'vitest';
import type { AuditEntry } from '../store/audit.ts';
import type { ClusterState } from './cluster-state.ts';
import { type ContactRecord, watchContact } from './contact.ts';
import { createMemoryTable } from './testing/memory-records.ts';

/** A fleet that any number of replicas look at every 2 ms. */
function createFixture() {
  const states = new Map<string, ClusterState>();
  const audited: AuditEntry[] = [];
  const contacts = createMemoryTable<ContactRecord>();
  const clock = { ms: 0, hearingSince: 0 as number | undefined };
  const stop = new AbortController();
  let looks = 0;
  const deps = {
    clusters: {
      list: () => {
        looks += 1;
        return [...states].map(([name, state]) => ({ name, state }));
      },
    },
    contacts,
    hearingSince: () => clock.hearingSince,
    audit: { append: async (entry: AuditEntry) => void audited.push(entry) },
    logger: createLogger({ name: 'test', level: 'silent' }),
    now: () => new Date(clock.ms),
  };
  return {
    states,
    audited,
    contacts,
    clock,
    start: () => void watchContact(deps, { intervalMs: 2 }, stop.signal),
    /** Until everything as it is now was looked at twice. */
    settled: async () => {
      const before = looks;
      await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 4));
    },
    told: () => audited.map(({ action, object }) => `${object}: ${action}`),
    [Symbol.dispose]: () => stop.abort(),
  };
}

describe('contact with clusters', () => {
  it('is told once, when it comes, is lost and comes back, by one of two replicas', async () => {
    using fleet = createFixture();
    fleet.start();
    fleet.start();
    fleet.clock.ms = 1_000_000;
    for (const state of ['Connected', 'Stale', 'Lost', 'Connected'] as const) {
      fleet.states.set('eu-1', state);
      await fleet.settled();
    }
    expect(fleet.told()).toEqual([
      'eu-1: cluster connected',
      'eu-1: cluster stale',
      'eu-1: cluster lost',
      'eu-1: cluster connected',
    ]);
  });

  it('is not told as lost while it may be the hub that was away', async () => {
    using fleet = createFixture();
    fleet.start();
    fleet.clock.hearingSince = undefined;
    fleet.states.set('eu-1', 'Lost').set('eu-2', 'Connected');
    await fleet.settled();
    expect(fleet.told()).toEqual([]);
    Object.assign(fleet.clock, { ms: 1_000, hearingSince: 0 });
    await fleet.settled();
    expect(fleet.told()).toEqual(['eu-2: cluster connected']);
    fleet.clock.ms = 100_000;
    await fleet.settled();
    expect(fleet.told()).toEqual(['eu-2: cluster connected', 'eu-1: cluster lost']);
  });

  it('is nothing for a cluster that waits, leaves or is revoked, and is forgotten with it', async () => {
    using fleet = createFixture();
    fleet.start();
    fleet.states.set('eu-1', 'Connected').set('eu-2', 'Pending').set('eu-3', 'Revoked');
    await fleet.settled();
    fleet.states.delete('eu-1');
    await fleet.settled();
    expect(fleet.told()).toEqual(['eu-1: cluster connected']);
    expect(fleet.contacts.list()).toEqual([]);
  });
});
