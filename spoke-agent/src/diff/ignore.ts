import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import { parseJqPaths, parseJsonPointer } from '@wheelhouse/shared/kube/jq-path';
import type { PathStep } from '@wheelhouse/shared/kube/jq-steps';
import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import { withoutPaths } from '@wheelhouse/shared/kube/path-steps';
import type { IgnoreDifference } from '@wheelhouse/shared/protocol/document';

/** What of one object is not compared. */
export interface IgnoreRule {
  paths: PathStep[][];
  /** Fields that these field managers own. */
  managers: string[];
  /** Of what is written there, to tell one rule from another. */
  digest: string;
}

export interface IgnoreRules {
  /** undefined: everything is compared. */
  find(ref: Omit<ObjectRef, 'version'>): IgnoreRule | undefined;
  /** Expressions that this version does not understand, each with the reason. */
  unsupported: string[];
}

/** Argo CD: `spec.ignoreDifferences`; group and kind are globs, name and namespace exact. */
export function compileIgnore(differences: readonly IgnoreDifference[] = []): IgnoreRules {
  const compiled = differences.map((difference) => ({
    difference,
    matches: compileMatch(difference),
    ...compile(difference),
  }));
  return {
    unsupported: compiled.flatMap(({ unsupported }) => unsupported),
    find(ref) {
      const matching = compiled.filter(({ matches }) => matches(ref));
      if (matching.length === 0) return undefined;
      return {
        paths: matching.flatMap(({ paths }) => paths),
        managers: matching.flatMap(({ difference }) => difference.managedFieldsManagers ?? []),
        digest: matching.map(({ digest }) => digest).join(' '),
      };
    },
  };
}

function compile({ jsonPointers = [], jqPathExpressions = [], managedFieldsManagers = [] }: IgnoreDifference) {
  const unsupported: string[] = [];
  const paths = jsonPointers.filter((pointer) => pointer !== '').map(parseJsonPointer);
  for (const expression of jqPathExpressions) {
    const found = parseJqPaths(expression);
    if (found) paths.push(...found);
    else unsupported.push(`ignoreDifferences: jqPathExpression ${expression} is not understood and has no effect`);
  }
  const digest = digestOf(canonicalJson({ jsonPointers, jqPathExpressions, managedFieldsManagers })).slice(7, 23);
  return { paths, unsupported, digest };
}

type Matches = (ref: Omit<ObjectRef, 'version'>) => boolean;

function compileMatch({ group = '', kind, name, namespace }: IgnoreDifference): Matches {
  const [groupMatches, kindMatches] = [compileGlob(group), compileGlob(kind)];
  return (ref) =>
    kindMatches(ref.kind) &&
    groupMatches(ref.group) &&
    (!name || name === ref.name) &&
    (!namespace || namespace === ref.namespace);
}

function compileGlob(glob: string): (text: string) => boolean {
  if (!/[*?]/.test(glob)) return (text) => glob === text;
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const compiled = new RegExp(`^${pattern}$`);
  return (text) => compiled.test(text);
}

/** The object without what the rule ignores by path, sharing all the rest; the object itself when that is nothing. */
export function withoutIgnored(object: KubeObject, rule: IgnoreRule | undefined): KubeObject {
  return rule ? withoutPaths(object, rule.paths) : object;
}
