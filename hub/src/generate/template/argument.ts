import { goTypeNames, type ParameterType } from './go-function.ts';
import { formatNode, type Operand } from './node.ts';
import { TemplateError } from './template-error.ts';
import { GoTime } from './time/go-time.ts';
import { type Complex, Int, isMap, isSlice, isStringMap, typeName, type Value } from './value.ts';

type Constant = Extract<Operand, { type: 'number' | 'string' | 'bool' }>;

export function isNilable(type: ParameterType): boolean {
  return type === 'any' || type === 'value' || type === 'map' || type === 'slice';
}

/** Go: a constant takes the type of its parameter, or its natural type where any value fits. */
export function convertConstant(node: Constant, type: ParameterType): Value | number {
  switch (type) {
    case 'any':
    case 'value':
      return node.type === 'number' ? naturalNumber(node) : node.value;
    case 'bool':
      if (node.type === 'bool') return node.value;
      throw new TemplateError(`expected bool; found ${formatNode(node)}`);
    case 'string':
      if (node.type === 'string') return node.value;
      throw new TemplateError(`expected string; found ${formatNode(node)}`);
    case 'float64':
      if (node.type === 'number' && node.float !== undefined) return node.float;
      throw new TemplateError(`expected float; found ${formatNode(node)}`);
    case 'int':
      if (node.type === 'number' && node.int !== undefined) return Number(node.int);
      throw new TemplateError(`expected integer; found ${formatNode(node)}`);
    case 'uint32':
      if (node.type === 'number' && node.uint !== undefined) return Number(node.uint);
      throw new TemplateError(`expected unsigned integer; found ${formatNode(node)}`);
    default:
      throw new TemplateError(`can't handle ${formatNode(node)} for arg of type ${goTypeNames[type]}`);
  }
}

function naturalNumber(node: Extract<Constant, { type: 'number' }>): Value {
  if (node.complex !== undefined) return node.complex satisfies Complex;
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
