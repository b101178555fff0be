import { createLogger } from '@wheelhouse/shared/logging/logger';
import { describe, expect, it, vi } from 'vitest';
import type { AuditEntry } from '../store/audit.ts';
import type { ClusterState } from './cluster-state.ts';
import { type ContactRecord, watchContact } from './contact.ts';
import { createMemoryTable } from './testing/memory-records.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

/** What a replica sees of a cluster. */
interface Seen {
  state: ClusterState;
  lastSeenAt?: string;
}

/** A fleet that any number of replicas look at every 2 ms. */
function createFixture() {
  const states = new Map<string, Seen>();
  const audited: AuditEntry[] = [];
  const counted: string[] = [];
  const contacts = createMemoryTable<ContactRecord>();
  const clock = { ms: 0, hearingSince: 0 as number | undefined };
  const stop = new AbortController();
  let looks = 0;
  const deps = {
    clusters: {
      list: () => {
        looks += 1;
        return [...states].map(([name, seen]) => ({ name, ...seen }));
      },
    },
    contacts,
    hearingSince: () => clock.hearingSince,
    told: (state: string) => void counted.push(state),
    audit: { append: async (entry: AuditEntry) => void audited.push(entry) },
    logger: createLogger({ name: 'test', level: 'silent' }),
    elapsedMs: () => clock.ms,
    now: () => new Date(0),
  };
  return {
    states,
    audited,
    counted,
    contacts,
    clock,
    start: () => void watchContact(deps, { intervalMs: 2 }, stop.signal),
    /** A replica that sees something else than the others. */
    startOther: (seen: Seen) => {
      const clusters = { list: () => [{ name: 'eu-1', ...seen }] };
      void watchContact({ ...deps, clusters }, { intervalMs: 2 }, stop.signal);
    },
    /** Until everything as it is now was looked at twice. */
    settled: async () => {
      const before = looks;
      await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 4), within);
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
    for (const [state, lastSeenAt] of [
      ['Connected', '10:00'],
      ['Stale', '10:01'],
      ['Lost', '10:01'],
      ['Connected', '10:20'],
    ] as const) {
      fleet.states.set('eu-1', { state, lastSeenAt });
      await fleet.settled();
      fleet.clock.ms += 100_000;
      await fleet.settled();
    }
    expect(fleet.told()).toEqual([
      'eu-1: cluster connected',
      'eu-1: cluster stale',
      'eu-1: cluster lost',
      'eu-1: cluster connected',
    ]);
    expect(fleet.counted).toEqual(['connected', 'stale', 'lost', 'connected']);
  });

  it('is not told as lost while it may be the hub that was away', async () => {
    using fleet = createFixture();
    fleet.start();
    fleet.clock.hearingSince = undefined;
    fleet.states.set('eu-1', { state: 'Lost' }).set('eu-2', { state: 'Connected' });
    await fleet.settled();
    expect(fleet.told()).toEqual([]);
    Object.assign(fleet.clock, { ms: 1_000, hearingSince: 1_000 });
    await fleet.settled();
    expect(fleet.told()).toEqual(['eu-2: cluster connected']);
    fleet.clock.ms = 100_000;
    await fleet.settled();
    expect(fleet.told()).toEqual(['eu-2: cluster connected', 'eu-1: cluster lost']);
  });

  it.each<[string, Seen]>([
    ['whose clock is behind', { state: 'Connected', lastSeenAt: '10:00' }],
    ['that hears later', { state: 'Lost', lastSeenAt: '09:00' }],
  ])('is not told to and fro by a replica %s', async (_what, seen) => {
    using fleet = createFixture();
    fleet.states.set('eu-1', { state: 'Stale', lastSeenAt: '10:00' });
    fleet.start();
    await fleet.settled();
    fleet.clock.ms = 100_000;
    await fleet.settled();
    fleet.startOther(seen);
    await fleet.settled();
    fleet.clock.ms = 200_000;
    await fleet.settled();
    await fleet.settled();
    expect(fleet.told()).toEqual(['eu-1: cluster stale']);
  });

  it('is not told by a replica whose clock is so far ahead that everybody seems silent', async () => {
    using fleet = createFixture();
    fleet.start();
    for (let beat = 0; beat < 8; beat += 1) {
      fleet.states.set('eu-1', { state: 'Stale', lastSeenAt: `10:0${beat}` });
      fleet.clock.ms += 30_000;
      await fleet.settled();
    }
    expect(fleet.told()).toEqual([]);
  });

  it('is nothing for a cluster that waits, leaves or is revoked, and is forgotten with it', async () => {
    using fleet = createFixture();
    fleet.start();
    fleet.states
      .set('eu-1', { state: 'Connected' })
      .set('eu-2', { state: 'Pending' })
      .set('eu-3', { state: 'Revoked' });
    await fleet.settled();
    fleet.states.delete('eu-1');
    await fleet.settled();
    fleet.clock.ms += 61_000;
    await fleet.settled();
    expect(fleet.told()).toEqual(['eu-1: cluster connected']);
    expect(fleet.contacts.list()).toEqual([]);
  });

  it('is not told again when a replica does not know of a new cluster yet', async () => {
    using fleet = createFixture();
    fleet.start();
    fleet.states.set('eu-1', { state: 'Connected' });
    await fleet.settled();
    fleet.states.delete('eu-1');
    await fleet.settled();
    fleet.clock.ms += 59_000;
    await fleet.settled();
    fleet.states.set('eu-1', { state: 'Connected' });
    await fleet.settled();
    fleet.clock.ms += 59_000;
    await fleet.settled();
    expect([fleet.told(), fleet.contacts.list().length]).toEqual([['eu-1: cluster connected'], 1]);
  });
});
