import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import type { IgnoreDifference } from '@wheelhouse/shared/protocol/document';
import { type PathStep, parseJqPath, parseJsonPointer } from './jq-path.ts';

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
  for (const path of rule.paths) {
    const last = path.at(-1);
    if (last !== undefined) for (const holder of valuesAt(copy, path.slice(0, -1))) removeStep(holder, last);
  }
  return copy;
}

/** All values that a path leads to. */
export function valuesAt(root: unknown, path: readonly PathStep[]): unknown[] {
  return path.reduce<unknown[]>((values, step) => values.flatMap((value) => follow(value, step)), [root]);
}

function follow(value: unknown, step: PathStep): unknown[] {
  if (value === null || typeof value !== 'object') return [];
  if (step === 'each') return Array.isArray(value) ? value : Object.values(value);
  if ('where' in step) return isSelected(value, step) ? [value] : [];
  const key = keyIn(value, step);
  const found = key === undefined ? undefined : (value as Record<string | number, unknown>)[key];
  return found === undefined ? [] : [found];
}

function removeStep(holder: unknown, step: PathStep): void {
  if (holder === null || typeof holder !== 'object') return;
  if (step === 'each') {
    if (Array.isArray(holder)) holder.length = 0;
    else for (const name of Object.keys(holder)) delete (holder as Record<string, unknown>)[name];
    return;
  }
  if ('where' in step) return;
  const key = keyIn(holder, step);
  if (key === undefined) return;
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete (holder as Record<string | number, unknown>)[key];
}

function isSelected(value: unknown, { where, equals }: { where: string[]; equals: unknown }): boolean {
  const found = valuesAt(
    value,
    where.map((field) => ({ field })),
  );
  // jq: a field that is not there is null.
  return found.length === 0 ? equals === null : found[0] === equals;
}

/** The key that a step means in this holder; undefined when it is not there. */
function keyIn(holder: object, step: { field: string } | { index: number }): string | number | undefined {
  if (!Array.isArray(holder)) return 'field' in step && step.field in holder ? step.field : undefined;
  const index = 'index' in step ? step.index : /^\d+$/.test(step.field) ? Number(step.field) : Number.NaN;
  const at = index < 0 ? holder.length + index : index;
  return at in holder ? at : undefined;
}
