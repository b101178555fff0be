import type { Parameters } from '@wheelhouse/hub/generate/generators/parameters';
import { transform } from '@wheelhouse/hub/generate/generators/transform';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { Generator } from '@wheelhouse/shared/resources/generator';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';
import { type CaseOptions, contextFor, type World, withoutEmpty } from './argocd-evaluate.ts';

interface GeneratorCase extends Case {
  input: { generator: Generator; fixtures: World };
  options: CaseOptions & Record<string, unknown>;
}

/** The parameters that each generator yields. */
export const argocdGenerators: Suite = {
  name: 'argocd/generators',
  kind: 'file',
  run: (path) => judgeCases<GeneratorCase>(path, judge),
};

async function judge({ input, options, expected }: GeneratorCase): Promise<string | undefined> {
  const { fixtures } = input;
  let params: unknown[];
  try {
    const results = await transform(input.generator, contextFor(options, fixtures));
    params = results.flatMap((result) => result.params).filter((one) => !isUnlisted(one, fixtures.directories));
  } catch (error) {
    return expectsError(expected) ? undefined : `failed: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (expectsError(expected)) return `yields ${JSON.stringify(params)}, expected an error`;
  // Argo CD's test listings of directories are in an order that no tree can have.
  const asSet = options.ordered === false || fixtures.directories !== undefined;
  return whyDifferent(comparable(params, asSet), comparable(expected as unknown[], asSet));
}

/** A listing of Argo CD's tests may lack the parents of its directories; a tree cannot. */
function isUnlisted({ path }: Parameters, directories: string[] | undefined): boolean {
  const directory = typeof path === 'object' && path !== null && 'path' in path ? path.path : path;
  return directories !== undefined && typeof directory === 'string' && !directories.includes(directory);
}

function comparable(params: unknown[], asSet: boolean): string[] {
  const plain = JSON.parse(JSON.stringify(params)) as unknown[];
  const texts = plain.map((one) => canonicalJson(sortInner(withoutEmpty(one) ?? {}, asSet)));
  return asSet ? texts.sort() : texts;
}

/** The inner `clusters` list of a flat list is a set too. */
function sortInner(params: unknown, asSet: boolean): unknown {
  const { clusters } = params as { clusters?: unknown };
  if (!asSet || !Array.isArray(clusters)) return params;
  return { ...(params as object), clusters: clusters.map((one) => canonicalJson(one)).sort() };
}
