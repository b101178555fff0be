/**
 * The config management plugins of a hub, read once when it starts. Inputs: a folder that the hub's operator keeps, with one
 * ConfigManagementPlugin a file, and the programs that they need in its subfolder `bin`. Must never take a plugin from a repository.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { type PluginDefinition, parsePlugin } from './definition.ts';

export interface Plugin extends PluginDefinition {
  /** Changes with the definition, with the programs of the folder and with the hub's tools. */
  version: string;
}

export interface Plugins {
  /** By name. */
  list: readonly Plugin[];
  /** Programs that the operator gives them: a folder, if there is one. */
  bin?: string;
  /** Changes whenever another plugin might be found for a source that names no tool; '' when none is ever found. */
  discovery: string;
}

export const noPlugins: Plugins = { list: [], discovery: '' };

/** `tools` is what else on the machine their output depends upon. Throws as `parsePlugin`, and Invalid for a folder that cannot be read or a name that is there twice. */
export async function loadPlugins(directory: string, tools: object): Promise<Plugins> {
  const names = await list(directory);
  const files = names.filter((name) => /\.ya?ml$/u.test(name) && !name.startsWith('.'));
  const bin = names.includes('bin') ? join(directory, 'bin') : undefined;
  const programs = bin === undefined ? [] : await digestsOf(bin);
  const plugins: Plugin[] = [];
  for (const file of files) {
    const definition = parsePlugin(file, await readFile(join(directory, file), 'utf8'));
    if (plugins.some(({ name }) => name === definition.name))
      throw new FleetError('Invalid', `plugin ${file}: there is another plugin ${definition.name} in ${directory}`);
    const version = `plugin ${definition.name} ${digestOf([definition.spec, programs, tools])}`;
    plugins.push({ ...definition, version });
  }
  plugins.sort(byName);
  const discovering = plugins.filter(({ discovery }) => discovery).map(({ version }) => version);
  return {
    list: plugins,
    ...(bin === undefined ? {} : { bin }),
    discovery: discovering.length > 0 ? digestOf(discovering) : '',
  };
}

/** Argo CD: the order of the plugins' sockets, `NAME.sock`. */
function byName(a: Plugin, b: Plugin): number {
  return `${a.name}.sock` < `${b.name}.sock` ? -1 : 1;
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    throw new FleetError('Invalid', `plugins: folder ${directory} cannot be read: correct the setting, or make it`, {
      cause: error,
    });
  }
}

/** Path and content of each file, in order. Names that begin with `..` are how Kubernetes swaps mounted ConfigMaps. */
async function digestsOf(folder: string, prefix = ''): Promise<[path: string, digest: string][]> {
  const found: [string, string][] = [];
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(prefix, entry.name);
    if (entry.name.startsWith('..')) continue;
    if (entry.isDirectory()) found.push(...(await digestsOf(folder, path)));
    else
      found.push([
        path,
        createHash('sha256')
          .update(await readFile(join(folder, path)))
          .digest('hex'),
      ]);
  }
  return found;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}
