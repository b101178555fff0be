import { goTypeNames, type ParameterType } from './go-function.ts';
import { formatNode, type NumberNode, type Operand } from './node.ts';
import { TemplateError } from './template-error.ts';
import { GoTime } from './time/go-time.ts';
import { Int, isMap, isSlice, isStringMap, typeName, type Value } from './value.ts';

type Constant = Extract<Operand, { type: 'number' | 'string' | 'bool' }>;

export function isNilable(type: ParameterType): boolean {
  return type === 'any' || type === 'value' || type === 'map' || type === 'slice';
}

/** Go: a constant takes the type of its parameter, or its natural type where any value fits. */
export function convertConstant(node: Constant, type: ParameterType): Value | number {
  if (type === 'any' || type === 'value') return node.type === 'number' ? naturalNumber(node) : node.value;
  const constant = node.type === 'number' ? numberAs(node, type) : node.type === type ? node.value : undefined;
  if (constant === undefined) throw new TemplateError(`expected ${goTypeNames[type]}; found ${formatNode(node)}`);
  return constant;
}

function numberAs(node: NumberNode, type: ParameterType): number | undefined {
  if (type === 'float64') return node.float;
  const whole = type === 'int' ? node.int : type === 'uint32' ? node.uint : undefined;
  return whole === undefined ? undefined : Number(whole);
}

function naturalNumber(node: NumberNode): Value {
  if (node.complex !== undefined) return node.complex;
  const isFloat = /[.eEpP]/.test(node.text) && !/^[+-]?0[xX][^.pP]*$/.test(node.text) && !node.text.startsWith("'");
  if (isFloat || node.int === undefined) {
    if (node.float !== undefined && isFloat) return node.float;
    throw new TemplateError(`${node.text} overflows int`);
  }
  return new Int(node.int);
}

/** Go: assigns a value to a parameter without conversion; an absent value becomes the nil of a type that has one. */
export function convertArgument(value: Value, type: ParameterType): Value {
  if (type === 'any') return value ?? null;
  if (value === undefined) return nilOf(type);
  const fits = acceptors[type](value);
  if (fits === undefined)
    throw new TemplateError(
      `wrong type for value; expected ${goTypeNames[type]}; got ${value === null ? 'interface {}' : typeName(value)}`,
    );
  return fits;
}

function nilOf(type: ParameterType): Value {
  if (type === 'slice') return [];
  if (type === 'map') return null;
  throw new TemplateError(`invalid value; expected ${goTypeNames[type]}`);
}

const acceptors: Record<Exclude<ParameterType, 'any'>, (value: Value) => Value> = {
  value: (value) => value,
  string: (value) => (typeof value === 'string' ? value : undefined),
  int: (value) => (value instanceof Int && value.kind === 'int' ? Number(value.value) : undefined),
  uint32: (value) => (value instanceof Int && value.kind === 'uint32' ? Number(value.value) : undefined),
  float64: (value) => (typeof value === 'number' ? value : undefined),
  bool: (value) => (typeof value === 'boolean' ? value : undefined),
  map: (value) => (isMap(value) && !isStringMap(value) ? value : undefined),
  slice: (value) => (isSlice(value) && typeName(value) === '[]interface {}' ? value : undefined),
  time: (value) => (value instanceof GoTime ? value : undefined),
};
