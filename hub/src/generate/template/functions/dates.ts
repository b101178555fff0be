import { type FunctionMap, fn } from '../go-function.ts';
import { formatDuration, parseDuration } from '../time/duration.ts';
import { findZone, fixedZone, GoTime, utc, zeroTime } from '../time/go-time.ts';
import { parseLayout } from '../time/layout.ts';
import { Int, type Value } from '../value.ts';

function now(): GoTime {
  return new GoTime(BigInt(Date.now()) * 1_000_000n);
}

/** sprig: a time, or seconds since 1970 as an integer; anything else means now. */
function timeOf(value: Value): GoTime {
  if (value instanceof GoTime) return value;
  return value instanceof Int ? new GoTime(value.value * 1_000_000_000n) : now();
}

function dateInZone(layout: string, date: Value, zone: string): string {
  return timeOf(date)
    .in(findZone(zone) ?? utc)
    .format(layout);
}

function parseDate(layout: string, text: string): GoTime | undefined {
  const parsed = parseLayout(layout, text);
  if (parsed === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(parsed.year, parsed.month - 1, parsed.day);
  date.setUTCHours(parsed.hour, parsed.minute, parsed.second);
  const offset = parsed.offsetSeconds ?? 0;
  const epochNs = BigInt(date.getTime() - offset * 1000) * 1_000_000n + BigInt(parsed.nanosecond);
  const named = parsed.abbreviation !== undefined && parsed.abbreviation !== 'UTC';
  return new GoTime(epochNs, offset !== 0 || named ? fixedZone(offset, parsed.abbreviation) : utc);
}

function mustToDate(layout: string, text: string): GoTime {
  const time = parseDate(layout, text);
  if (time === undefined)
    throw new Error(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse`);
  return time;
}

function modify(duration: string, time: GoTime): GoTime {
  const ns = parseDuration(duration);
  return ns === undefined ? time : time.add(ns);
}

function mustModify(duration: string, time: GoTime): GoTime {
  const ns = parseDuration(duration);
  if (ns === undefined) throw new Error(`time: invalid duration ${JSON.stringify(duration)}`);
  return time.add(ns);
}

function durationOf(seconds: Value): string {
  if (seconds instanceof Int && seconds.kind === 'int64') return formatDuration(seconds.value * 1_000_000_000n);
  const whole = typeof seconds === 'string' && /^[+-]?\d+$/.test(seconds) ? BigInt(seconds) : 0n;
  return formatDuration(whole * 1_000_000_000n);
}

const second = 1_000_000_000n;
const steps: [bigint, string][] = [
  [31_536_000n * second, 'y'],
  [2_592_000n * second, 'mo'],
  [86_400n * second, 'd'],
  [3600n * second, 'h'],
  [60n * second, 'm'],
  [second, 's'],
];

/** sprig: the largest unit of which there is more than one whole. */
function durationRound(value: Value): string {
  const ns = nanoseconds(value);
  const magnitude = ns < 0n ? -ns : ns;
  const step = steps.find(([size]) => magnitude > size);
  return step === undefined ? '0s' : `${magnitude / step[0]}${step[1]}`;
}

function nanoseconds(value: Value): bigint {
  if (typeof value === 'string') return parseDuration(value) ?? 0n;
  if (value instanceof GoTime) return now().epochNs - value.epochNs;
  return value instanceof Int && value.kind === 'int64' ? value.value : 0n;
}

function ago(value: Value): string {
  const ns = now().epochNs - timeOf(value).epochNs;
  const half = ns < 0n ? -second / 2n : second / 2n;
  return formatDuration(((ns + half) / second) * second);
}

const inZone = fn(['string', 'any', 'string'], dateInZone);
const dateModify = fn(['string', 'time'], modify);
const mustDateModify = fn(['string', 'time'], mustModify);

/** sprig: dates. The local zone is UTC. */
export const dateFunctions: FunctionMap = {
  now: fn([], now),
  ago: fn(['any'], ago),
  date: fn(['string', 'any'], (layout, date) => dateInZone(layout, date, 'Local')),
  dateInZone: inZone,
  date_in_zone: inZone,
  dateModify,
  date_modify: dateModify,
  mustDateModify,
  must_date_modify: mustDateModify,
  duration: fn(['any'], durationOf),
  durationRound: fn(['any'], durationRound),
  htmlDate: fn(['any'], (date) => dateInZone('2006-01-02', date, 'Local')),
  htmlDateInZone: fn(['any', 'string'], (date, zone) => dateInZone('2006-01-02', date, zone)),
  toDate: fn(['string', 'string'], (layout, text) => parseDate(layout, text) ?? zeroTime),
  mustToDate: fn(['string', 'string'], mustToDate),
  unixEpoch: fn(['time'], (time) => String(time.epochSeconds)),
};
