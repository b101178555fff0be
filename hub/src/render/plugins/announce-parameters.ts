import { createCollection } from '../collection.ts';
import { formatPath } from '../repository-path.ts';
import { type Announcement, parseAnnouncements } from './announcement.ts';
import type { PluginFinder } from './discover-plugin.ts';
import { type PluginRequest, pathsSeen, readable } from './plan-plugin.ts';
import { pluginEnvironment } from './plugin-environment.ts';
import { type PluginRunDeps, runPlugin } from './run-plugin.ts';

/** Of a command that only says what there is to be chosen. */
const timeoutMs = 10_000;

/**
 * Argo CD: the parameters that the plugin of a source says it has: first those that its `dynamic` command prints, which sees what
 * `generate` sees, then those of its definition, so that these count where a name is there twice. Throws as PluginFinder.find and
 * ToolPool, and RenderFailed for what the command should not have printed.
 */
export async function announceParameters(
  deps: PluginRunDeps & { finder: PluginFinder },
  request: PluginRequest,
): Promise<Announcement[]> {
  const { source, snapshot, facts, path: folder, signal } = request;
  const plugin = await deps.finder.find(request, signal);
  const { announced, dynamic } = plugin.parameters;
  if (dynamic.length === 0) return [...announced];
  const collection = createCollection(snapshot);
  for (const path of pathsSeen(request)) await collection.add(path);
  const what = `plugin ${plugin.name} of ${formatPath(folder)}: parameters.dynamic`;
  const environment = pluginEnvironment(source, facts, snapshot.sha);
  const run = { plugin, collection: readable(collection), folder, what, lines: [dynamic], environment, timeoutMs };
  return [...parseAnnouncements(await runPlugin(deps, run, signal), what), ...announced];
}
