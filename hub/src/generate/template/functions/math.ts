import { formatValue } from '../format/print-value.ts';
import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { toFloat, toInteger } from '../number.ts';
import { Int, intSlice, type Value } from '../value.ts';

/** Elements that one `until` or `seq` may make. */
const maxElements = 1_000_000;

function int64(value: bigint): Int {
  return new Int(value, 'int64');
}

function reduce(initial: bigint, values: Value[], operation: (left: bigint, right: bigint) => bigint): Int {
  return int64(values.reduce<bigint>((total, value) => BigInt.asIntN(64, operation(total, toInteger(value))), initial));
}

function nonZero(value: Value): bigint {
  const divisor = toInteger(value);
  if (divisor === 0n) throw new Error('runtime error: integer divide by zero');
  return divisor;
}

function range(start: number, stop: number, step: number): number[] {
  const values: number[] = [];
  const down = stop < start;
  if (down ? step >= 0 : step <= 0) return values;
  if (Math.abs((stop - start) / step) > maxElements) throw new Error(`more than ${maxElements} elements`);
  for (let at = start; down ? at > stop : at < stop; at += step) values.push(at);
  return values;
}

/** sprig: `seq END`, `seq START END` or `seq START STEP END`, the end included. */
function sequence(...parameters: number[]): string {
  const [first = 0, second = 0, third = 0] = parameters;
  if (parameters.length === 1) return inclusive(1, first);
  if (parameters.length === 2) return inclusive(first, second);
  return parameters.length === 3 ? inclusive(first, third, second) : '';
}

function inclusive(start: number, end: number, step?: number): string {
  const direction = end < start ? -1 : 1;
  if (step !== undefined && direction < 0 && step > 0) return '';
  return range(start, end + direction, step ?? direction).join(' ');
}

function round(value: Value, places: number, roundOn = 0.5): number {
  const power = 10 ** places;
  const digit = power * toFloat(value);
  return (digit - Math.trunc(digit) >= roundOn ? Math.ceil(digit) : Math.floor(digit)) / power;
}

function octal(value: Value): Int {
  const text = formatValue(value);
  return int64(/^[+-]?[0-7]+$/.test(text) ? BigInt(Number.parseInt(text, 8)) : 0n);
}

const max = variadic(['any'], 'any', (first, ...rest) =>
  reduce(toInteger(first), rest, (left, right) => (right > left ? right : left)),
);

/** sprig: integers, and the ranges made of them. */
export const mathFunctions: FunctionMap = {
  atoi: fn(['string'], (text) => new Int(/^[+-]?\d+$/.test(text) ? BigInt(text) : 0n)),
  int: fn(['any'], (value) => new Int(toInteger(value))),
  int64: fn(['any'], (value) => int64(toInteger(value))),
  float64: fn(['any'], toFloat),
  toDecimal: fn(['any'], octal),
  add1: fn(['any'], (value) => int64(toInteger(value) + 1n)),
  add: variadic([], 'any', (...values) => reduce(0n, values, (left, right) => left + right)),
  sub: fn(['any', 'any'], (left, right) => int64(toInteger(left) - toInteger(right))),
  mul: variadic(['any'], 'any', (first, ...rest) => reduce(toInteger(first), rest, (left, right) => left * right)),
  div: fn(['any', 'any'], (left, right) => int64(toInteger(left) / nonZero(right))),
  mod: fn(['any', 'any'], (left, right) => int64(toInteger(left) % nonZero(right))),
  max,
  biggest: max,
  min: variadic(['any'], 'any', (first, ...rest) =>
    reduce(toInteger(first), rest, (left, right) => (right < left ? right : left)),
  ),
  maxf: variadic(['any'], 'any', (...values) => Math.max(...values.map(toFloat))),
  minf: variadic(['any'], 'any', (...values) => Math.min(...values.map(toFloat))),
  ceil: fn(['any'], (value) => Math.ceil(toFloat(value))),
  floor: fn(['any'], (value) => Math.floor(toFloat(value))),
  round: variadic(['any', 'int'], 'float64', round),
  until: fn(['int'], (count) => intSlice(range(0, count, count < 0 ? -1 : 1))),
  untilStep: fn(['int', 'int', 'int'], (start, stop, step) => intSlice(range(start, stop, step))),
  seq: variadic([], 'int', sequence),
  randInt: fn(['int', 'int'], (min, limit) => {
    if (limit <= min) throw new Error('invalid argument to Intn');
    return new Int(min + Math.floor(Math.random() * (limit - min)));
  }),
};
