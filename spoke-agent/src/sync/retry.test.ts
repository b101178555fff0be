import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Backoff, defaultBackoff, mayRetry, retryOf, retryWaitMs } from './retry.ts';
import { healed, nextHealAt } from './self-heal.ts';

interface Case {
  id: string;
  input: {
    retry: { backoff?: { duration?: string; factor?: number | null; maxDuration?: string } };
    retryCounts: number;
  };
  expected: { waitNs?: number; error?: string };
  deviates?: string;
}

const file = new URL('../../../../shared/fixtures/argocd/retry.json', import.meta.url);
// Durations are parsed by the hub; here are the cases whose durations are plain.
const plain = /^(?:(\d+(?:\.\d+)?)(ms|s|m|h)|(\d+))$/;
const cases = (JSON.parse(readFileSync(file, 'utf8')) as Case[]).filter(
  ({ expected, deviates, input }) =>
    !expected.error &&
    !deviates &&
    [input.retry.backoff?.duration, input.retry.backoff?.maxDuration].every((text) => !text || plain.test(text)),
);
const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function parse(text: string | undefined, fallback: number): number {
  if (!text) return fallback;
  const [, amount, unit = 's', bare] = plain.exec(text) ?? [];
  return Number(amount ?? bare) * (unitMs[unit] ?? 1_000);
}

describe('the wait before a retry, as Argo CD computes it', () => {
  it.each(cases)('$id', ({ input, expected }) => {
    const { duration, factor, maxDuration } = input.retry.backoff ?? {};
    const backoff: Backoff = {
      durationMs: parse(duration, defaultBackoff.durationMs),
      factor: factor ?? defaultBackoff.factor,
      maxDurationMs: parse(maxDuration, defaultBackoff.maxDurationMs),
    };
    expect(retryWaitMs(backoff, input.retryCounts)).toBe((expected.waitNs ?? 0) / 1e6);
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
