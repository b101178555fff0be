import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { MatrixGenerator } from '@wheelhouse/shared/resources/generator';
import { formatValue } from '../template/format/print-value.ts';
import { deepCopyMap, mergeInto } from '../template/merge.ts';
import { isMap } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import { holdsTemplate } from './interpolate.ts';
import type { Parameters } from './parameters.ts';
import type { TransformOne } from './transform.ts';

/** Argo CD: matrix. Every element of the first with every element of the second, which may use the first's parameters. */
export async function matrixParameters(
  matrix: MatrixGenerator,
  context: GeneratorContext,
  transformOne: TransformOne,
): Promise<Parameters[]> {
  const [first, second, ...more] = matrix.generators;
  if (first === undefined || second === undefined || more.length > 0)
    throw new FleetError('GeneratorFailed', `matrix: needs exactly two generators, has ${matrix.generators.length}`);
  const outer = await transformOne(first, context);
  // A second generator without templates gives the same elements each time.
  const shared = outer.length > 0 && !holdsTemplate(second) ? await transformOne(second, context, outer[0]) : undefined;
  const combine = context.compiler.goTemplate ? combineNested : combineFlat;
  const results: Parameters[] = [];
  for (const left of outer) {
    const rights = shared ?? (await transformOne(second, context, left));
    for (const one of context.memo.row(left, rights, combine)) results.push(one);
  }
  return results;
}

/** Argo CD with goTemplate: the first generator wins, maps are merged. */
function combineNested(left: Parameters, right: Parameters): Parameters {
  const clash = Object.keys(left).some((key) => isMap(left[key]) && isMap(right[key]));
  return clash ? mergeInto(deepCopyMap(right), left, true) : { ...right, ...left };
}

/** Argo CD without goTemplate: all values are text, and the same key must have the same value. */
function combineFlat(left: Parameters, right: Parameters): Parameters {
  const combined: Parameters = {};
  for (const key of Object.keys(left)) combined[key] = formatValue(left[key]);
  for (const key of Object.keys(right)) {
    const value = formatValue(right[key]);
    if (Object.hasOwn(combined, key) && combined[key] !== value)
      throw new FleetError(
        'GeneratorFailed',
        `matrix: both generators give "${key}", one "${formatValue(combined[key])}" and the other "${value}"; use goTemplate, or pathParamPrefix`,
      );
    combined[key] = value;
  }
  return combined;
}
