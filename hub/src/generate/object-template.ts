import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Render, TemplateCompiler } from './template/template.ts';
import { TemplateError } from './template/template-error.ts';
import type { GoMap } from './template/value.ts';

/** Makes one object from parameters. Parts that no parameter reaches are the template's own, shared and frozen. */
export type Instantiate = (params: GoMap) => unknown;

/**
 * Compiles every text of an object once: values, and the keys of maps. Throws a FleetError TemplateFailed that names the
 * field, here when the text is no template, from the result when it cannot be rendered.
 */
export function compileObject(value: unknown, compiler: TemplateCompiler, field = ''): Instantiate {
  return compileNode(value, compiler, field) ?? constant(value);
}

function constant(value: unknown): Instantiate {
  const own = typeof value === 'object' ? freeze(structuredClone(value)) : value;
  return () => own;
}

function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}

/** Undefined when there is nothing to render. */
function compileNode(value: unknown, compiler: TemplateCompiler, field: string): Instantiate | undefined {
  if (typeof value === 'string') return value.includes('{{') ? compileText(value, compiler, field) : undefined;
  if (Array.isArray(value)) return compileList(value, compiler, field);
  return typeof value === 'object' && value !== null ? compileMap(value, compiler, field) : undefined;
}

export function compileText(text: string, compiler: TemplateCompiler, field: string): Render {
  const render = named(field, () => compiler.compile(text));
  return (params) => named(field, () => render(params));
}

function named<T>(field: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new FleetError('TemplateFailed', `${field}: ${error.message}`, { cause: error, details: { field } });
  }
}

function compileList(list: unknown[], compiler: TemplateCompiler, field: string): Instantiate | undefined {
  const parts = list.map((item, index) => compileNode(item, compiler, `${field}[${index}]`));
  if (parts.every((part) => part === undefined)) return undefined;
  const items = parts.map((part, index) => part ?? constant(list[index]));
  return (params) => items.map((item) => item(params));
}

interface Field {
  key: string;
  renderKey: Render | undefined;
  make: Instantiate;
}

function compileMap(map: object, compiler: TemplateCompiler, field: string): Instantiate | undefined {
  let dynamic = false;
  const fields: Field[] = Object.entries(map).map(([key, value]: [string, unknown]) => {
    const path = field === '' ? key : `${field}.${key}`;
    const renderKey = key.includes('{{') ? compileText(key, compiler, path) : undefined;
    const part = compileNode(value, compiler, path);
    dynamic ||= renderKey !== undefined || part !== undefined;
    return { key, renderKey, make: part ?? constant(value) };
  });
  if (!dynamic) return undefined;
  return (params) => {
    const made: Record<string, unknown> = {};
    for (const { key, renderKey, make } of fields)
      made[renderKey === undefined ? key : renderKey(params)] = make(params);
    return made;
  };
}
