import { type PathStep, parseJqPath, parseJsonPointer } from '@wheelhouse/shared/kube/jq-path';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import { removeAt } from '@wheelhouse/shared/kube/path-steps';
import type { IgnoreDifference } from '@wheelhouse/shared/protocol/document';

/** What of one object is not compared. */
export interface IgnoreRule {
  paths: PathStep[][];
  /** Fields that these field managers own. */
  managers: string[];
}

export interface IgnoreRules {
  /** undefined: everything is compared. */
  find(ref: Omit<ObjectRef, 'version'>): IgnoreRule | undefined;
  /** Expressions that this version does not understand, each with the reason. */
  unsupported: string[];
}

/** Argo CD: `spec.ignoreDifferences`; group and kind are globs, name and namespace exact. */
export function compileIgnore(differences: readonly IgnoreDifference[] = []): IgnoreRules {
  const compiled = differences.map((difference) => ({ difference, ...compile(difference) }));
  return {
    unsupported: compiled.flatMap(({ unsupported }) => unsupported),
    find(ref) {
      const matching = compiled.filter(({ difference }) => matches(difference, ref));
      if (matching.length === 0) return undefined;
      return {
        paths: matching.flatMap(({ paths }) => paths),
        managers: matching.flatMap(({ difference }) => difference.managedFieldsManagers ?? []),
      };
    },
  };
}

function compile({ jsonPointers = [], jqPathExpressions = [] }: IgnoreDifference) {
  const unsupported: string[] = [];
  const paths = jsonPointers.filter((pointer) => pointer !== '').map(parseJsonPointer);
  for (const expression of jqPathExpressions) {
    const path = parseJqPath(expression);
    if (path) paths.push(path);
    else unsupported.push(`ignoreDifferences: jqPathExpression ${expression} is not a simple path and has no effect`);
  }
  return { paths, unsupported };
}

function matches(rule: IgnoreDifference, ref: Omit<ObjectRef, 'version'>): boolean {
  return (
    globMatches(rule.group ?? '', ref.group) &&
    globMatches(rule.kind, ref.kind) &&
    (!rule.name || rule.name === ref.name) &&
    (!rule.namespace || rule.namespace === ref.namespace)
  );
}

function globMatches(glob: string, text: string): boolean {
  if (!/[*?]/.test(glob)) return glob === text;
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`).test(text);
}

/** A copy of the object without what the rule ignores by path; the object itself when that is nothing. */
export function withoutIgnored(object: KubeObject, rule: IgnoreRule | undefined): KubeObject {
  if (!rule || rule.paths.length === 0) return object;
  const copy = structuredClone(object);
  for (const path of rule.paths) removeAt(copy, path);
  return copy;
}
