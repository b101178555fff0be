import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatYaml } from '@wheelhouse/shared/kube/yaml';
import { fileName, type SourceLocation } from '../source/location.ts';
import type { RenderFacts } from './build-environment.ts';
import { refuseForeignSchemas } from './chart-schemas.ts';
import { type Collection, createCollection } from './collection.ts';
import { helmArguments } from './helm-arguments.ts';
import { collectDependencies } from './helm-dependencies.ts';
import {
  collectFileParameters,
  collectValueFiles,
  type HelmFile,
  type HelmFiles,
  refuseMissing,
} from './helm-values.ts';
import type { ToolDeps, ToolRequest } from './kustomize.ts';
import type { ManifestText } from './manifests.ts';
import type { RenderPlan } from './plan.ts';
import type { References } from './references.ts';
import { formatPath } from './repository-path.ts';
import { helmInvocationFacts } from './request.ts';
import { copyVendored, createOpenCharts, type Vendored } from './vendored.ts';
import type { Workspace } from './workspace.ts';

/** What helm is told, but for where its files will lie. */
export interface HelmOptions {
  valueFiles: HelmFile[];
  fileParameters: Map<string, HelmFile>;
  /** Content of one more value file, the last. Argo CD: `valuesObject` wins over `values`. */
  values?: string;
  argumentsAt(place: (file: HelmFile) => string, generated: string): string[];
}

/** Argo CD's precedence: parameters, valuesObject, values, valueFiles, the chart's own. Throws as collectValueFiles, and Invalid. */
export async function resolveHelmOptions(files: HelmFiles, facts: RenderFacts): Promise<HelmOptions> {
  const options = files.source.helm ?? {};
  if (options.version && !['v3', 'v4'].includes(options.version))
    throw new FleetError('Unsupported', `helm ${options.version} is not supported: leave helm.version out`);
  const known = helmInvocationFacts(options, facts);
  const valueFiles = await collectValueFiles(files, options);
  const fileParameters = await collectFileParameters(files, options);
  const values = options.valuesObject === undefined ? options.values : formatYaml(options.valuesObject);
  return {
    valueFiles,
    fileParameters,
    ...(values ? { values } : {}),
    argumentsAt: (place, generated) =>
      helmArguments(options, {
        ...known,
        valueFiles: [...valueFiles.map(place), ...(values ? [generated] : [])],
        fileParameters: new Map([...fileParameters].map(([name, file]) => [name, place(file)])),
      }),
  };
}

export interface HelmRequest extends ToolRequest {
  references: References;
}

/** Plans `helm template` of a chart. */
export async function planHelm(deps: ToolDeps, request: HelmRequest): Promise<RenderPlan> {
  const { source, snapshot, folder, tool, facts, references, toolVersion } = request;
  const collection = createCollection(snapshot);
  await collection.add(folder);
  const { valuesFileSchemes } = request.settings;
  const files = { source, collection, folder, references, valuesFileSchemes };
  const charts = createOpenCharts(request.open, request.signal);
  const vendored: Vendored[] = [];
  await collectDependencies({ source, charts, vendored }, { in: collection, path: folder });
  const options = await resolveHelmOptions(files, facts);
  const remote = await openRemoteFiles(options.valueFiles, request);
  refuseMissing(files, 'helm.valueFiles', options.valueFiles);
  refuseMissing(files, 'helm.fileParameters', options.fileParameters.values());
  const collections = [collection, ...references.used(), ...charts.all(), ...remote.values()];
  return {
    sourceType: 'Helm',
    toolVersion,
    inputs: collections.flatMap(({ inputs }) => inputs),
    warnings: [],
    run: async (signal) => {
      await using workspace = await deps.workspaces.open();
      for (const each of collections) await each.write(workspace.path, signal);
      if (!source.helm?.skipSchemaValidation) await refuseForeignSchemas(chartFolders(workspace, collections), signal);
      await copyVendored(workspace.path, vendored);
      const place = (file: HelmFile) =>
        'url' in file
          ? join(workspace.path, remote.get(file.url)?.folder ?? '', fileName)
          : join(workspace.path, file.in.folder, file.path);
      const generated = join(workspace.home, 'values.yaml');
      if (options.values) await writeFile(generated, options.values);
      const what = formatPath(source.chart ?? folder);
      const args = options.argumentsAt(place, generated);
      const run = { command: tool.command, args, cwd: join(workspace.root, folder), what: `helm template of ${what}` };
      const text = await deps.pool({ ...run, ...workspace }, signal);
      return splitBySource(text, what);
    },
  };
}

/** Where schemas may lie, by the name that people know it by: a chart that was fetched has another than its folder here. */
function chartFolders({ path }: Pick<Workspace, 'path'>, collections: readonly Collection[]) {
  return collections.map(({ folder, from }) => ({ directory: join(path, folder), what: from?.chart ?? '' }));
}

/** Helm has no network: what it would download is a collection of its own, by URL. */
async function openRemoteFiles(
  files: readonly HelmFile[],
  { open, signal }: Pick<HelmRequest, 'open' | 'signal'>,
): Promise<Map<string, Collection>> {
  const found = new Map<string, Collection>();
  for (const file of files) {
    if (!('url' in file) || found.has(file.url)) continue;
    const from: SourceLocation = { repoURL: file.url, targetRevision: '', file: true };
    const collection = createCollection(await open(from, signal), { folder: `file-${found.size}`, from });
    await collection.add(fileName);
    found.set(file.url, collection);
  }
  return found;
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
