import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatYaml, parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { ApplicationSource, KustomizeSource } from '@wheelhouse/shared/resources/application-source';
import type { Snapshot } from '../source/source.ts';
import { type Collection, createCollection } from './collection.ts';
import { kustomizationFiles } from './discover.ts';
import { kustomizeEdits } from './kustomize-edits.ts';
import { collectComponent, collectKustomization } from './kustomize-references.ts';
import type { ManifestText } from './manifests.ts';
import type { RenderPlan } from './plan.ts';
import { formatPath, resolvePath } from './repository-path.ts';
import type { ToolPool } from './tool-pool.ts';
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
}

/**
 * Plans `kustomize build`. The Application's options become edits of a copy, as Argo CD does, not an overlay: a name prefix
 * replaces the one that is there. Loads nothing outside a kustomization's root, nothing remote, no plugins.
 */
export async function planKustomize(deps: ToolDeps, request: ToolRequest): Promise<RenderPlan> {
  const { source, snapshot, folder, tool } = request;
  const options = source.kustomize ?? {};
  if (options.version && options.version.replace(/^v/u, '') !== tool.version)
    throw new FleetError(
      'Unsupported',
      `kustomize ${options.version} is not installed; this hub renders with ${tool.version}: leave kustomize.version out`,
    );
  const collection = createCollection(snapshot);
  const walk = { source, snapshot, collection };
  await collectKustomization(walk, folder);
  const components = await presentComponents(request, options, collection);
  for (const component of components) await collectComponent(walk, folder, component);
  return {
    sourceType: 'Kustomize',
    toolVersion: `kustomize ${tool.version}`,
    inputs: collection.inputs,
    warnings: (options.components ?? [])
      .filter((component) => !components.includes(component))
      .map((component) => `kustomize.components: ${component} does not exist and was left out`),
    run: async (signal): Promise<ManifestText[]> => {
      await using workspace = await deps.workspaces.open();
      await collection.write(workspace.root, signal);
      const cwd = join(workspace.root, folder);
      const kustomize = async (args: string[], what: string) =>
        await deps.pool({ command: tool.command, args, cwd, what, ...workspace }, signal);
      const what = formatPath(folder);
      for (const edit of kustomizeEdits(options))
        await kustomize(['edit', ...edit], `kustomize edit ${edit.slice(0, 2).join(' ')} in ${what}`);
      if (options.patches?.length) await appendPatches(cwd, options.patches);
      if (components.length > 0)
        await kustomize(['edit', 'add', 'component', ...components], `kustomize edit add component in ${what}`);
      const text = await kustomize(
        ['build', '.', '--load-restrictor', 'LoadRestrictionsRootOnly'],
        `kustomize build of ${what}`,
      );
      return [{ origin: `kustomize build of ${what}:`, text }];
    },
  };
}

/** Argo CD: with ignoreMissingComponents, those that are not there are left out. */
async function presentComponents(
  { folder }: ToolRequest,
  options: KustomizeSource,
  collection: Collection,
): Promise<string[]> {
  const components = options.components ?? [];
  if (!options.ignoreMissingComponents) return components;
  const present: string[] = [];
  for (const component of components)
    if (await collection.add(resolvePath(folder, component, 'kustomize.components'))) present.push(component);
  return present;
}

/** Argo CD: patches are appended to the kustomization file. */
async function appendPatches(cwd: string, patches: NonNullable<KustomizeSource['patches']>): Promise<void> {
  for (const name of await readdir(cwd)) {
    if (!kustomizationFiles.includes(name)) continue;
    const file = join(cwd, name);
    const content = parseYaml(await readFile(file, 'utf8')) as { patches?: unknown[] } | null;
    await writeFile(file, formatYaml({ ...content, patches: [...(content?.patches ?? []), ...patches] }));
  }
}
