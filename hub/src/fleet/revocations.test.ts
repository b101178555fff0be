import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RevocationRecord } from './records.ts';
import { revokedKeys } from './revocations.ts';

const record = (publicKey: string, at: string, until: string): RevocationRecord => ({
  publicKey,
  cluster: 'c',
  kind: 'revoked',
  reason: 'test',
  by: 'ann',
  at,
  until,
});
const time = fc.integer({ min: 1_800_000_000_000, max: 1_900_000_000_000 });

describe('what NATS is told of revoked keys', () => {
  it('shuts a key out until no JWT of it can be left, also one that was given after it was revoked', () => {
    const one = record('UA', '2026-11-25T20:00:00.200Z', '2026-11-26T21:00:00.000Z');
    const second = Date.parse('2026-11-25T20:00:01Z') / 1_000;
    expect(revokedKeys([one], new Date('2026-11-25T20:00:01Z'))).toEqual({
      keys: { UA: Date.parse('2026-11-26T21:00:00Z') / 1_000 },
      changedAt: second,
    });
    expect(revokedKeys([one], new Date('2026-11-26T21:00:00Z'))).toEqual({
      keys: {},
      changedAt: Date.parse('2026-11-26T21:00:00Z') / 1_000,
    });
  });

  it('is the same in whatever order replicas learnt of it, and never older after another key', () => {
    const records = fc.uniqueArray(fc.tuple(fc.stringMatching(/^U[A-Z]{3}$/), time), { selector: ([key]) => key });
    fc.assert(
      fc.property(records, time, (list, now) => {
        const all = list.map(([key, at]) =>
          record(key, new Date(at).toISOString(), new Date(at + 90_000_000).toISOString()),
        );
        const told = revokedKeys(all, new Date(now));
        expect(revokedKeys(all.toReversed(), new Date(now))).toEqual(told);
        expect(JSON.stringify(revokedKeys(all.toReversed(), new Date(now)))).toBe(JSON.stringify(told));
        expect(revokedKeys(all.slice(1), new Date(now)).changedAt).toBeLessThanOrEqual(told.changedAt);
      }),
    );
  });
});
