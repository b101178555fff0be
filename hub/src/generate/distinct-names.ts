import { compilePathMatch } from '@wheelhouse/shared/glob/path-match';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Memo } from './memo.ts';
import { normalizeName } from './template/functions/names.ts';

interface NestedGenerators {
  generators: readonly Generator[];
}

interface Generator {
  git?: { directories?: readonly { path: string; exclude?: boolean }[] };
  matrix?: NestedGenerators;
  merge?: NestedGenerators;
}

/**
 * Names that would be the same for every directory: with the pattern `services/<any>/overlays/production` a template that
 * knows a directory by `path.basename` alone gives `production` for each of them, and Argo CD refuses all but one.
 * Here such Applications are named after what the wildcard matched as well (`checkout-production-…`), from the first
 * directory on, so that a second one renames nothing. Sets that name anything else of the path are left as they are.
 */
export function distinguish(
  applicationSet: ApplicationSet,
  applications: Application[],
  { warnings, memo }: { warnings: string[]; memo: Memo },
): Application[] {
  const patterns = constantBasenames(applicationSet.spec.generators);
  if (patterns.length === 0 || !namesBasenameOnly(applicationSet.spec.template.metadata?.name ?? ''))
    return applications;
  warnings.push(
    `path.basename is the same for every directory of ${patterns.map((pattern) => pattern.join('/')).join(', ')}: names begin with what the wildcard matched`,
  );
  const rename = (application: Application) => {
    const { source, sourceHydrator } = application.spec;
    const matched = wildcardOf(sourceHydrator?.drySource.path ?? source?.path ?? '', patterns);
    if (matched === undefined) return application;
    const name = normalizeName(`${matched}-${application.metadata.name}`);
    return { ...application, metadata: { ...application.metadata, name } };
  };
  return applications.map((application) => memo.made(distinguish, application, rename));
}

/** Directory patterns, by segment, that have a wildcard, but none in their last segment. */
function constantBasenames(generators: readonly Generator[]): string[][] {
  return generators
    .flatMap(({ git, matrix, merge }) => [
      ...(git?.directories ?? []).filter(({ exclude }) => !exclude).map(({ path }) => path.split('/')),
      ...constantBasenames(matrix?.generators ?? []),
      ...constantBasenames(merge?.generators ?? []),
    ])
    .filter((segments) => segments.some(isWild) && !isWild(segments.at(-1) ?? ''));
}

function isWild(segment: string): boolean {
  return /[*?[]/.test(segment);
}

function namesBasenameOnly(template: string): boolean {
  const rest = template.replaceAll(/\bpath\.basename(Normalized)?\b/g, '');
  return rest !== template && !/\bpath\b/.test(rest);
}

/** The segments of a path that wildcards of the first matching pattern stand for, joined by `-`. */
function wildcardOf(path: string, patterns: readonly string[][]): string | undefined {
  const segments = path.split('/');
  const pattern = patterns.find(
    (globs) =>
      globs.length === segments.length && globs.every((glob, index) => compilePathMatch(glob)?.(segments[index] ?? '')),
  );
  return pattern && segments.filter((_, index) => isWild(pattern[index] ?? '')).join('-');
}
