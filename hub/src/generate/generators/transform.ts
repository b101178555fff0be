import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Generator, GitGenerator, NestedGenerator } from '@wheelhouse/shared/resources/generator';
import { decisionParameters } from './cluster-decision.ts';
import { clusterParameters } from './clusters.ts';
import type { GeneratorContext } from './context.ts';
import { directoryParameters } from './git-directories.ts';
import { fileParameters } from './git-files.ts';
import { interpolate } from './interpolate.ts';
import { compileSelector } from './label-selector.ts';
import { listParameters } from './list.ts';
import { matrixParameters } from './matrix.ts';
import { mergeParameters } from './merge.ts';
import { flatten, type Parameters } from './parameters.ts';
import { pluginParameters } from './plugin.ts';
import { pullRequestParameters } from './pull-request.ts';
import { repositoryParameters } from './scm-provider.ts';

/** The kinds that one element may name, in the order in which Argo CD looks at them. */
const kinds = [
  'list',
  'clusters',
  'git',
  'scmProvider',
  'clusterDecisionResource',
  'pullRequest',
  'matrix',
  'merge',
  'plugin',
  'oci',
] as const;

/** Kinds whose elements are made of others' elements, which are known already. */
const combining: ReadonlySet<string> = new Set(['matrix', 'merge']);

export type GeneratorKind = (typeof kinds)[number];

export interface Transformed {
  kind: GeneratorKind;
  params: Parameters[];
}

/** Runs a child of a matrix or merge: exactly one generator. */
export type TransformOne = (
  generator: NestedGenerator,
  context: GeneratorContext,
  outer?: Parameters,
) => Promise<Parameters[]>;

/**
 * Runs one element of `spec.generators`, or a nested one with the parameters of the one before it. Throws a FleetError
 * that names the generator; the result is complete or nothing.
 */
export async function transform(
  generator: Generator,
  context: GeneratorContext,
  outer: Parameters = {},
): Promise<Transformed[]> {
  const results: Transformed[] = [];
  for (const kind of kinds) {
    if (generator[kind] === undefined || generator[kind] === null) continue;
    const params = await named(kind, async () => {
      const matches =
        generator.selector === undefined ? undefined : compileSelector(generator.selector, { anyValue: true });
      const given = await run(kind, interpolate(generator, outer, context), context);
      const all = combining.has(kind) ? given : context.memo.intern(kind, given);
      if (matches === undefined) return all;
      return all.filter((one) => context.memo.made(generator, one, () => matches(flatten(one))));
    });
    results.push({ kind, params });
  }
  return results;
}

async function transformOne(
  generator: NestedGenerator,
  context: GeneratorContext,
  outer?: Parameters,
): Promise<Parameters[]> {
  const [result, ...more] = await transform(generator, context, outer);
  if (result === undefined) throw new FleetError('GeneratorFailed', 'a nested generator names no kind');
  if (more.length > 0)
    throw new FleetError('GeneratorFailed', 'a nested generator names more than one kind; list them one by one');
  return result.params;
}

/** Puts the kind in front of what went wrong. */
async function named<T>(kind: GeneratorKind, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    const code = isFleetError(error) ? error.code : 'GeneratorFailed';
    const message = error instanceof Error ? error.message : String(error);
    const text = message.startsWith(`${kind}: `) ? message : `${kind}: ${message}`;
    throw new FleetError(code, text, {
      cause: error,
      ...(isFleetError(error) ? { retryable: error.retryable, details: error.details } : {}),
    });
  }
}

type Run = (generator: Generator, context: GeneratorContext) => Parameters[] | Promise<Parameters[]>;

const runners: Partial<Record<GeneratorKind, Run>> = {
  list: ({ list }, context) => (list ? listParameters(list, context) : []),
  clusters: ({ clusters }, context) => (clusters ? clusterParameters(clusters, context) : []),
  git: ({ git }, context) => (git ? gitParameters(git, context) : []),
  scmProvider: ({ scmProvider }, context) => (scmProvider ? repositoryParameters(scmProvider, context) : []),
  clusterDecisionResource: ({ clusterDecisionResource: decision }, context) =>
    decision ? decisionParameters(decision, context) : [],
  pullRequest: ({ pullRequest }, context) => (pullRequest ? pullRequestParameters(pullRequest, context) : []),
  plugin: ({ plugin }, context) => (plugin ? pluginParameters(plugin, context) : []),
  matrix: ({ matrix }, context) => (matrix ? matrixParameters(matrix, context, transformOne) : []),
  merge: ({ merge }, context) => (merge ? mergeParameters(merge, context, transformOne) : []),
};

async function run(kind: GeneratorKind, generator: Generator, context: GeneratorContext): Promise<Parameters[]> {
  const runner = runners[kind];
  if (runner === undefined)
    throw new FleetError('Unsupported', 'this generator is not built yet, so nothing of the ApplicationSet changes');
  return await runner(generator, context);
}

/** Argo CD: directories win where both are given. */
async function gitParameters(git: GitGenerator, context: GeneratorContext): Promise<Parameters[]> {
  if ((git.directories ?? []).length > 0) return await directoryParameters(git, context);
  if ((git.files ?? []).length > 0) return await fileParameters(git, context);
  throw new FleetError('GeneratorFailed', 'names neither directories nor files');
}
