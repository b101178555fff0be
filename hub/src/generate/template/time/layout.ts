import type { TimeFields } from './go-time.ts';

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

// Go: the elements of a layout, longest first where one begins with another.
const element =
  /January|Jan(?!uary)|Monday|Mon(?!day)|MST|2006|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|002|01|02|03|04|05|06|__2|_2006|_2|15|1|2|3|4|5|PM|pm|[.,]0+(?!\d)|[.,]9+(?!\d)/g;

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Go: `time.Time.Format`. */
export function formatLayout(layout: string, fields: TimeFields): string {
  return layout.replaceAll(element, (token) => formatters[token]?.(fields) ?? formatOther(token, fields));
}

const formatters: Record<string, (fields: TimeFields) => string> = {
  January: ({ month }) => months[month - 1] ?? '',
  Jan: ({ month }) => (months[month - 1] ?? '').slice(0, 3),
  Monday: ({ weekday }) => days[weekday] ?? '',
  Mon: ({ weekday }) => (days[weekday] ?? '').slice(0, 3),
  MST: ({ abbreviation, offsetSeconds }) => abbreviation || formatOffset('-07', offsetSeconds),
  2006: ({ year }) => String(year).padStart(4, '0'),
  _2006: ({ year }) => `_${String(year).padStart(4, '0')}`,
  '06': ({ year }) => two(year % 100),
  '01': ({ month }) => two(month),
  1: ({ month }) => String(month),
  '02': ({ day }) => two(day),
  _2: ({ day }) => String(day).padStart(2, ' '),
  2: ({ day }) => String(day),
  '002': (fields) => String(yearDay(fields)).padStart(3, '0'),
  __2: (fields) => String(yearDay(fields)).padStart(3, ' '),
  15: ({ hour }) => two(hour),
  '03': ({ hour }) => two(hour % 12 || 12),
  3: ({ hour }) => String(hour % 12 || 12),
  '04': ({ minute }) => two(minute),
  4: ({ minute }) => String(minute),
  '05': ({ second }) => two(second),
  5: ({ second }) => String(second),
  PM: ({ hour }) => (hour >= 12 ? 'PM' : 'AM'),
  pm: ({ hour }) => (hour >= 12 ? 'pm' : 'am'),
};

function formatOther(token: string, fields: TimeFields): string {
  if (token.startsWith('Z') || token.startsWith('-')) return formatOffset(token, fields.offsetSeconds);
  const digits = String(fields.nanosecond)
    .padStart(9, '0')
    .slice(0, token.length - 1);
  const fraction = token[1] === '9' ? digits.replace(/0+$/, '') : digits;
  return fraction === '' ? '' : `${token[0]}${fraction}`;
}

function formatOffset(token: string, offsetSeconds: number): string {
  if (token.startsWith('Z') && offsetSeconds === 0) return 'Z';
  const seconds = Math.abs(offsetSeconds);
  const parts = [two(Math.floor(seconds / 3600)), two(Math.floor((seconds % 3600) / 60)), two(seconds % 60)];
  const colon = token.includes(':') ? ':' : '';
  const count = Math.ceil((token.replaceAll(':', '').length - 1) / 2);
  return `${offsetSeconds < 0 ? '-' : '+'}${parts.slice(0, count).join(colon)}`;
}

function yearDay({ year, month, day }: TimeFields): number {
  return (
    Math.round((Date.UTC(2000 + (year % 400), month - 1, day) - Date.UTC(2000 + (year % 400), 0, 1)) / 86_400_000) + 1
  );
}

/** What a text says under a layout; fields that the layout lacks keep Go's defaults. */
export interface ParsedTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  offsetSeconds?: number;
  abbreviation?: string;
  afternoon?: boolean;
  yearDay?: number;
}

const patterns: [RegExp, string, (parsed: ParsedTime, text: string) => void][] = [
  [/^(January)$/, months.join('|'), (parsed, text) => (parsed.month = indexOf(months, text) + 1)],
  [
    /^Jan$/,
    months.map((name) => name.slice(0, 3)).join('|'),
    (parsed, text) => (parsed.month = indexOf(months, text) + 1),
  ],
  [/^Monday$/, days.join('|'), () => {}],
  [/^Mon$/, days.map((name) => name.slice(0, 3)).join('|'), () => {}],
  [/^_?2006$/, '_?\\d{4}', (parsed, text) => (parsed.year = Number(text.replace('_', '')))],
  [/^06$/, '\\d{2}', (parsed, text) => (parsed.year = Number(text) + (Number(text) >= 69 ? 1900 : 2000))],
  [/^01$/, '\\d{2}', (parsed, text) => (parsed.month = Number(text))],
  [/^1$/, '\\d{1,2}', (parsed, text) => (parsed.month = Number(text))],
  [/^02$/, '\\d{2}', (parsed, text) => (parsed.day = Number(text))],
  [/^_?2$/, ' ?\\d{1,2}', (parsed, text) => (parsed.day = Number(text))],
  [/^(002|__2)$/, '[ \\d]{3}', (parsed, text) => (parsed.yearDay = Number(text))],
  [/^15$/, '\\d{1,2}', (parsed, text) => (parsed.hour = Number(text))],
  [/^03$/, '\\d{2}', (parsed, text) => (parsed.hour = Number(text))],
  [/^3$/, '\\d{1,2}', (parsed, text) => (parsed.hour = Number(text))],
  [/^04$/, '\\d{2}', (parsed, text) => (parsed.minute = Number(text))],
  [/^4$/, '\\d{1,2}', (parsed, text) => (parsed.minute = Number(text))],
  [/^05$/, '\\d{2}(?:[.,]\\d+)?', (parsed, text) => seconds(parsed, text)],
  [/^5$/, '\\d{1,2}(?:[.,]\\d+)?', (parsed, text) => seconds(parsed, text)],
  [/^PM$/i, '[AaPp][Mm]', (parsed, text) => (parsed.afternoon = text.toLowerCase() === 'pm')],
  [/^MST$/, 'UTC|[A-Z]{3,5}|[+-]\\d{2}(?:\\d{2})?', (parsed, text) => zoneName(parsed, text)],
  [/^Z/, 'Z|[+-]\\d{2}(?::?\\d{2}){0,2}', (parsed, text) => offset(parsed, text)],
  [/^-07/, '[+-]\\d{2}(?::?\\d{2}){0,2}', (parsed, text) => offset(parsed, text)],
  [/^[.,]9/, '(?:[.,]\\d+)?', (parsed, text) => fraction(parsed, text)],
  [/^[.,]0/, '[.,]\\d+', (parsed, text) => fraction(parsed, text)],
];

function indexOf(names: string[], text: string): number {
  return names.findIndex((name) => name.slice(0, 3) === text.slice(0, 3));
}

function seconds(parsed: ParsedTime, text: string): void {
  parsed.second = Number(text.slice(0, text.search(/[.,]|$/)));
  fraction(parsed, text.slice(text.search(/[.,]|$/)));
}

function fraction(parsed: ParsedTime, text: string): void {
  if (text.length > 1) parsed.nanosecond = Number(text.slice(1, 10).padEnd(9, '0'));
}

function offset(parsed: ParsedTime, text: string): void {
  const digits = text.replaceAll(/[:Z+-]/g, '').padEnd(6, '0');
  const total = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4)) * 60 + Number(digits.slice(4, 6));
  parsed.offsetSeconds = text.startsWith('-') ? -total : total;
}

function zoneName(parsed: ParsedTime, text: string): void {
  if (/^[+-]/.test(text)) offset(parsed, text);
  else parsed.abbreviation = text;
}

/** Go: `time.Parse`; undefined when the text does not fit the layout or names no real date. Never tries twice. */
export function parseLayout(layout: string, text: string): ParsedTime | undefined {
  const parsed: ParsedTime = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanosecond: 0 };
  let rest = text;
  let at = 0;
  for (const match of layout.matchAll(element)) {
    const literal = layout.slice(at, match.index);
    const pattern = patterns.find(([token]) => token.test(match[0]));
    if (pattern === undefined || !rest.startsWith(literal)) return undefined;
    const value = new RegExp(`^(?:${pattern[1]})`).exec(rest.slice(literal.length))?.[0];
    if (value === undefined) return undefined;
    pattern[2](parsed, value);
    rest = rest.slice(literal.length + value.length);
    at = match.index + match[0].length;
  }
  return rest === layout.slice(at) ? complete(parsed) : undefined;
}

function complete(parsed: ParsedTime): ParsedTime | undefined {
  if (parsed.afternoon !== undefined) parsed.hour = (parsed.hour % 12) + (parsed.afternoon ? 12 : 0);
  if (parsed.yearDay !== undefined) setYearDay(parsed, parsed.yearDay);
  const lastDay = new Date(Date.UTC(2000 + (parsed.year % 400), parsed.month, 0)).getUTCDate();
  const fits = isWithin(parsed.month, 1, 12) && isWithin(parsed.day, 1, lastDay) && parsed.hour < 24;
  return fits && parsed.minute < 60 && parsed.second < 60 ? parsed : undefined;
}

function setYearDay(parsed: ParsedTime, yearDay: number): void {
  const date = new Date(Date.UTC(2000 + (parsed.year % 400), 0, yearDay));
  parsed.month = date.getUTCMonth() + 1;
  parsed.day = date.getUTCDate();
}

function isWithin(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}
