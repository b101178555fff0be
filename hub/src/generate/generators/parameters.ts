import { formatValue } from '../template/format/print-value.ts';
import type { Render, TemplateCompiler } from '../template/template.ts';
import { type GoMap, isMap, stringMap, type Value } from '../template/value.ts';

/** What one element of a generator gives to a template. Several results may share parts, so nobody changes them in place. */
export type Parameters = GoMap;

/** flatten, DotStyle: nested maps and lists become `a.b.0`. Typed slices of Go are leaves, printed whole. */
export function flatten(params: Parameters): Record<string, string> {
  const flat = Object.create(null) as Record<string, string>;
  flattenInto(flat, '', params);
  return flat;
}

function flattenInto(flat: Record<string, string>, prefix: string, value: Value): void {
  if (isMap(value)) {
    for (const key of Object.keys(value)) flattenInto(flat, prefix === '' ? key : `${prefix}.${key}`, value[key]);
  } else if (Array.isArray(value) && value.constructor === Array) {
    for (const [index, item] of value.entries()) flattenInto(flat, `${prefix}.${index}`, item);
  } else flat[prefix] = formatValue(value);
}

export type AddValues = (params: Parameters) => Parameters;

/**
 * Argo CD: a generator's `values`, each rendered once with the parameters, never with each other. Under `values` as a
 * string map with goTemplate, as `values.NAME` without.
 */
export function compileValues(values: Record<string, string> | undefined, compiler: TemplateCompiler): AddValues {
  const entries = Object.entries(values ?? {}).map(([key, text]): [string, Render] => [key, compiler.compile(text)]);
  if (entries.length === 0) return (params) => params;
  if (!compiler.goTemplate)
    return (params) => {
      const rendered = entries.map(([key, render]) => [`values.${key}`, render(params)] as const);
      return { ...params, ...Object.fromEntries(rendered) };
    };
  return (params) => {
    const rendered = stringMap();
    for (const [key, render] of entries) rendered[key] = render(params);
    return { ...params, values: rendered };
  };
}
