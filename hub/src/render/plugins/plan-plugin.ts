import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { generatePathsAnnotation, refreshPaths } from '../../source/refresh-paths.ts';
import type { RenderFacts } from '../build-environment.ts';
import { type Collection, createCollection } from '../collection.ts';
import type { RenderPlan } from '../plan.ts';
import { formatPath, resolvePath } from '../repository-path.ts';
import type { Place, PluginFinder } from './discover-plugin.ts';
import { pluginEnvironment } from './plugin-environment.ts';
import { type PluginRunDeps, runPlugin } from './run-plugin.ts';

export interface PluginRequest extends Place {
  facts: RenderFacts;
  signal: AbortSignal;
}

/**
 * Plans a run of a plugin's `init` and `generate` in the source's folder. It sees the whole repository, or what
 * `manifest-generate-paths` of the Application names, and the render depends upon all of that. Throws as PluginFinder.find, and
 * PathOutsideRepository.
 */
export async function planPlugin(
  deps: PluginRunDeps & { finder: PluginFinder },
  request: PluginRequest,
): Promise<RenderPlan> {
  const { source, snapshot, facts, path: folder } = request;
  const plugin = await deps.finder.find(request, request.signal);
  const collection = createCollection(snapshot);
  for (const path of pathsSeen(request)) await collection.add(path);
  const environment = pluginEnvironment(source, facts, snapshot.sha);
  const what = `plugin ${plugin.name} of ${formatPath(folder)}`;
  const lines = [...(plugin.init.length > 0 ? [plugin.init] : []), plugin.generate];
  return {
    sourceType: 'Plugin',
    toolVersion: plugin.version,
    inputs: collection.inputs,
    warnings: [],
    run: async (signal) => {
      const run = { plugin, collection: readable(collection), folder, what, lines, environment };
      return [{ origin: `${what}:`, text: await runPlugin(deps, run, signal) }];
    },
  };
}

/** Argo CD streams a plugin the same. Of a pattern its folder is taken, so that what it matches tomorrow is seen too. */
export function pathsSeen({ source, path: folder, facts }: PluginRequest): string[] {
  if (facts.generatePaths === undefined) return [''];
  const named = refreshPaths({ [generatePathsAnnotation]: facts.generatePaths }, { path: folder });
  const paths = named.map((path) => resolvePath('', literalPart(path), `manifest-generate-paths of ${source.repoURL}`));
  return [folder, ...paths];
}

function literalPart(path: string): string {
  const segments = path.split('/');
  const wild = segments.findIndex((segment) => /[*?[\\]/u.test(segment));
  return wild < 0 ? path : segments.slice(0, wild).join('/');
}

/** What is too much to be written says what makes it less. */
export function readable(collection: Collection): Collection {
  return {
    ...collection,
    write: async (...given) => {
      try {
        await collection.write(...given);
      } catch (error) {
        if (toFleetError(error).code !== 'TooLarge') throw error;
        throw new FleetError(
          'TooLarge',
          'a plugin sees the whole repository, which has more than 100 MB or 20,000 files: name what it reads in the annotation argocd.argoproj.io/manifest-generate-paths of the Application',
          { cause: error },
        );
      }
    },
  };
}
