import { parseJqPaths, parseJsonPointer } from '@wheelhouse/shared/kube/jq-path';
import type { PathStep } from '@wheelhouse/shared/kube/jq-steps';
import { withoutPaths } from '@wheelhouse/shared/kube/path-steps';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet, ApplicationSetSpec } from '@wheelhouse/shared/resources/application-set';

/** What an Application that exists keeps although its set says otherwise now. */
export interface KeepExisting {
  /** The generated Application with what the one that exists keeps. */
  keep(fresh: Application, existing: Application): Application;
  /** Expressions that are not understood, each with the reason. */
  warnings: string[];
}

/** Argo CD: these annotations are never taken away by a set. */
const alwaysPreserved = [
  'notified.notifications.argoproj.io',
  'argocd.argoproj.io/refresh',
  'argocd.argoproj.io/hydrate',
];

/** Argo CD: `preservedFields` and `ignoreApplicationDifferences` of an ApplicationSet. */
export function compileKeepExisting({ spec }: Pick<ApplicationSet, 'spec'>): KeepExisting {
  const annotations = [...alwaysPreserved, ...(spec.preservedFields?.annotations ?? [])];
  const labels = spec.preservedFields?.labels ?? [];
  const { rules, warnings } = compileRules(spec.ignoreApplicationDifferences ?? []);
  return {
    warnings,
    keep: (fresh, existing) => {
      const kept = preserve(fresh, existing, { annotations, labels });
      const { name } = fresh.metadata;
      const paths = rules.filter((rule) => !rule.name || rule.name === name).flatMap((rule) => rule.paths);
      return paths.length === 0 ? kept : ignoring(kept, existing, paths);
    },
  };
}

interface Rule {
  name: string | undefined;
  paths: PathStep[][];
}

function compileRules(differences: NonNullable<ApplicationSetSpec['ignoreApplicationDifferences']>) {
  const warnings: string[] = [];
  const rules = differences.map(({ name, jsonPointers = [], jqPathExpressions = [] }, index): Rule => {
    const paths = jsonPointers.filter((pointer) => pointer !== '').map(parseJsonPointer);
    for (const expression of jqPathExpressions) {
      const found = parseJqPaths(expression);
      if (found) paths.push(...found);
      else
        warnings.push(
          `spec.ignoreApplicationDifferences[${index}]: jqPathExpression ${expression} is not understood and has no effect`,
        );
    }
    return { name, paths };
  });
  return { rules, warnings };
}

function preserve(
  fresh: Application,
  existing: Application,
  keys: { annotations: string[]; labels: string[] },
): Application {
  const annotations = preserved(fresh.metadata.annotations, existing.metadata.annotations, keys.annotations);
  const labels = preserved(fresh.metadata.labels, existing.metadata.labels, keys.labels);
  if (!annotations && !labels) return fresh;
  return {
    ...fresh,
    metadata: { ...fresh.metadata, ...(annotations ? { annotations } : {}), ...(labels ? { labels } : {}) },
  };
}

/** Undefined when there is nothing to preserve. */
function preserved(
  fresh: Record<string, string> | undefined,
  existing: Record<string, string> | undefined,
  keys: readonly string[],
): Record<string, string> | undefined {
  const kept = keys.filter((key) => existing?.[key] !== undefined && existing[key] !== fresh?.[key]);
  if (kept.length === 0) return undefined;
  return { ...fresh, ...Object.fromEntries(kept.map((key) => [key, existing?.[key] ?? ''])) };
}

/**
 * Argo CD: what differs beside the ignored paths becomes a JSON merge patch of the one that exists. So a list that
 * differs anywhere outside the ignored paths is replaced whole, ignored parts included.
 */
function ignoring(fresh: Application, existing: Application, paths: readonly PathStep[][]): Application {
  return mergeChanges(existing, withoutPaths(existing, paths), withoutPaths(fresh, paths)) as Application;
}

type Fields = Readonly<Record<string, unknown>>;

/** `base` with what `after` has otherwise than `before`. */
function mergeChanges(base: unknown, before: unknown, after: unknown): unknown {
  if (!isFields(base) || !isFields(before) || !isFields(after)) return isEqual(before, after) ? base : after;
  const merged: Record<string, unknown> = { ...base };
  for (const key of Object.keys(before)) if (!(key in after)) delete merged[key];
  for (const [key, value] of Object.entries(after))
    merged[key] = key in before ? mergeChanges(base[key], before[key], value) : value;
  return merged;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEqual(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
