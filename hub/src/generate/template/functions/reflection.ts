import { type FunctionMap, fn } from '../go-function.ts';
import { deepEqual, kindOf, typeName, type Value } from '../value.ts';

export function typeOf(value: Value): string {
  return typeName(value);
}

/** sprig: types and kinds. */
export const reflectionFunctions: FunctionMap = {
  typeOf: fn(['any'], typeOf),
  typeIs: fn(['string', 'any'], (name, value) => typeOf(value) === name),
  typeIsLike: fn(['string', 'any'], (name, value) => [name, `*${name}`].includes(typeOf(value))),
  kindOf: fn(['any'], kindOf),
  kindIs: fn(['string', 'any'], (name, value) => kindOf(value) === name),
  deepEqual: fn(['any', 'any'], deepEqual),
};
