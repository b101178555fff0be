import type { PluginGenerator } from '@wheelhouse/shared/resources/generator';
import { toValue } from '../template/decode.ts';
import { formatValue } from '../template/format/print-value.ts';
import { type GoMap, isMap } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import { compileValues, flatten, type Parameters } from './parameters.ts';

/** Argo CD: 30 minutes. */
const defaultIntervalSeconds = 1_800;

/** Argo CD: plugin. A service of the user's own gives the elements. */
export async function pluginParameters(generator: PluginGenerator, context: GeneratorContext): Promise<Parameters[]> {
  const { template: _, values, requeueAfterSeconds, ...query } = generator;
  const addValues = compileValues(values, context.compiler);
  const input = query.input?.parameters ?? {};
  const interval = requeueAfterSeconds ?? defaultIntervalSeconds;
  const objects = await context.hosts.listing(
    { plugin: query },
    interval,
    async () => await context.plugin(generator.configMapRef.name, input),
  );
  const echo = { input: { parameters: toValue(structuredClone(input)) as GoMap } };
  return objects.map((object) => {
    const own = toValue(structuredClone(object));
    const params = isMap(own) ? own : {};
    return addValues(
      context.compiler.goTemplate ? { ...params, generator: echo } : { ...flatTexts(params), generator: echo },
    );
  });
}

function flatTexts(params: GoMap): Parameters {
  return Object.fromEntries(Object.entries(flatten(params)).map(([key, value]) => [key, formatValue(value)]));
}
