import { type FunctionMap, fn, variadic } from '../go-function.ts';
import {
  Complex,
  compareStrings,
  GoStruct,
  Int,
  isMap,
  isNil,
  isSlice,
  sameStruct,
  typeName,
  type Value,
} from '../value.ts';

type BasicKind = 'bool' | 'complex' | 'int' | 'float' | 'string' | 'uint' | undefined;

function basicKind(value: Value): BasicKind {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'string';
  if (value instanceof Int) return value.kind.startsWith('u') ? 'uint' : 'int';
  return value instanceof Complex ? 'complex' : undefined;
}

function incompatible(left: Value, right: Value): Error {
  return new Error(`incompatible types for comparison: ${typeName(left)} and ${typeName(right)}`);
}

/** Go: integers compare whatever their sign and size; other kinds only with their own; maps and slices only with nil. */
function equal(left: Value, right: Value): boolean {
  if (left instanceof Int && right instanceof Int) return left.value === right.value;
  const kind = basicKind(left);
  if (kind !== basicKind(right)) {
    if (isNil(left) || isNil(right)) return false;
    throw incompatible(left, right);
  }
  if (kind === undefined) return equalOther(left, right);
  return kind === 'complex' ? sameStruct(left, right) : left === right;
}

function equalOther(left: Value, right: Value): boolean {
  if (isNil(left) || isNil(right)) return isNil(left) && isNil(right);
  if (isSlice(left) !== isSlice(right) || isMap(left) !== isMap(right))
    throw new Error(`non-comparable types: ${typeName(left)}, ${typeName(right)}`);
  if (!(right instanceof GoStruct)) throw new Error(`non-comparable type ${typeName(right)}`);
  return left === right || (typeName(left) === typeName(right) && sameStruct(left, right));
}

function eq(first: Value, ...rest: Value[]): boolean {
  if (rest.length === 0) throw new Error('missing argument for comparison');
  return rest.some((other) => equal(first, other));
}

function less(left: Value, right: Value): boolean {
  const kind = basicKind(left);
  const other = basicKind(right);
  if (kind === undefined || other === undefined) throw new Error('invalid type for comparison');
  if (left instanceof Int && right instanceof Int) return left.value < right.value;
  if (kind !== other) throw incompatible(left, right);
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right) < 0;
  throw new Error('invalid type for comparison');
}

function lessOrEqual(left: Value, right: Value): boolean {
  return less(left, right) || equal(left, right);
}

export const comparisonFunctions: FunctionMap = {
  eq: variadic(['value'], 'value', eq),
  ne: fn(['value', 'value'], (left, right) => !equal(left, right)),
  lt: fn(['value', 'value'], less),
  le: fn(['value', 'value'], lessOrEqual),
  gt: fn(['value', 'value'], (left, right) => !lessOrEqual(left, right)),
  ge: fn(['value', 'value'], (left, right) => !less(left, right)),
};
