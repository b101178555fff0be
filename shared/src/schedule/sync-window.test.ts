import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AssignedWindow, compileWindow, type Window, whyWindowsForbid, windowsChangeAt } from './sync-window.ts';

function compile(window: Partial<AssignedWindow>): Window {
  const compiled = compileWindow({ kind: 'allow', schedule: '0 10 * * *', duration: '2h', ...window });
  if (typeof compiled === 'string') throw new Error(compiled);
  return compiled;
}

const at = (time: string) => Date.parse(`2026-01-05T${time}Z`);

describe('a window', () => {
  it.each([
    ['before it opens', '09:59:59', false],
    ['at the moment itself', '10:00:00', false],
    ['within', '11:00:00', true],
    ['when its duration has passed', '12:00:00', false],
  ])('%s', (_name, time, expected) => {
    expect(compile({}).isActive(at(time))).toBe(expected);
  });

  it('keeps to the clock of its zone when summer time begins', () => {
    const window = compile({ schedule: '0 22 * * *', timeZone: 'Europe/Berlin' });
    expect(window.isActive(Date.parse('2024-03-30T21:30:00Z'))).toBe(true);
    expect(window.isActive(Date.parse('2024-03-31T20:30:00Z'))).toBe(true);
    expect(window.isActive(Date.parse('2024-03-31T22:30:00Z'))).toBe(false);
  });

  it.each([
    ['a bad duration', { duration: '2a' }, /duration "2a"/],
    ['a duration without unit', { duration: '90' }, /duration "90"/],
    ['a bad schedule', { schedule: 'x' }, /schedule "x"/],
  ])('refuses %s', (_name, window, problem) => {
    expect(compileWindow({ kind: 'deny', schedule: '0 10 * * *', duration: '2h', ...window })).toMatch(problem);
  });
});

describe('what windows forbid', () => {
  const allow = compile({});
  const deny = compile({ kind: 'deny' });
  it.each([
    { name: 'nothing without windows', windows: [], time: '11:00:00', reason: '' },
    { name: 'nothing while allowed', windows: [allow], time: '11:00:00', reason: '' },
    {
      name: 'all outside of what is allowed',
      windows: [allow],
      time: '13:00:00',
      reason: 'it is allowed only in the sync window "allow 0 10 * * * for 2h"',
    },
    {
      name: 'all while denied, whatever allows it',
      windows: [allow, deny],
      time: '11:00:00',
      reason: 'the sync window "deny 0 10 * * * for 2h" denies it',
    },
    { name: 'nothing outside of what is denied', windows: [deny], time: '13:00:00', reason: '' },
  ])('$name', ({ windows, time, reason }) => {
    expect(whyWindowsForbid(windows, { isManual: false, now: at(time) }) ?? '').toBe(reason);
  });

  it('lets people sync by hand where every window in the way says so', () => {
    const kind = compile({ kind: 'deny', manualSync: true });
    expect(whyWindowsForbid([kind], { isManual: true, now: at('11:00:00') })).toBeUndefined();
    expect(whyWindowsForbid([kind, deny], { isManual: true, now: at('11:00:00') })).toBeDefined();
    expect(whyWindowsForbid([kind], { isManual: false, now: at('11:00:00') })).toBeDefined();
  });

  it('lets a sync be finished that began when it was allowed', () => {
    const overrun = compile({ syncOverrun: true });
    const now = at('13:00:00');
    expect(whyWindowsForbid([overrun], { isManual: false, now, startedAt: at('11:59:00') })).toBeUndefined();
    expect(whyWindowsForbid([overrun], { isManual: false, now, startedAt: at('12:30:00') })).toBeDefined();
    expect(whyWindowsForbid([allow], { isManual: false, now, startedAt: at('11:59:00') })).toBeDefined();
  });

  it('changes only at a time that was foretold', () => {
    const schedules = fc.constantFrom('0 10 * * *', '*/15 * * * *', '30 9 * * 1-5', '0 0 1 * *');
    const durations = fc.constantFrom('5m', '1h', '26h');
    const window = fc.record({ kind: fc.constantFrom('allow', 'deny'), schedule: schedules, duration: durations });
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: at('00:00:00'), max: at('00:00:00') + 40 * 86_400_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (windows, now, fraction) => {
          const compiled = windows.map((one) => compile(one as AssignedWindow));
          const change = windowsChangeAt(compiled, now) as number;
          expect(change).toBeGreaterThan(now);
          const between = now + Math.floor((change - now) * fraction);
          const verdict = (moment: number) => compiled.map((one) => one.isActive(moment));
          expect(verdict(between)).toEqual(verdict(now));
        },
      ),
    );
  });
});
