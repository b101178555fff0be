import { describe, expect, it } from 'vitest';
import { parseSchedule } from './cron.ts';

function nextAfter(text: string, at: string, zone?: string): string | undefined {
  const schedule = parseSchedule(text, zone);
  if (typeof schedule === 'string') throw new Error(schedule);
  return schedule.after(new Date(at))?.toISOString();
}

describe('a schedule', () => {
  it.each([
    ['every minute', '* * * * *', '2026-01-01T10:00:00Z', 'UTC', '2026-01-01T10:01:00.000Z'],
    ['strictly after', '0 10 * * *', '2026-01-01T10:00:00Z', 'UTC', '2026-01-02T10:00:00.000Z'],
    ['a fraction of a second before', '0 10 * * *', '2026-01-01T09:59:59.500Z', 'UTC', '2026-01-01T10:00:00.000Z'],
    ['names and ranges', '30 9 * * MON-fri', '2026-01-03T00:00:00Z', 'UTC', '2026-01-05T09:30:00.000Z'],
    ['a step from a number runs to the end', '0 0 * * 1/2', '2026-01-05T00:00:00Z', 'UTC', '2026-01-07T00:00:00.000Z'],
    [
      'either of two days, when both are named',
      '0 0 13 * 5',
      '2026-01-03T00:00:00Z',
      'UTC',
      '2026-01-09T00:00:00.000Z',
    ],
    [
      'both days, when a question mark leaves one open',
      '0 0 ? * 0',
      '2026-01-01T00:00:00Z',
      'UTC',
      '2026-01-04T00:00:00.000Z',
    ],
    ['a leap day', '0 0 29 2 *', '2026-01-01T00:00:00Z', 'UTC', '2028-02-29T00:00:00.000Z'],
    ['a day that never comes', '0 0 30 2 *', '2026-01-01T00:00:00Z', 'UTC', undefined],
    ['another zone', '0 9 * * *', '2026-01-01T00:00:00Z', 'America/New_York', '2026-01-01T14:00:00.000Z'],
    ['its own zone', 'TZ=Asia/Tokyo 0 9 * * *', '2026-01-01T00:00:00Z', 'UTC', '2026-01-02T00:00:00.000Z'],
    ['the day before summer time', '0 22 * * *', '2024-03-30T12:00:00Z', 'Europe/Berlin', '2024-03-30T21:00:00.000Z'],
    ['the day of summer time', '0 22 * * *', '2024-03-31T12:00:00Z', 'Europe/Berlin', '2024-03-31T20:00:00.000Z'],
  ])('%s', (...[, text, at, zone, expected]) => {
    expect(nextAfter(text ?? '', at ?? '', zone)).toBe(expected);
  });

  it.each([
    ['nothing', '', /five fields, has 0/],
    ['four fields', '* * * *', /five fields, has 4/],
    ['seconds', '0 0 0 * * *', /five fields, has 6/],
    ['a name for the whole', '@hourly', /five fields/],
    ['a minute too many', '60 * * * *', /minute/],
    ['a seventh day', '0 0 * * 7', /day of week/],
    ['the last day', '0 0 L * *', /day of month/],
    ['a step of nothing', '*/0 * * * *', /minute/],
    ['a range backwards', '0 5-1 * * *', /hour/],
    ['an unknown zone', 'TZ=Mars/Base 0 0 * * *', /Mars\/Base/],
  ])('refuses %s', (_name, text, problem) => {
    expect(parseSchedule(text)).toMatch(problem);
  });
});
