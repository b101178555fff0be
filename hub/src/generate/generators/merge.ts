import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { MergeGenerator } from '@wheelhouse/shared/resources/generator';
import { formatGoJson } from '../template/format/go-json.ts';
import { deepCopyMap, mergeInto } from '../template/merge.ts';
import type { GoMap } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import type { Parameters } from './parameters.ts';
import type { TransformOne } from './transform.ts';

/** Argo CD: merge. The elements of the first, in its order, each overridden by those with the same merge keys. */
export async function mergeParameters(
  merge: MergeGenerator,
  context: GeneratorContext,
  transformOne: TransformOne,
): Promise<Parameters[]> {
  if (merge.generators.length < 2)
    throw new FleetError('GeneratorFailed', `merge: needs two or more generators, has ${merge.generators.length}`);
  if (merge.mergeKeys.length === 0) throw new FleetError('GeneratorFailed', 'merge: needs at least one merge key');
  const sets: Parameters[][] = [];
  for (const generator of merge.generators) sets.push(await transformOne(generator, context));
  const [base = [], ...overrides] = sets;
  const merged = indexByKey(base, merge.mergeKeys);
  const override = context.compiler.goTemplate ? overrideNested : overrideFlat;
  for (const set of overrides) {
    for (const [key, params] of indexByKey(set, merge.mergeKeys)) {
      const known = merged.get(key);
      if (known !== undefined)
        merged.set(key, context.memo.row(known, [params], override)[0] ?? override(known, params));
    }
  }
  return [...merged.values()];
}

function overrideNested(base: Parameters, params: Parameters): Parameters {
  return mergeInto(deepCopyMap(base), params, true);
}

function overrideFlat(base: Parameters, params: Parameters): Parameters {
  return { ...base, ...params };
}

function indexByKey(set: Parameters[], mergeKeys: string[]): Map<string, Parameters> {
  const index = new Map<string, Parameters>();
  for (const params of set) {
    const values: GoMap = {};
    for (const key of mergeKeys) values[key] = Object.hasOwn(params, key) ? params[key] : null;
    const key = formatGoJson(values);
    if (index.has(key))
      throw new FleetError('GeneratorFailed', `merge: two elements of one generator have the merge keys ${key}`);
    index.set(key, params);
  }
  return index;
}
