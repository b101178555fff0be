import type { PathStep } from './jq-path.ts';

/** Takes out of an object, in place, what a path leads to. */
export function removeAt(root: unknown, path: readonly PathStep[]): void {
  const last = path.at(-1);
  if (last !== undefined) for (const holder of valuesAt(root, path.slice(0, -1))) removeStep(holder, last);
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
