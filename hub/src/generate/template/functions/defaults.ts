import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { isZero } from '../value.ts';

/** sprig: defaults and choices. */
export const defaultFunctions: FunctionMap = {
  default: variadic(['any'], 'any', (fallback, ...given) => (isZero(given[0]) ? fallback : given[0])),
  empty: fn(['any'], isZero),
  coalesce: variadic([], 'any', (...values) => values.find((value) => !isZero(value)) ?? null),
  all: variadic([], 'any', (...values) => !values.some(isZero)),
  any: variadic([], 'any', (...values) => values.some((value) => !isZero(value))),
  ternary: fn(['any', 'any', 'bool'], (yes, no, condition) => (condition ? yes : no)),
};
