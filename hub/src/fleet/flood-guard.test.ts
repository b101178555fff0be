import { createLogger } from '@wheelhouse/shared/logging/logger';
import { describe, expect, it, vi } from 'vitest';
import type { AuditEntry } from '../store/audit.ts';
import { guardFromFloods } from './flood-guard.ts';
import type { ClusterRecord, RevocationRecord } from './records.ts';
import { type KeyHolder, shutOut } from './shut-out.ts';
import type { BusyConnection } from './system-account.ts';
import { createMemoryTable } from './testing/memory-records.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

const logger = createLogger({ name: 'test', level: 'silent' });

/** A guard that looks every 5 ms, for which a second passes between looks. */
function startGuard(step: (look: number) => BusyConnection[], shut: (holder: KeyHolder) => Promise<void>) {
  const stop = new AbortController();
  const disconnected: string[] = [];
  let look = 0;
  const system = {
    busiest: async () => step((look += 1)),
    holder: async (id: string) => ({ cluster: `name-of-${id}`, publicKey: `key-of-${id}` }),
    disconnect: async (id: string) => void disconnected.push(id),
  };
  const deps = { system, account: 'A', shutOut: shut, attempts: { record: () => undefined }, logger };
  void guardFromFloods({ ...deps, now: () => look * 1_000 }, { maxPerSecond: 100, intervalMs: 5 }, stop.signal);
  return { disconnected, looks: () => look, [Symbol.dispose]: () => stop.abort() };
}

const connection = (id: string, messages: number): BusyConnection => ({ id, messages });

describe('the guard from floods', () => {
  it('stops the others when one of them cannot be stopped', async () => {
    const shutOuts: string[] = [];
    using guard = startGuard(
      (look) => [connection('a', look * 1_000), connection('b', look * 1_000)],
      async ({ publicKey }) => {
        if (publicKey === 'key-of-a') throw new Error('there is no such cluster');
        shutOuts.push(publicKey);
      },
    );
    await vi.waitFor(() => expect(shutOuts).toContain('key-of-b'), within);
    expect(guard.disconnected).toEqual(expect.arrayContaining(['a', 'b']));
  });

  it('takes nobody for a flooder who was only out of sight, or sent much long ago', async () => {
    using guard = startGuard(
      (look) => (look % 3 === 0 ? [] : [connection('old', 10_000_000 + look * 50)]),
      async () => expect.unreachable(),
    );
    await vi.waitFor(() => expect(guard.looks()).toBeGreaterThan(20), within);
    expect(guard.disconnected).toEqual([]);
  });
});

describe('shutting a key out', () => {
  function createFixture() {
    const clusters = createMemoryTable<ClusterRecord>();
    const revoked: Pick<RevocationRecord, 'publicKey' | 'cluster'>[] = [];
    const audited: AuditEntry[] = [];
    const deps = {
      records: { clusters },
      revocations: { revoke: async (entry: Omit<RevocationRecord, 'at' | 'until'>) => void revoked.push(entry) },
      audit: { append: async (entry: AuditEntry) => void audited.push(entry) },
      now: () => new Date('2026-11-25T10:00:00Z'),
    };
    const record = (name: string, publicKey: string): ClusterRecord => ({
      name,
      publicKey,
      server: `https://${name}`,
      labels: {},
      annotations: {},
      uid: 'u',
      enrolledAt: '2026-11-25T09:00:00Z',
    });
    return { clusters, revoked, audited, deps, record };
  }
  const why = { by: 'hub', reason: 'it flooded' };

  it('revokes the cluster that holds it, although its JWT says a name that it had before', async () => {
    const { clusters, revoked, audited, deps, record } = createFixture();
    await clusters.put('new', { ...record('new', 'UA'), formerNames: ['old'] }, 0);
    await shutOut(deps, { publicKey: 'UA', cluster: 'old' }, why);
    expect(clusters.find('new')?.revoked).toMatchObject(why);
    expect(revoked).toMatchObject([{ publicKey: 'UA', cluster: 'new' }]);
    expect(audited).toMatchObject([{ action: 'revoke cluster', object: 'new' }]);
  });

  it('revokes the key alone when no cluster holds it, and spares one that took its name', async () => {
    const { clusters, revoked, deps, record } = createFixture();
    await clusters.put('old', record('old', 'UB'), 0);
    await shutOut(deps, { publicKey: 'UA', cluster: 'old' }, why);
    expect(clusters.find('old')?.revoked).toBeUndefined();
    expect(revoked).toMatchObject([{ publicKey: 'UA' }]);
  });
});
