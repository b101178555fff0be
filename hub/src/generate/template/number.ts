import { parseFloat64, parseInteger } from './literal.ts';
import { Int, type Value } from './value.ts';

/** spf13/cast as sprig uses it: any value as an integer; what cannot be read counts as zero. */
export function toInteger(value: Value): bigint {
  if (value instanceof Int) return value.value;
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'string' ? fromText(value) : 0n;
}

function fromText(text: string): bigint {
  // cast: zeros after the point are dropped; a leading zero means octal.
  const integer = parseInteger(text.replace(/(?<=\d)\.0*$/, ''));
  return integer === undefined || integer !== BigInt.asIntN(64, integer) ? 0n : integer;
}

export function toFloat(value: Value): number {
  if (typeof value === 'number') return value;
  if (value instanceof Int) return Number(value.value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'string' ? (parseFloat64(value) ?? 0) : 0;
}
