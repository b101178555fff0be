import path from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource, KustomizeSource } from '@wheelhouse/shared/resources/application-source';
import type { Snapshot } from '../source/source.ts';
import type { RenderFacts } from './build-environment.ts';
import { createCollection } from './collection.ts';
import { appendPatches, applyRewrites } from './kustomization-file.ts';
import { checkBuildOptions, inflatesHelm, kustomizeArguments, readsAnything } from './kustomize-arguments.ts';
import { componentEdits, kustomizeEdits } from './kustomize-edits.ts';
import { collectComponent, collectKustomization, type Place, type Walk } from './kustomize-references.ts';
import type { ManifestText } from './manifests.ts';
import type { RenderPlan } from './plan.ts';
import { parseRemoteBase } from './remote-base.ts';
import { formatPath, resolvePath } from './repository-path.ts';
import type { OpenLocation } from './request.ts';
import type { RenderSettings } from './settings.ts';
import type { ToolPool } from './tool-pool.ts';
import { copyVendored, createOpenCharts } from './vendored.ts';
import type { Workspaces } from './workspace.ts';

export interface ToolDeps {
  pool: ToolPool;
  workspaces: Workspaces;
}

/** An executable and its version, as `5.8.1`. */
export interface Tool {
  command: string;
  version: string;
}

export interface ToolRequest {
  /** With the build environment put in. */
  source: ApplicationSource;
  snapshot: Snapshot;
  /** The source's folder. */
  folder: string;
  tool: Tool;
  /** The executable that inflates charts. */
  helm: string;
  toolVersion: string;
  facts: RenderFacts;
  settings: RenderSettings;
  open: OpenLocation;
  signal: AbortSignal;
}

/**
 * Plans `kustomize build`. The Application's options become edits of a copy, as Argo CD does, not an overlay: a name prefix
 * replaces the one that is there. Remote bases are fetched into the copy. Loads no file outside a kustomization's root, unless
 * the build options say so, and no plugins.
 */
export async function planKustomize(deps: ToolDeps, request: ToolRequest): Promise<RenderPlan> {
  const { source, folder, tool, toolVersion, open, signal: planning } = request;
  const options = source.kustomize ?? {};
  if (options.version && options.version.replace(/^v/u, '') !== tool.version)
    throw new FleetError(
      'Unsupported',
      `kustomize ${options.version} is not installed; this hub renders with ${tool.version}: leave kustomize.version out`,
    );
  const { kustomizeBuildOptions } = request.settings;
  checkBuildOptions(kustomizeBuildOptions);
  const argumentsWith = (helm: string) =>
    kustomizeArguments(options, {
      folder: '.',
      buildOptions: withHelm(kustomizeBuildOptions, helm),
      facts: request.facts,
    });
  const collection = createCollection(request.snapshot);
  const charts = createOpenCharts(open, planning);
  const inflation = { enabled: inflatesHelm(kustomizeBuildOptions), charts, vendored: [] };
  const walk: Walk = { source, collection, remotes: new Map(), rewrites: [], open, signal: planning, inflation };
  await collectKustomization(walk, { in: collection, path: folder });
  const components = await collectComponents(walk, folder, options);
  const collections = [collection, ...walk.remotes.values(), ...charts.all()];
  return {
    sourceType: 'Kustomize',
    toolVersion,
    inputs: collections.flatMap(({ inputs }) => inputs),
    warnings: (options.components ?? [])
      .filter((component) => !components.has(component))
      .map((component) => `kustomize.components: ${component} does not exist and was left out`),
    run: async (signal): Promise<ManifestText[]> => {
      await using workspace = await deps.workspaces.open();
      for (const each of collections) await each.write(workspace.path, signal);
      await applyRewrites(workspace.path, walk.rewrites);
      await copyVendored(workspace.path, walk.inflation.vendored);
      const cwd = path.join(workspace.root, folder);
      const kustomize = async (given: string[], what: string) =>
        await deps.pool({ command: tool.command, args: given, cwd, what, ...workspace }, signal);
      const what = formatPath(folder);
      const edit = async (edits: string[][]) => {
        for (const each of edits)
          await kustomize(['edit', ...each], `kustomize edit ${each.slice(0, 2).join(' ')} in ${what}`);
      };
      await edit(kustomizeEdits(options));
      if (options.patches?.length) await appendPatches(cwd, options.patches);
      await edit(componentEdits([...components].map(([name, place]) => localName(name, { place, walk, folder }))));
      const building = `kustomize build of ${what}`;
      if (!readsAnything(kustomizeBuildOptions))
        return [{ origin: `${building}:`, text: await kustomize(argumentsWith(request.helm), building) }];
      const { programs, ...jail } = await deps.workspaces.enclose(workspace, [tool.command, request.helm]);
      const args = argumentsWith(programs[request.helm] ?? request.helm);
      const command = programs[tool.command] ?? tool.command;
      const enclosed = { command, args, cwd: path.posix.join(jail.root, folder), what: building, ...jail };
      return [{ origin: `${building}:`, text: await deps.pool(enclosed, signal) }];
    },
  };
}

/** kustomize finds helm on PATH, of which a child has none. */
function withHelm(buildOptions: readonly string[], helm: string): string[] {
  return inflatesHelm(buildOptions) ? [...buildOptions, '--helm-command', helm] : [...buildOptions];
}

/** Argo CD: with ignoreMissingComponents, those that are not there are left out. `exists` is asked for paths from the root. */
export async function presentComponents(
  options: KustomizeSource,
  folder: string,
  exists: (path: string) => Promise<boolean>,
): Promise<string[]> {
  const { components = [], ignoreMissingComponents } = options;
  if (!ignoreMissingComponents) return components;
  const present: string[] = [];
  for (const name of components)
    if (parseRemoteBase(name) || (await exists(resolvePath(folder, name, 'kustomize.components')))) present.push(name);
  return present;
}

/** By name as the Application gives it. */
async function collectComponents(walk: Walk, folder: string, options: KustomizeSource): Promise<Map<string, Place>> {
  const components = new Map<string, Place>();
  for (const name of await presentComponents(options, folder, walk.collection.add))
    components.set(name, await collectComponent(walk, folder, name));
  return components;
}

/** A component of another repository is where its copy is. */
function localName(name: string, { place, walk, folder }: { place: Place; walk: Walk; folder: string }): string {
  if (place.in === walk.collection) return name;
  return path.relative(path.join(walk.collection.folder, folder), path.join(place.in.folder, place.path));
}
