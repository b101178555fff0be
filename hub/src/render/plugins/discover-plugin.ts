import { createInFlight } from '@wheelhouse/shared/async/in-flight';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { LRUCache } from 'lru-cache';
import type { Snapshot } from '../../source/source.ts';
import type { RenderFacts } from '../build-environment.ts';
import { createCollection } from '../collection.ts';
import { formatPath, relativePath } from '../repository-path.ts';
import { hashOf } from '../request.ts';
import type { PluginDiscovery } from './definition.ts';
import type { Plugin, Plugins } from './load-plugins.ts';
import { pluginEnvironment } from './plugin-environment.ts';
import { askPlugin, type PluginRunDeps } from './run-plugin.ts';

/** A source's folder. */
export interface Place {
  source: ApplicationSource;
  path: string;
  oid: string;
  snapshot: Snapshot;
}

export interface PluginFinder {
  /**
   * The first plugin, by name, that takes a source which names none. Throws RenderFailed where a plugin could not be asked, and
   * Unsupported where its command cannot be confined: the source is then for nobody else either.
   */
  discover(place: Place, signal: AbortSignal): Promise<Plugin | undefined>;
  /** The plugin that a source names, or that is discovered when it leaves the name out. Throws Invalid, naming the plugins that there are. */
  find(place: Place, signal: AbortSignal): Promise<Plugin>;
}

/** Of a command that only says whether a folder is its own. */
const discoveryTimeoutMs = 10_000;
const remembered = 5_000;

/** Answers are remembered by what the folder holds. */
export function createPluginFinder(deps: PluginRunDeps & { plugins: Plugins }): PluginFinder {
  const { list } = deps.plugins;
  const answers = new LRUCache<string, { isFor: boolean }>({ max: remembered });
  const inFlight = createInFlight<{ isFor: boolean }>();

  async function isFor(plugin: Plugin, place: Place, signal: AbortSignal): Promise<boolean> {
    const { discovery } = plugin;
    if (!discovery) return false;
    const key = hashOf([plugin.version, place.oid, ...('command' in discovery ? await seenBy(place) : [])]);
    const known = answers.get(key);
    if (known) return known.isFor;
    const answer = await inFlight(key, signal, async (shared) => ({
      isFor: await ask({ plugin, discovery, place, deps }, shared),
    }));
    answers.set(key, answer);
    return answer.isFor;
  }

  async function discover(place: Place, signal: AbortSignal): Promise<Plugin | undefined> {
    for (const plugin of list) if (await isFor(plugin, place, signal)) return plugin;
    return undefined;
  }

  return {
    discover,
    find: async (place, signal) => {
      const name = place.source.plugin?.name;
      const found = name ? list.find((plugin) => plugin.name === name) : await discover(place, signal);
      if (!found) throw unknown(place, name, list);
      // Argo CD: a plugin that says what it is for is not used for anything else, whoever names it
      if (name && found.discovery && !(await isFor(found, place, signal))) throw notFor(place, found);
      return found;
    },
  };
}

/** A command sees where it is, and what links of the folder point at. */
async function seenBy({ source, path, snapshot }: Place): Promise<unknown[]> {
  const collection = createCollection(snapshot);
  await collection.add(path);
  return [source.repoURL, path, collection.inputs];
}

interface Question {
  plugin: Plugin;
  discovery: PluginDiscovery;
  place: Place;
  deps: PluginRunDeps;
}

async function ask({ plugin, discovery, place, deps }: Question, signal: AbortSignal): Promise<boolean> {
  if (!('command' in discovery)) {
    for await (const { path } of place.snapshot.walk(place.path))
      if (discovery.matches(relativePath(place.path, path))) return true;
    return false;
  }
  const collection = createCollection(place.snapshot);
  await collection.add(place.path);
  const what = `plugin ${plugin.name}: discover.find.command in ${formatPath(place.path)}`;
  try {
    const run = { plugin, collection, folder: place.path, what, timeoutMs: discoveryTimeoutMs };
    const environment = pluginEnvironment({ repoURL: place.source.repoURL, path: place.path }, nobody);
    const { text, code } = await askPlugin(deps, { ...run, line: discovery.command, environment }, signal);
    if (code >= notRunCode) throw new FleetError('RenderFailed', `it ended with ${code}`);
    // Argo CD: a command that fails says no
    return code === 0 && text.trim() !== '';
  } catch (error) {
    throw noAnswer(toFleetError(error, 'RenderFailed'), what);
  }
}

/** Shells: 126 and 127 for what cannot be run, and more for what a signal ended. */
const notRunCode = 126;

/** What could not be run to its end says nothing, and must not be taken for a no: another tool would make other manifests. */
function noAnswer(error: FleetError, what: string): FleetError {
  if (error.code === 'Aborted' || error.code === 'Unsupported') return error;
  return new FleetError('RenderFailed', `${what} gave no answer: ${error.message}`, { cause: error });
}

/** What is found is found for every Application of that folder. */
const nobody: RenderFacts = { appName: '', appNamespace: '', project: '', namespace: '' };

function unknown({ source, path }: Place, name: string | undefined, list: readonly Plugin[]): FleetError {
  const names = list.map((plugin) => plugin.name).join(', ');
  const there = names === '' ? 'this hub has none (setting plugins)' : `there are: ${names}`;
  const what = name
    ? `there is no plugin ${name}`
    : `no plugin is for ${formatPath(path)}: name one in spec.source.plugin.name`;
  return new FleetError('Invalid', `source ${source.repoURL}: ${what}; ${there}`);
}

function notFor({ source, path }: Place, { name }: Plugin): FleetError {
  return new FleetError(
    'Invalid',
    `source ${source.repoURL}: plugin ${name} is not for ${formatPath(path)}: its discovery finds nothing there`,
  );
}
