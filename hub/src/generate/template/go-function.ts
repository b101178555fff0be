import type { GoTime } from './time/go-time.ts';
import type { GoMap, Value } from './value.ts';

/** The Go type of a parameter. Arguments are checked, never converted, exactly as `text/template` does. */
export type ParameterType =
  | 'any'
  | 'value'
  | 'string'
  | 'int'
  | 'uint32'
  | 'float64'
  | 'bool'
  | 'map'
  | 'slice'
  | 'time';

/** What the implementation receives for each parameter type. `value` is Go's reflect.Value: it may be absent. */
interface Argument {
  any: Value;
  value: Value;
  string: string;
  int: number;
  uint32: number;
  float64: number;
  bool: boolean;
  map: GoMap;
  slice: Value[];
  time: GoTime;
}

type Arguments<P extends readonly ParameterType[]> = { -readonly [K in keyof P]: Argument[P[K]] };

export interface GoFunction {
  readonly parameters: readonly ParameterType[];
  readonly variadic?: ParameterType;
  /** Arguments already checked against the parameters. */
  readonly call: (args: readonly unknown[]) => Value;
}

export type FunctionMap = Readonly<Record<string, GoFunction>>;

/** A function with a fixed number of parameters. A thrown Error becomes Go's `error calling NAME: …`. */
export function fn<const P extends readonly ParameterType[]>(
  parameters: P,
  call: (...args: Arguments<P>) => Value,
): GoFunction {
  return { parameters, call: (args) => call(...(args as Arguments<P>)) };
}

/** A function whose last parameter takes any number of arguments. */
export function variadic<const P extends readonly ParameterType[], V extends ParameterType>(
  parameters: P,
  rest: V,
  call: (...args: [...Arguments<P>, ...Argument[V][]]) => Value,
): GoFunction {
  return { parameters, variadic: rest, call: (args) => call(...(args as [...Arguments<P>, ...Argument[V][]])) };
}

/** How Go writes the type in an error message. */
export const goTypeNames: Record<ParameterType, string> = {
  any: 'interface {}',
  value: 'reflect.Value',
  string: 'string',
  int: 'int',
  uint32: 'uint32',
  float64: 'float64',
  bool: 'bool',
  map: 'map[string]interface {}',
  slice: '[]interface {}',
  time: 'time.Time',
};
