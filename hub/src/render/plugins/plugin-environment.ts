import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource, PluginSource } from '@wheelhouse/shared/resources/application-source';
import { buildEnvironment, type RenderFacts, substitute } from '../build-environment.ts';

/** Linux: MAX_ARG_STRLEN, of one variable with its name. */
const maxBytes = 128 * 1024 - 1;

/**
 * Argo CD: what a plugin finds in its environment: the build environment; `ARGOCD_ENV_NAME` for each of `plugin.env`, with the build
 * environment put in; the parameters as JSON in `ARGOCD_APP_PARAMETERS`, and as `PARAM_…`. What is empty is left out. Throws Invalid
 * and TooLarge, naming the variable.
 */
export function pluginEnvironment(source: ApplicationSource, facts: RenderFacts, sha?: string): Record<string, string> {
  const build = buildEnvironment(source, facts, sha);
  const { env = [], parameters = [] } = source.plugin ?? {};
  const entries: [name: string, value: string][] = [
    ...build,
    ...env.map(({ name, value }): [string, string] => [`ARGOCD_ENV_${name}`, substitute(value, build)]),
    ['ARGOCD_APP_PARAMETERS', source.plugin ? JSON.stringify(source.plugin.parameters ?? null) : ''],
    ...parameters.flatMap(parameterEntries),
  ];
  for (const [name, value] of entries) check(source, name, value);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

type Parameter = NonNullable<PluginSource['parameters']>[number];

function parameterEntries({ name = '', string, array = [], map = {} }: Parameter): [string, string][] {
  const base = `PARAM_${upper(name)}`;
  return [
    ...(string === undefined ? [] : [[base, string] as [string, string]]),
    ...Object.entries(map).map(([key, value]): [string, string] => [`${base}_${upper(key)}`, value]),
    ...array.map((value, index): [string, string] => [`${base}_${index}`, value]),
  ];
}

function upper(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9_]/gu, '_');
}

function check({ repoURL }: ApplicationSource, name: string, value: string): void {
  const what = `source ${repoURL}: plugin variable ${JSON.stringify(name)}`;
  if (`${name}${value}`.includes('\0'))
    throw new FleetError('Invalid', `${what} has a NUL character: no program can be given one`);
  if (name.includes('=')) throw new FleetError('Invalid', `${what} has a = in its name`);
  if (Buffer.byteLength(`${name}=${value}`) > maxBytes)
    throw new FleetError('TooLarge', `${what} has more than 128 KB: put it into a file of the repository`);
}
