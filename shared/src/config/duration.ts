const unitMs: Record<string, number> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  μs: 0.001,
  ns: 0.000_001,
};

/** A duration as Go writes it (`1m30s`, `1.5h`) or a bare number of seconds, in milliseconds; undefined when it is neither. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|μs|ns)/g)];
  if (text === '' || parts.map((part) => part[0]).join('') !== text) return undefined;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0);
}

/** What Go's `time.ParseDuration` reads: as `parseDuration`, but it may be negative, and only 0 may lack its unit. */
export function parseGoDuration(text: string): number | undefined {
  const amount = text.replace(/^[+-]/, '');
  if (/^\d*$/.test(amount)) return amount === '0' ? 0 : undefined;
  const parsed = parseDuration(amount);
  return parsed === undefined || !text.startsWith('-') ? parsed : -parsed;
}
