import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatYaml } from '@wheelhouse/shared/kube/yaml';
import type { HelmSource } from '@wheelhouse/shared/resources/application-source';
import type { RenderFacts } from './build-environment.ts';
import { createCollection } from './collection.ts';
import { helmArguments } from './helm-arguments.ts';
import { type ChartDependencies, collectDependencies } from './helm-dependencies.ts';
import { collectFileParameters, collectValueFiles } from './helm-values.ts';
import type { ToolDeps, ToolRequest } from './kustomize.ts';
import type { ManifestText } from './manifests.ts';
import type { RenderPlan } from './plan.ts';
import { formatPath } from './repository-path.ts';
import { helmFacts } from './request.ts';
import type { Workspace } from './workspace.ts';

/**
 * Plans `helm template` of a chart in Git. Precedence as Argo CD: parameters, valuesObject, values, valueFiles, the chart's
 * own. Dependencies are vendored in `charts/`, or by `file://` inside the repository.
 */
export async function planHelm(deps: ToolDeps, request: ToolRequest & { facts: RenderFacts }): Promise<RenderPlan> {
  const { source, snapshot, folder, tool, facts } = request;
  const options = source.helm ?? {};
  if (options.version && !['v3', 'v4'].includes(options.version))
    throw new FleetError('Unsupported', `helm ${options.version} is not supported: leave helm.version out`);
  const collection = createCollection(snapshot);
  await collection.add(folder);
  const files = { source, snapshot, collection, folder };
  const dependencies = await collectDependencies(files);
  const valueFiles = await collectValueFiles(files, options);
  const fileParameters = await collectFileParameters(files, options);
  return {
    sourceType: 'Helm',
    toolVersion: `helm ${tool.version}`,
    inputs: collection.inputs,
    warnings: [],
    run: async (signal) => {
      await using workspace = await deps.workspaces.open();
      await collection.write(workspace.root, signal);
      const absolute = (path: string) => join(workspace.root, path);
      const generated = await writeValues(workspace, options);
      const args = helmArguments(options, {
        ...helmFacts(options, facts),
        valueFiles: [...valueFiles.map(absolute), ...generated],
        fileParameters: new Map([...fileParameters].map(([name, path]) => [name, absolute(path)])),
      });
      const helm = async (what: string, args: string[]) =>
        await deps.pool(
          {
            command: tool.command,
            args,
            cwd: absolute(folder),
            what: `${what} of ${formatPath(folder)}`,
            ...workspace,
          },
          signal,
        );
      const text = await templateWithDependencies(helm, args, dependencies);
      return splitBySource(text, formatPath(folder));
    },
  };
}

type Helm = (what: string, args: string[]) => Promise<string>;

/** Argo CD: when a dependency is missing, `helm dependency build` and once more. */
async function templateWithDependencies(helm: Helm, args: string[], dependencies: ChartDependencies): Promise<string> {
  try {
    return await helm('helm template', args);
  } catch (error) {
    if (!(error instanceof FleetError) || !error.message.includes('missing in charts/ directory')) throw error;
    if (dependencies.remote.length > 0)
      throw new FleetError(
        'Unsupported',
        `${error.message}. Dependencies are not downloaded yet (${dependencies.remote.join(', ')}): run helm dependency build and commit the charts/ folder`,
        { cause: error },
      );
    await helm('helm dependency build', ['dependency', 'build', '.']);
    return await helm('helm template', args);
  }
}

/** Argo CD: `valuesObject` wins over `values`; both come after the value files. */
async function writeValues(workspace: Workspace, options: HelmSource): Promise<string[]> {
  const values = options.valuesObject === undefined ? options.values : formatYaml(options.valuesObject);
  if (!values) return [];
  const path = join(workspace.home, 'values.yaml');
  await writeFile(path, values);
  return [path];
}

const sourceComment = /^---\n# Source: (?<path>.*)\n/gmu;

/** Helm names the template above every document: errors shall name it too. */
function splitBySource(text: string, chart: string): ManifestText[] {
  const marks = [...text.matchAll(sourceComment)];
  const head = text.slice(0, marks[0]?.index ?? text.length);
  const parts = marks.map((mark, index) => ({
    origin: `${chart}: ${mark.groups?.['path'] ?? ''}`,
    text: text.slice(mark.index, marks[index + 1]?.index ?? text.length),
  }));
  return head.trim() === '' ? parts : [{ origin: chart, text: head }, ...parts];
}
