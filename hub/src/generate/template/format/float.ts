/** Go: `strconv.FormatFloat`. Without a precision, the fewest digits that read back as the same number. */
export function formatFloat(value: number, format: 'e' | 'f' | 'g' | 'b' | 'x', precision?: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + formatMagnitude(Math.abs(value), format, precision);
}

function formatMagnitude(value: number, format: string, precision?: number): string {
  if (format === 'f') return precision === undefined ? plain(shortest(value)) : fixed(value, precision);
  if (format === 'e')
    return exponential(precision === undefined ? shortest(value) : rounded(value, precision + 1), precision);
  if (format === 'b') return binary(value);
  return format === 'x' ? hexadecimal(value, precision) : general(value, precision);
}

function binary(value: number): string {
  const { mantissa, exponent } = decompose(value);
  return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`;
}

/** One digit before the point, as `0x1.8p+00`. */
function hexadecimal(value: number, precision?: number): string {
  const places = precision ?? 13;
  const { mantissa, exponent } = normalized(value, places);
  const fraction = mantissa.toString(16).slice(1).padEnd(places, '0').slice(0, places);
  const digits = precision === undefined ? fraction.replace(/0+$/, '') : fraction;
  const power = String(Math.abs(exponent)).padStart(2, '0');
  return `0x${value === 0 ? 0 : 1}${digits === '' ? '' : `.${digits}`}p${exponent < 0 ? '-' : '+'}${power}`;
}

/** A mantissa of one hexadecimal digit and 13 after the point, rounded to fewer places, and the power of two. */
function normalized(value: number, places: number): { mantissa: bigint; exponent: number } {
  if (value === 0) return { mantissa: 0n, exponent: 0 };
  let { mantissa, exponent } = decompose(value);
  for (; mantissa < 1n << 52n; exponent -= 1) mantissa <<= 1n;
  if (places < 13) mantissa = roundTo(mantissa, BigInt(52 - 4 * places));
  return mantissa >= 1n << 53n
    ? { mantissa: mantissa >> 1n, exponent: exponent + 53 }
    : { mantissa, exponent: exponent + 52 };
}

/** Clears the low bits, ties to even. */
function roundTo(value: bigint, bits: bigint): bigint {
  const unit = 1n << bits;
  const rest = value % unit;
  const up = rest * 2n > unit || (rest * 2n === unit && (value / unit) % 2n === 1n);
  return value - rest + (up ? unit : 0n);
}

/** 0.digits × 10^point; digits without trailing zeros when shortest. */
interface Digits {
  digits: string;
  point: number;
}

function shortest(value: number): Digits {
  if (value === 0) return { digits: '', point: 0 };
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 };
}

/** `count` significant digits, ties to even on the exact binary value as Go does (JavaScript rounds them up). */
function rounded(value: number, count: number): Digits {
  if (value === 0) return { digits: '0'.repeat(count), point: 1 };
  const { point } = shortest(value);
  const digits = scaled(value, count - point).toString();
  if (digits.length > count) return { digits: digits.slice(0, count), point: point + 1 };
  return { digits: digits.padStart(count, '0'), point };
}

/** value × 10^power as an integer, ties to even. */
function scaled(value: number, power: number): bigint {
  const { mantissa, exponent } = decompose(value);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (power >= 0) numerator *= 10n ** BigInt(power);
  else denominator *= 10n ** BigInt(-power);
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

function decompose(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

function fixed(value: number, precision: number): string {
  const digits = scaled(value, precision)
    .toString()
    .padStart(precision + 1, '0');
  return precision === 0 ? digits : `${digits.slice(0, -precision)}.${digits.slice(-precision)}`;
}

function plain({ digits, point }: Digits): string {
  if (point <= 0) return digits === '' ? '0' : `0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return digits.padEnd(point, '0');
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function exponential({ digits, point }: Digits, precision?: number): string {
  const first = digits[0] ?? '0';
  const rest = precision === undefined ? digits.slice(1) : digits.slice(1, precision + 1);
  const exponent = digits === '' ? 0 : point - 1;
  const sign = exponent < 0 ? '-' : '+';
  return `${first}${rest === '' ? '' : `.${rest}`}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** The exponent from which on a number is written as 1e+06: the precision, or the digits when there are fewer. */
function exponentLimit(precision: number, { digits, point }: Digits): number {
  return precision > digits.length && digits.length >= point ? digits.length : precision;
}

function general(value: number, precision?: number): string {
  const wanted = precision === 0 ? 1 : precision;
  const exact = wanted === undefined ? shortest(value) : rounded(value, wanted);
  const digits = { digits: exact.digits.replace(/0+$/, ''), point: value === 0 ? 1 : exact.point };
  const exponent = digits.point - 1;
  const limit = wanted === undefined ? 6 : exponentLimit(wanted, digits);
  if (exponent < -4 || exponent >= limit) return exponential(digits);
  return digits.digits === '' ? '0' : plain(digits);
}
