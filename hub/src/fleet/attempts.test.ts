import { createLogger } from '@wheelhouse/shared/logging/logger';
import { describe, expect, it, vi } from 'vitest';
import type { AuditEntry } from '../store/audit.ts';
import { createAttempts } from './attempts.ts';
import { createRateLimit } from './rate-limit.ts';
import { parseViolation } from './server-log.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

const logger = createLogger({ name: 'test', level: 'silent' });

describe('attempts', () => {
  it('are audited at once, and their repetitions as one line for each originator', async () => {
    const lines: AuditEntry[] = [];
    const stop = new AbortController();
    const audit = { append: async (entry: AuditEntry) => void lines.push(entry) };
    const attempts = createAttempts({ audit, logger }, { windowMs: 50, maxKinds: 2 }, stop.signal);
    const attempt = (by: string, object: string) => ({
      by,
      action: 'refuse publish',
      object,
      details: { reason: 'x' },
    });
    for (let count = 0; count < 10; count += 1) attempts.record(attempt('loud', 'a'));
    attempts.record(attempt('loud', 'b'));
    for (let count = 0; count < 5; count += 1) attempts.record(attempt('loud', `other-${count}`));
    attempts.record(attempt('quiet', 'a'));
    expect(lines.map(({ by, object }) => `${by} ${object}`)).toEqual(['loud a', 'loud b', 'quiet a']);
    await vi.waitFor(() => expect(lines).toHaveLength(5), within);
    expect(lines.slice(3).map(({ details }) => details)).toEqual([{ reason: 'x', repeated: 9 }, { others: 5 }]);
    stop.abort();
  });
});

describe('attempts of many', () => {
  it('who call themselves something else each time are told apart up to a number, and counted beyond it', async () => {
    const lines: AuditEntry[] = [];
    const stop = new AbortController();
    const audit = { append: async (entry: AuditEntry) => void lines.push(entry) };
    const attempts = createAttempts({ audit, logger }, { windowMs: 50, maxOriginators: 3 }, stop.signal);
    for (let count = 0; count < 10_000; count += 1)
      attempts.record({ by: `name-${count}`, action: 'refuse', object: 'x', details: { reason: 'x' } });
    attempts.record({ by: 'name-0', action: 'refuse', object: 'y', details: { reason: 'x' } });
    expect(lines.map(({ by, object }) => `${by} ${object}`)).toEqual(['name-0 x', 'name-1 x', 'name-2 x', 'name-0 y']);
    await vi.waitFor(() => expect(lines).toHaveLength(5), within);
    expect(lines[4]).toMatchObject({ by: 'others', details: { others: 9_997 } });
    stop.abort();
  });

  it('are cut where they are long', () => {
    const lines: AuditEntry[] = [];
    const stop = new AbortController();
    const audit = { append: async (entry: AuditEntry) => void lines.push(entry) };
    const attempts = createAttempts({ audit, logger }, {}, stop.signal);
    const long = 'x'.repeat(10_000);
    attempts.record({ by: long, action: 'refuse', object: long, details: { reason: long, count: 7 } });
    expect(JSON.stringify(lines[0]).length).toBeLessThan(1_200);
    expect(lines[0]).toMatchObject({ details: { count: 7 } });
    stop.abort();
  });
});

describe('a rate limit', () => {
  it('lets a burst through, and so many a second after that, for each key', () => {
    let now = 0;
    const isWithin = createRateLimit({ burst: 3, perSecond: 2 }, () => now);
    const take = (key: string, count: number) =>
      Array.from({ length: count }, () => isWithin(key)).filter(Boolean).length;
    expect([take('a', 5), take('b', 1)]).toEqual([3, 1]);
    now = 1_000;
    expect([take('a', 5), take('b', 5)]).toEqual([2, 3]);
  });
});

describe("a line of nats-server's log", () => {
  const key = `U${'A'.repeat(55)}`;
  const other = `U${'B'.repeat(55)}`;
  const client = `[1] 2026/11/25 21:36:31.008022 [ERR] 127.0.0.1:1 - cid:40 - "v3.4.0:nats.js:mine" - "AD45/FLEET/nkey:${key}"`;
  it.each([
    [
      'a publication',
      `${client} - Publish Violation - Subject "x.y"`,
      { kind: 'publish', subject: 'x.y', publicKey: key },
    ],
    [
      'a subscription',
      `${client} - Subscription Violation - Subject "a.>", SID 2`,
      { kind: 'subscribe', subject: 'a.>', publicKey: key },
    ],
    ['something else', `${client} - Slow Consumer Detected`, undefined],
    [
      'a client whose name pretends to be another',
      `[1] [ERR] 127.0.0.1:1 - cid:40 - "v1:go:\\"x/FLEET/nkey:${other}\\" - Publish Violation - Subject \\"y\\"" - "AD45/FLEET/nkey:${key}" - Publish Violation - Subject "real"`,
      { kind: 'publish', subject: 'real', publicKey: key },
    ],
  ])('tells of %s', (_name, line, violation) => {
    expect(parseViolation(line)).toEqual(violation);
  });
});
