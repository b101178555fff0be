import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { isEmpty } from '../merge.ts';

/** sprig: defaults and choices. */
export const defaultFunctions: FunctionMap = {
  default: variadic(['any'], 'any', (fallback, ...given) => (isEmpty(given[0]) ? fallback : given[0])),
  empty: fn(['any'], isEmpty),
  coalesce: variadic([], 'any', (...values) => values.find((value) => !isEmpty(value)) ?? null),
  all: variadic([], 'any', (...values) => !values.some(isEmpty)),
  any: variadic([], 'any', (...values) => values.some((value) => !isEmpty(value))),
  ternary: fn(['any', 'any', 'bool'], (yes, no, condition) => (condition ? yes : no)),
};
