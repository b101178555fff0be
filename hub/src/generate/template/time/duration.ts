const units: Record<string, bigint> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Go: `time.ParseDuration`, in nanoseconds. Undefined when the text is not a duration. */
export function parseDuration(text: string): bigint | undefined {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) return undefined;
  let total = 0n;
  for (const part of (match[2] ?? '').matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) total += partOf(part);
  return match[1] === '-' ? -total : total;
}

function partOf([, whole = '', fraction = '', unit = '']: RegExpExecArray): bigint {
  const scale = units[unit] ?? 0n;
  const rest = fraction === '' ? 0n : (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  return BigInt(whole || '0') * scale + rest;
}

/** Go: `time.Duration.String()`: `1h2m3.5s`, `1.5ms`, `0s`. */
export function formatDuration(ns: bigint): string {
  if (ns === 0n) return '0s';
  const sign = ns < 0n ? '-' : '';
  const magnitude = ns < 0n ? -ns : ns;
  if (magnitude < 1_000_000_000n) return sign + subSecond(magnitude);
  const seconds = decimal(magnitude % 60_000_000_000n, 1_000_000_000n);
  const minutes = magnitude / 60_000_000_000n;
  if (minutes === 0n) return `${sign}${seconds}s`;
  const hours = minutes / 60n;
  return `${sign}${hours > 0n ? `${hours}h` : ''}${minutes % 60n}m${seconds}s`;
}

function subSecond(ns: bigint): string {
  if (ns < 1000n) return `${ns}ns`;
  return ns < 1_000_000n ? `${decimal(ns, 1000n)}µs` : `${decimal(ns, 1_000_000n)}ms`;
}

function decimal(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(value % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return `${value / unit}${fraction === '' ? '' : `.${fraction}`}`;
}
