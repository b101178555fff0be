import { expect, it } from 'vitest';
import { windowState } from './window.ts';

const nights = { schedule: '0 22 * * 1-4', duration: '6h', timeZone: 'Europe/Berlin' };

it.each([
  ['at its opening', '2026-01-05T21:00:00Z', true],
  ['a moment before', '2026-01-05T20:59:59Z', false],
  ['after midnight', '2026-01-06T02:59:59Z', true],
  ['at its end', '2026-01-06T03:00:00Z', false],
  ['on another day', '2026-01-09T22:00:00Z', false],
  ['in summer, an hour earlier by UTC', '2026-07-06T20:00:00Z', true],
])('knows whether a window is open %s', (_what, now, open) => {
  expect(windowState([nights], new Date(now)).open).toBe(open);
});

it('says when the next one opens, and is always open without any', () => {
  const noon = new Date('2026-01-09T12:00:00Z');
  const daily = { schedule: '30 13 * * *', duration: '1h' };
  expect(windowState([nights, daily], noon)).toEqual({ open: false, opensAt: new Date('2026-01-09T13:30:00Z') });
  expect(windowState([], noon)).toEqual({ open: true });
});
