import { describe, expect, it } from 'vitest';
import { defaultBackoff, mayRetry, retryOf, retryWaitMs } from './retry.ts';
import { healed, nextHealAt } from './self-heal.ts';

describe('the wait before a retry', () => {
  it.each([
    { name: 'first', backoff: {}, made: 0, expected: 5_000 },
    { name: 'third', backoff: {}, made: 2, expected: 20_000 },
    { name: 'at most the maximum', backoff: {}, made: 80, expected: 180_000 },
    { name: 'without a maximum', backoff: { maxDurationMs: 0 }, made: 10, expected: 5_120_000 },
    { name: 'never before now', backoff: { factor: -2 }, made: 1, expected: 0 },
    { name: 'factor 0', backoff: { factor: 0 }, made: 1, expected: 0 },
  ])('$name', ({ backoff, made, expected }) => {
    expect(retryWaitMs({ ...defaultBackoff, ...backoff }, made)).toBe(expected);
  });
});

describe('how often a sync is tried again', () => {
  it.each([
    { name: 'automated, no retry given', limit: undefined, automated: true, made: 4, expected: true },
    { name: 'automated, no retry given, five made', limit: undefined, automated: true, made: 5, expected: false },
    { name: 'asked for by a person', limit: undefined, automated: false, made: 0, expected: false },
    { name: 'limit 0', limit: 0, automated: true, made: 0, expected: false },
    { name: 'no limit', limit: -1, automated: true, made: 1_000, expected: true },
  ])('$name', ({ limit, automated, made, expected }) => {
    const given = limit === undefined ? undefined : { limit, backoff: defaultBackoff };
    expect(mayRetry(retryOf(given, automated), made)).toBe(expected);
  });
});

describe('self-heal', () => {
  it('waits 0, 2, 6, 18, 54, 162, 300, 300 s while something keeps undoing it', () => {
    let history = undefined as ReturnType<typeof healed> | undefined;
    let now = 1_000_000;
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const at = nextHealAt(history, now);
      waits.push((at - now) / 1_000);
      now = at;
      history = healed(history, now);
    }
    expect(waits).toEqual([0, 2, 6, 18, 54, 162, 300, 300]);
  });

  it('heals at once again after a quiet while', () => {
    const history = healed(healed(undefined, 0), 2_000);
    expect(nextHealAt(history, 62_000)).toBe(62_000);
    expect(healed(history, 62_000).count).toBe(1);
  });
});
