import { Cron } from 'croner';

/** Moments of a cron schedule. */
export interface Schedule {
  /** The first one strictly after; undefined when there is none (30 February). */
  after(moment: Date): Date | undefined;
}

const fields = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  {
    name: 'month',
    min: 1,
    max: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of week', min: 0, max: 6, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;

interface Field {
  name: string;
  min: number;
  max: number;
  words?: readonly string[];
}

/**
 * robfig/cron, as Argo CD reads it: five fields of `*`, `?`, numbers, names, ranges, lists and steps, behind an optional
 * `TZ=Zone` or `CRON_TZ=Zone`. A string says what is wrong. Hours that a change to summer time leaves out do not
 * happen; the zone's clock is followed, not the offset of this moment.
 */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule | string {
  const [, ownZone, fieldsText = ''] = /^(?:(?:CRON_)?TZ=(\S+) +)?(.*)$/s.exec(text.trim()) ?? [];
  const zone = ownZone ?? timeZone;
  const parts = fieldsText.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== fields.length) return `needs five fields, has ${parts.length}`;
  const values = fields.map((field, index) => parseField(parts[index] ?? '', field));
  const bad = values.indexOf(undefined);
  if (bad >= 0) return `the ${fields[bad]?.name} cannot be read`;
  if (!isTimeZone(zone)) return `there is no time zone "${zone}"`;
  const cron = new Cron(values.join(' '), { paused: true, timezone: zone });
  return { after: (moment) => cron.nextRun(moment) ?? undefined };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A list of numbers, or `*`: then the other one of the two day fields decides alone, as in robfig/cron. */
function parseField(text: string, field: Field): string | undefined {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',')) {
    const range = parseRange(part, field);
    if (range === undefined) return undefined;
    any ||= range.any;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return any ? '*' : [...values].sort((a, b) => a - b).join(',');
}

interface Range {
  from: number;
  to: number;
  step: number;
  any: boolean;
}

function parseRange(part: string, field: Field): Range | undefined {
  const [range = '', stepText = '1', ...more] = part.split('/');
  const ends = parseEnds(range, field, !part.includes('/'));
  const step = /^\d+$/.test(stepText) ? Number(stepText) : 0;
  if (ends === undefined || step === 0 || more.length > 0) return undefined;
  return { ...ends, step, any: step === 1 && /^[*?]$/.test(range) };
}

/** A number alone is a range up to the end when a step follows it. */
function parseEnds(range: string, field: Field, isStepless: boolean): { from: number; to: number } | undefined {
  if (range === '*' || range === '?') return { from: field.min, to: field.max };
  const [low = '', high, ...more] = range.split('-');
  const from = numberOf(low, field);
  const to = high === undefined ? (isStepless ? from : field.max) : numberOf(high, field);
  const isWithin = from >= field.min && to <= field.max && from <= to;
  return isWithin && more.length === 0 ? { from, to } : undefined;
}

function numberOf(text: string, { min, words = [] }: Field): number {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return word + min;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
