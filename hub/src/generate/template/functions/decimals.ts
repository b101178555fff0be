import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { toFloat } from '../number.ts';
import type { Value } from '../value.ts';

/** An exact decimal: digits × 10^-scale. sprig adds in decimals, so that 0.1 + 0.2 is 0.3. */
interface Decimal {
  digits: bigint;
  scale: number;
}

/** shopspring/decimal: places kept by a division. */
const divisionPlaces = 16;

function fromFloat(value: number): Decimal {
  if (!Number.isFinite(value)) throw new Error(`Cannot create a Decimal from ${value}`);
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function toNumber({ digits, scale }: Decimal): number {
  return Number(`${digits}e-${scale}`);
}

function aligned(left: Decimal, right: Decimal): [bigint, bigint, number] {
  const scale = Math.max(left.scale, right.scale);
  return [left.digits * 10n ** BigInt(scale - left.scale), right.digits * 10n ** BigInt(scale - right.scale), scale];
}

type Operation = (left: Decimal, right: Decimal) => Decimal;

const add: Operation = (left, right) => {
  const [a, b, scale] = aligned(left, right);
  return { digits: a + b, scale };
};

const subtract: Operation = (left, right) => add(left, { digits: -right.digits, scale: right.scale });

const multiply: Operation = (left, right) => ({
  digits: left.digits * right.digits,
  scale: left.scale + right.scale,
});

const divide: Operation = (left, right) => {
  const [a, b] = aligned(left, right);
  if (b === 0n) throw new Error('decimal division by 0');
  const scaled = a * 10n ** BigInt(divisionPlaces);
  const quotient = scaled / b;
  const remainder = scaled % b;
  const twice = (remainder < 0n ? -remainder : remainder) * 2n;
  const away = twice >= (b < 0n ? -b : b) ? (a < 0n === b < 0n ? 1n : -1n) : 0n;
  return { digits: quotient + away, scale: divisionPlaces };
};

function fold(first: Value | number, rest: Value[], operation: Operation): number {
  return toNumber(
    rest.reduce<Decimal>((total, value) => operation(total, fromFloat(toFloat(value))), fromFloat(toFloat(first))),
  );
}

/** sprig: arithmetic on floats. */
export const decimalFunctions: FunctionMap = {
  add1f: fn(['any'], (value) => fold(value, [1], add)),
  addf: variadic([], 'any', (...values) => fold(0, values, add)),
  subf: variadic(['any'], 'any', (first, ...rest) => fold(first, rest, subtract)),
  mulf: variadic(['any'], 'any', (first, ...rest) => fold(first, rest, multiply)),
  divf: variadic(['any'], 'any', (first, ...rest) => fold(first, rest, divide)),
};
