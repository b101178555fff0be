import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAnswer, parseAnswer, parseCommand } from './command.ts';
import { isNewer, statusDigest } from './status-digest.ts';
import { parseStatus } from './status-schema.ts';
import { formatToken, parseToken } from './subjects.ts';

const status = {
  v: 1,
  app: 'shop',
  gen: 3,
  seq: 9,
  revision: 'abc',
  bundle: '',
  sync: 'Synced',
  health: { status: 'Healthy' },
  resources: [{ group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'a', name: 'b', sync: 'Synced' }],
  total: 1,
  conditions: [],
  observedAt: '2026-11-23T00:00:00.000Z',
};

describe('statuses', () => {
  it('are read', () => {
    expect(parseStatus(JSON.stringify(status))).toEqual(status);
  });

  it.each([
    ['no JSON', '{', /is no JSON/],
    ['an unknown health', JSON.stringify({ ...status, health: { status: 'Fine' } }), /health\.status/],
    ['a negative sequence', JSON.stringify({ ...status, seq: -1 }), /seq/],
    ['too many resources', JSON.stringify({ ...status, resources: Array(101).fill(status.resources[0]) }), /resources/],
    ['no resources', JSON.stringify({ ...status, resources: undefined }), /resources/],
  ])('are refused with %s', (_name, text, message) => {
    expect(() => parseStatus(text)).toThrow(message);
  });

  it.each([
    { name: 'the first', next: { gen: 1, seq: 1 }, known: undefined, expected: true },
    { name: 'a higher sequence', next: { gen: 1, seq: 2 }, known: { gen: 1, seq: 1 }, expected: true },
    { name: 'the same', next: { gen: 1, seq: 1 }, known: { gen: 1, seq: 1 }, expected: false },
    { name: 'a newer generation', next: { gen: 2, seq: 1 }, known: { gen: 1, seq: 9 }, expected: true },
    { name: 'an older generation', next: { gen: 1, seq: 9 }, known: { gen: 2, seq: 1 }, expected: false },
  ])('replace what is known: $name', ({ next, known, expected }) => {
    expect(isNewer(next, known)).toBe(expected);
  });

  const seen = fc.record({ app: fc.stringMatching(/^[a-z]{1,4}$/), gen: fc.nat(9), seq: fc.nat(9) });
  it('have one digest in any order, and another when one differs', () => {
    fc.assert(
      fc.property(fc.uniqueArray(seen, { selector: ({ app }) => app, minLength: 1 }), fc.nat(), (statuses, at) => {
        const changed = statuses.map((item, index) =>
          index === at % statuses.length ? { ...item, seq: item.seq + 1 } : item,
        );
        expect(statusDigest(statuses.toReversed())).toBe(statusDigest(statuses));
        expect(statusDigest(changed)).not.toBe(statusDigest(statuses));
        expect(statusDigest([...statuses, { app: 'gone!', gen: 1, seq: 1, removed: true }])).toBe(
          statusDigest(statuses),
        );
      }),
    );
  });
});

describe('Application ids as tokens', () => {
  it.each(['shop', 'team-a_shop', 'shop.v2.example'])('come back: %s', (name) => {
    expect(formatToken(name)).not.toMatch(/[.*> ]/);
    expect(parseToken(formatToken(name))).toBe(name);
  });
});

describe('commands', () => {
  it.each([
    ['a diff', { v: 1, id: 'x', type: 'diff', app: 'shop' }, true],
    ['an unknown type', { v: 1, id: 'x', type: 'delete', app: 'shop' }, false],
    ['another version', { v: 2, id: 'x', type: 'diff', app: 'shop' }, false],
    ['a document', { v: 1, cluster: 'a', gen: 1 }, false],
    ['null', null, false],
  ])('are known or ignored: %s', (_name, value, expected) => {
    expect(parseCommand(JSON.stringify(value)) !== undefined).toBe(expected);
  });

  it('are answered with a result, an error, or that the result is too large', () => {
    const exact = [1, 9_007_199_254_740_993n];
    expect(parseAnswer(formatAnswer({ result: exact }))).toEqual(exact);
    expect(() => parseAnswer(formatAnswer({ error: { code: 'NotFound', message: 'no shop' } }))).toThrow('no shop');
    const noise = Array.from({ length: 300_000 }, () => Math.random());
    expect(() => parseAnswer(formatAnswer({ result: noise }))).toThrow(expect.objectContaining({ code: 'TooLarge' }));
    expect(() => parseAnswer(Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'Malformed' }));
  });
});
