import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Generator } from '@wheelhouse/shared/resources/generator';
import { type ApplicationTemplate, compileApplicationTemplate } from './application-template.ts';
import type { CheckedApplication } from './check-application.ts';
import type { GeneratorContext } from './generators/context.ts';
import { type GeneratorKind, transform } from './generators/transform.ts';
import type { GoMap } from './template/value.ts';

export interface Outcome {
  /** In the order of the generators, duplicates included. */
  applications: Application[];
  /** Elements of which no Application could be made. */
  errors: ItemError[];
  /** Generators, or templates, that failed as a whole. */
  failures: FleetError[];
}

/** `application` is absent where not even the name could be rendered. */
export interface ItemError {
  application?: string;
  code: string;
  message: string;
}

/** Evaluates every generator of a set on its own: one that fails does not keep the others from being looked at. */
export async function evaluate(applicationSet: ApplicationSet, context: GeneratorContext): Promise<Outcome> {
  const outcome: Outcome = { applications: [], errors: [], failures: [] };
  for (const [index, generator] of applicationSet.spec.generators.entries()) {
    try {
      await evaluateGenerator({ applicationSet, generator, context, outcome });
    } catch (error) {
      context.signal.throwIfAborted();
      outcome.failures.push(nameFailure(error, index));
    }
  }
  return outcome;
}

interface Evaluating {
  applicationSet: ApplicationSet;
  generator: Generator;
  context: GeneratorContext;
  outcome: Outcome;
}

async function evaluateGenerator({ applicationSet, generator, context, outcome }: Evaluating): Promise<void> {
  for (const { kind, params } of await transform(generator, context)) {
    const own = templateOf(generator, kind);
    const compile = () => compileApplicationTemplate(applicationSet, own, context.compiler);
    const template = context.memo.made(compileApplicationTemplate, own ?? applicationSet, compile);
    const owner = generator[kind] ?? generator;
    for (const made of context.memo.list(owner, params, (one) => makeOne(template, one))) {
      if ('message' in made) outcome.errors.push(made);
      else outcome.applications.push(made.application);
      if ('warnings' in made && made.warnings.length > 0) context.warnings.push(...made.warnings);
    }
  }
}

function templateOf(generator: Generator, kind: GeneratorKind): Parameters<typeof compileApplicationTemplate>[1] {
  return generator[kind]?.template;
}

function makeOne(template: ApplicationTemplate, params: GoMap): CheckedApplication | ItemError {
  try {
    const { application, warnings } = template.make(params);
    const { name } = application.metadata;
    return { application, warnings: warnings.map((warning) => `application ${name}: ${warning}`) };
  } catch (error) {
    const { code, message } = toFleetError(error, 'TemplateFailed');
    const application = nameOf(template, params);
    return {
      ...(application === undefined ? {} : { application }),
      code,
      message: `application ${application ?? 'of unknown name'}: ${message}`,
    };
  }
}

function nameOf(template: ApplicationTemplate, params: GoMap): string | undefined {
  try {
    return template.name(params);
  } catch {
    // The error that is reported is the one of the whole Application.
    return undefined;
  }
}

function nameFailure(error: unknown, index: number): FleetError {
  const { code, message, retryable, details } = toFleetError(error, 'GeneratorFailed');
  return new FleetError(code, `spec.generators[${index}]: ${message}`, { cause: error, retryable, details });
}
