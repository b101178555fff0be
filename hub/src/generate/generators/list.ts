import type { ListGenerator } from '@wheelhouse/shared/resources/generator';
import { decodeYamlList, describe, toValue } from '../template/decode.ts';
import { type GoMap, isMap, type Value } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import type { Parameters } from './parameters.ts';

/** Argo CD: list. Without goTemplate an element holds text only, and `values` one map of text. */
export function listParameters(list: ListGenerator, { compiler }: GeneratorContext): Parameters[] {
  const elements = (list.elements ?? []).map((element) => asMap(toValue(structuredClone(element)), 'elements'));
  const own = compiler.goTemplate ? elements : elements.map(flatElement);
  if (list.elementsYaml === undefined || list.elementsYaml === '') return own;
  const more = decodeYamlList(list.elementsYaml).map((element) => asMap(element, 'elementsYaml'));
  return [...own, ...more];
}

function asMap(value: Value, field: string): GoMap {
  if (value === null || value === undefined) return {};
  if (!isMap(value)) throw new Error(`${field}: an element must be an object, is ${describe(value)}`);
  return value;
}

function flatElement(element: GoMap): Parameters {
  const params: Parameters = {};
  for (const [key, value] of Object.entries(element)) {
    if (key !== 'values') params[key] = text(key, value);
    else if (!isMap(value)) throw new Error('elements: values must be an object of text');
    else for (const [name, item] of Object.entries(value)) params[`values.${name}`] = text(`values.${name}`, item);
  }
  return params;
}

function text(key: string, value: Value): string {
  if (typeof value === 'string') return value;
  throw new Error(`elements: ${key} must be text unless goTemplate is true, is ${describe(value)}`);
}
