import type { PathStep } from './jq-steps.ts';

/** The value without what a path leads to; what is not on the way there is shared with the value, which stays as it is. */
export function withoutPath(value: unknown, path: readonly PathStep[]): unknown {
  const [step, ...rest] = path;
  if (step === undefined || !isHolder(value)) return value;
  if (step === 'descend') return withoutBelow(value, rest);
  if (typeof step === 'object' && 'where' in step) return step.where(value) ? withoutPath(value, rest) : value;
  const keys = step === 'each' ? keysOf(value) : keyIn(value, step);
  if (rest.every(isWhere))
    return drop(
      value,
      keys.filter((key) => holds(value[key], rest)),
    );
  return replaceEach(value, keys, (below) => withoutPath(below, rest));
}

/** Argo CD: what a pointer or an expression of `ignoreDifferences` names is compared no more. */
export function withoutPaths<T extends object>(value: T, paths: readonly PathStep[][]): T {
  return paths.reduce<unknown>(withoutPath, value) as T;
}

/** All values that a path leads to. */
export function valuesAt(root: unknown, path: readonly PathStep[]): unknown[] {
  return path.reduce<unknown[]>((values, step) => values.flatMap((value) => follow(value, step)), [root]);
}

type Key = string | number;
type Holder = Record<Key, unknown>;

export function isHolder(value: unknown): value is Holder {
  return value !== null && typeof value === 'object';
}

export function isWhere(step: PathStep): step is Extract<PathStep, { where: unknown }> {
  return typeof step === 'object' && 'where' in step;
}

/** Whether a value is what conditions ask for, all of them. */
export function holds(value: unknown, conditions: readonly PathStep[]): boolean {
  return conditions.every((step) => isWhere(step) && step.where(value));
}

function withoutBelow(value: Holder, rest: readonly PathStep[]): unknown {
  // at the end of a path it names what is below: a value is not taken out of itself
  const own = withoutPath(value, rest.every(isWhere) ? ['each', ...rest] : rest) as Holder;
  return replaceEach(own, keysOf(own), (below) => withoutPath(below, ['descend', ...rest]));
}

function follow(value: unknown, step: PathStep): unknown[] {
  if (isWhere(step)) return step.where(value) ? [value] : [];
  if (step === 'descend')
    return [value, ...(isHolder(value) ? Object.values(value).flatMap((one) => follow(one, step)) : [])];
  if (!isHolder(value)) return [];
  return step === 'each' ? Object.values(value) : keyIn(value, step).map((key) => value[key]);
}

function keysOf(holder: Holder): Key[] {
  return Array.isArray(holder) ? [...holder.keys()] : Object.keys(holder);
}

/** The key that a step means in this holder, none when it is not there. */
export function keyIn(holder: Holder, step: { field: string } | { index: number }): Key[] {
  if (!Array.isArray(holder)) return 'field' in step && Object.hasOwn(holder, step.field) ? [step.field] : [];
  const index = 'index' in step ? step.index : /^\d+$/.test(step.field) ? Number(step.field) : Number.NaN;
  const at = index < 0 ? holder.length + index : index;
  return at in holder ? [at] : [];
}

function drop(holder: Holder, keys: Key[]): unknown {
  if (keys.length === 0) return holder;
  const gone = new Set(keys);
  if (Array.isArray(holder)) return holder.filter((_, index) => !gone.has(index));
  return Object.fromEntries(Object.entries(holder).filter(([key]) => !gone.has(key)));
}

function replaceEach(holder: Holder, keys: Key[], replace: (value: unknown) => unknown): unknown {
  let copy: Holder | undefined;
  for (const key of keys) {
    const value = replace(holder[key]);
    if (value === holder[key]) continue;
    copy ??= (Array.isArray(holder) ? [...holder] : { ...holder }) as Holder;
    copy[key] = value;
  }
  return copy ?? holder;
}
