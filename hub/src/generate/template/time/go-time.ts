import { formatValue } from '../format/print-value.ts';
import { GoStruct, Int, type Value } from '../value.ts';
import { formatDuration } from './duration.ts';
import { formatLayout } from './layout.ts';

/** Go: `time.Time`, to the nanosecond, seen in a time zone of the IANA database or at a fixed offset. */
export class GoTime extends GoStruct {
  readonly kind = 'struct';
  readonly typeName = 'time.Time';
  readonly epochNs: bigint;
  readonly zone: Zone;

  constructor(epochNs: bigint, zone: Zone = utc) {
    super();
    this.epochNs = epochNs;
    this.zone = zone;
  }

  get epochSeconds(): bigint {
    return this.epochNs < 0n && this.epochNs % 1_000_000_000n !== 0n
      ? this.epochNs / 1_000_000_000n - 1n
      : this.epochNs / 1_000_000_000n;
  }

  get nanosecond(): number {
    return Number(this.epochNs - this.epochSeconds * 1_000_000_000n);
  }

  in(zone: Zone): GoTime {
    return new GoTime(this.epochNs, zone);
  }

  add(durationNs: bigint): GoTime {
    return new GoTime(this.epochNs + durationNs, this.zone);
  }

  format(layout: string): string {
    return formatLayout(layout, this.fields());
  }

  fields(): TimeFields {
    const { offsetSeconds, abbreviation } = this.zone.at(Number(this.epochSeconds));
    const date = new Date((Number(this.epochSeconds) + offsetSeconds) * 1000);
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      weekday: date.getUTCDay(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      nanosecond: this.nanosecond,
      offsetSeconds,
      abbreviation,
    };
  }

  override toString(): string {
    return this.format('2006-01-02 15:04:05.999999999 -0700 MST');
  }

  toJSON(): string {
    return this.format('2006-01-02T15:04:05.999999999Z07:00');
  }

  override readonly methods = {
    Format: (layout: Value) => this.format(formatValue(layout)),
    String: () => this.toString(),
    Unix: () => new Int(this.epochSeconds, 'int64'),
    UnixMilli: () => new Int(this.epochNs / 1_000_000n, 'int64'),
    UnixNano: () => new Int(this.epochNs, 'int64'),
    Year: () => new Int(this.fields().year),
    Day: () => new Int(this.fields().day),
    Hour: () => new Int(this.fields().hour),
    Minute: () => new Int(this.fields().minute),
    Second: () => new Int(this.fields().second),
    Nanosecond: () => new Int(this.nanosecond),
    YearDay: () => new Int(dayOfYear(this.fields())),
    IsZero: () => this.epochNs === zeroNs,
    UTC: () => this.in(utc),
    Sub: (other: Value) => formatDuration(this.epochNs - (other instanceof GoTime ? other.epochNs : 0n)),
    After: (other: Value) => other instanceof GoTime && this.epochNs > other.epochNs,
    Before: (other: Value) => other instanceof GoTime && this.epochNs < other.epochNs,
    Equal: (other: Value) => other instanceof GoTime && this.epochNs === other.epochNs,
  };
}

export interface TimeFields {
  year: number;
  month: number;
  day: number;
  /** 0 is Sunday. */
  weekday: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  offsetSeconds: number;
  abbreviation: string;
}

export interface Zone {
  at(epochSeconds: number): { offsetSeconds: number; abbreviation: string };
}

export const utc: Zone = { at: () => ({ offsetSeconds: 0, abbreviation: 'UTC' }) };
const zeroNs = BigInt(Date.UTC(1, 0, 1) - (Date.UTC(1, 0, 1) - Date.parse('0001-01-01T00:00:00Z'))) * 1_000_000n;

/** Go: the zero time, 1 January of year 1. */
export const zeroTime = new GoTime(zeroNs);

export function fixedZone(offsetSeconds: number, abbreviation = ''): Zone {
  return { at: () => ({ offsetSeconds, abbreviation }) };
}

/** A zone by its IANA name. `Local` is UTC, as in the images of Argo CD and of this hub. An unknown name is undefined. */
export function findZone(name: string): Zone | undefined {
  if (name === '' || name === 'UTC' || name === 'Local') return utc;
  try {
    const long = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    const short = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'short' });
    return {
      at: (epochSeconds) => {
        const offset = zonePart(long, epochSeconds);
        const offsetSeconds = parseOffset(offset);
        const label = zonePart(short, epochSeconds);
        return { offsetSeconds, abbreviation: /^[A-Z]{3,5}$/.test(label) ? label : formatOffset(offsetSeconds) };
      },
    };
  } catch {
    return undefined;
  }
}

function zonePart(format: Intl.DateTimeFormat, epochSeconds: number): string {
  return format.formatToParts(epochSeconds * 1000).find((part) => part.type === 'timeZoneName')?.value ?? '';
}

function parseOffset(text: string): number {
  const match = /^GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (match === null) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '-' ? -seconds : seconds;
}

function formatOffset(seconds: number): string {
  const minutes = Math.abs(seconds) / 60;
  const hours = String(Math.floor(minutes / 60)).padStart(2, '0');
  const rest = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${hours}${rest}`;
}

export function dayOfYear({ year, month, day }: { year: number; month: number; day: number }): number {
  const start = new Date(0);
  start.setUTCFullYear(year, 0, 1);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round((date.getTime() - start.getTime()) / 86_400_000) + 1;
}
