import { formatJson } from '@wheelhouse/shared/kube/json';
import { TemplateError } from '../template/template-error.ts';
import type { GeneratorContext } from './context.ts';
import type { Parameters } from './parameters.ts';

/** Generators with `values`, which may refer to their own parameters and so wait. */
const withValues: ReadonlySet<string> = new Set([
  'clusters',
  'git',
  'oci',
  'scmProvider',
  'pullRequest',
  'clusterDecisionResource',
  'plugin',
]);

/** Whether interpolating the generator could change it. */
export function holdsTemplate(value: unknown): boolean {
  return formatJson(value).includes('{{');
}

/**
 * Argo CD: a generator with another's parameters filled in, keys of maps included. A value of `values` that needs
 * parameters which are not there yet stays a template.
 */
export function interpolate<G extends object>(generator: G, params: Parameters, context: GeneratorContext): G {
  if (Object.keys(params).length === 0) return generator;
  return new Interpolation(params, context).generator(generator) as G;
}

class Interpolation {
  private readonly params: Parameters;
  private readonly context: GeneratorContext;

  constructor(params: Parameters, context: GeneratorContext) {
    this.params = params;
    this.context = context;
  }

  /** A generator, top-level or nested. */
  generator(fields: object): Record<string, unknown> {
    const entries = Object.entries(fields).map(([kind, value]) => [kind, this.kind(kind, value as unknown)]);
    return Object.fromEntries(entries) as Record<string, unknown>;
  }

  private kind(kind: string, value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if ((kind === 'matrix' || kind === 'merge') && 'generators' in value && Array.isArray(value.generators))
      return {
        ...this.fields({ ...value, generators: null }),
        generators: value.generators.map((nested: object) => this.generator(nested)),
      };
    if (!withValues.has(kind) || !('values' in value)) return this.replace(value);
    return { ...this.fields({ ...value, values: null }), values: this.replaceValues(value.values) };
  }

  private replace(value: unknown): unknown {
    if (typeof value === 'string') return this.context.compiler.render(value, this.params);
    if (Array.isArray(value)) return value.map((item) => this.replace(item));
    return typeof value === 'object' && value !== null ? this.fields(value) : value;
  }

  private fields(fields: object): Record<string, unknown> {
    const replaced: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(fields))
      replaced[this.context.compiler.render(key, this.params)] = this.replace(value);
    return replaced;
  }

  private replaceValues(values: unknown): unknown {
    if (typeof values !== 'object' || values === null) return values;
    return Object.fromEntries(Object.entries(values).map(([key, text]) => [key, this.replaceValue(String(text))]));
  }

  private replaceValue(text: string): string {
    try {
      return this.context.strictCompiler.render(text, this.params);
    } catch (error) {
      if (error instanceof TemplateError && error.missingKey) return text;
      throw error;
    }
  }
}
