import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Snapshot, TreeEntry } from '../source/source.ts';
import { createCollection, linkTarget } from './collection.ts';
import { type FileSelection, listFiles } from './file-selection.ts';
import type { RenderInput } from './inputs.ts';
import { collectJsonnet, librariesOf, runJsonnet } from './jsonnet.ts';
import type { ToolDeps } from './kustomize.ts';
import type { ManifestText } from './manifests.ts';
import type { RenderPlan } from './plan.ts';
import type { OpenSource } from './request.ts';

/** Argo CD: manifests of a directory may be 10 MB together. */
const maxBytes = 10 * 1000 * 1000;
const maxLinks = 8;

export interface DirectoryRequest extends OpenSource {
  folder: { path: string; oid: string };
  toolVersion: string;
  /** The executable that evaluates Jsonnet files, where there is one. */
  jsonnet: string | undefined;
}

/** Plans the render of a folder of plain manifests and Jsonnet. Throws Unsupported for submodules in a recursive folder, ToolMissing. */
export async function planDirectory(deps: ToolDeps, request: DirectoryRequest): Promise<RenderPlan> {
  const { snapshot, source, toolVersion, jsonnet } = request;
  const folder = { path: request.folder.path, oid: request.folder.oid };
  const selection = selectionOf(source.directory ?? {});
  const { files, submodules, digest } = await listFiles(snapshot, folder.path, selection);
  refuseSubmodules(submodules, selection);
  const inputs: RenderInput[] = [{ ...folder, files: { ...selection, digest } }];
  const plain = files.filter(({ name }) => !name.endsWith('.jsonnet'));
  const evaluated = files.filter(({ name }) => name.endsWith('.jsonnet')).map(({ path }) => path);
  const sources = await Promise.all(
    plain.map(async (file) => ({ path: file.path, oid: (await follow(snapshot, file, inputs)).oid })),
  );
  const plan = { sourceType: 'Directory' as const, toolVersion, warnings: [] };
  if (evaluated.length === 0)
    return { ...plan, inputs, run: async (signal) => await readFiles(snapshot, sources, signal) };
  if (jsonnet === undefined)
    throw new FleetError(
      'ToolMissing',
      `${evaluated[0]} needs jsonnet, which is not installed on the hub: install it (npm run setup), or name the file in directory.exclude`,
    );
  const options = source.directory?.jsonnet ?? {};
  const libraries = librariesOf(folder.path, options);
  const collection = createCollection(snapshot);
  for (const file of evaluated) await collectJsonnet(collection, file, libraries);
  const run = { ...deps, command: jsonnet, collection, files: evaluated, libraries, options };
  return {
    ...plan,
    inputs: [...inputs, ...collection.inputs],
    run: async (signal) => [...(await readFiles(snapshot, sources, signal)), ...(await runJsonnet(run, signal))],
  };
}

function selectionOf(directory: FileSelection): FileSelection {
  const { recurse, include, exclude, disableExtensionFilter } = directory;
  return {
    ...(recurse ? { recurse } : {}),
    ...(include ? { include } : {}),
    ...(exclude ? { exclude } : {}),
    ...(disableExtensionFilter ? { disableExtensionFilter } : {}),
  };
}

function refuseSubmodules(submodules: string[], selection: FileSelection): void {
  if (selection.recurse && submodules[0] !== undefined)
    throw new FleetError(
      'Unsupported',
      `${submodules[0]} is a Git submodule, which is not fetched; commit its files instead`,
    );
}

/** The file behind a symbolic link; each hop is an input of its own. */
async function follow(snapshot: Snapshot, file: TreeEntry, inputs: RenderInput[]): Promise<TreeEntry> {
  let at = file;
  for (let hops = 0; at.type === 'symlink' && hops < maxLinks; hops += 1) {
    const target = await linkTarget(snapshot, at);
    const next = await snapshot.entry(target);
    inputs.push({ path: target, oid: next?.oid ?? null });
    if (!next)
      throw new FleetError('ManifestInvalid', `${file.path}: symbolic link to ${target}, which does not exist`);
    at = next;
  }
  if (at.type !== 'file')
    throw new FleetError('ManifestInvalid', `${file.path}: symbolic link that does not lead to a file`);
  return at;
}

async function readFiles(
  snapshot: Snapshot,
  files: { path: string; oid: string }[],
  signal: AbortSignal,
): Promise<ManifestText[]> {
  const texts: ManifestText[] = [];
  let total = 0;
  for (const { path, oid } of files) {
    signal.throwIfAborted();
    const content = await snapshot.read(oid);
    total += content.length;
    if (total > maxBytes)
      throw new FleetError(
        'TooLarge',
        `${path} (${formatMegabytes(content.length)}): the manifests of this folder come to ${formatMegabytes(total)}, above the limit of ${formatMegabytes(maxBytes)}: split the Application`,
        { details: { path, bytes: total, limitBytes: maxBytes } },
      );
    texts.push({ origin: path, text: content.toString(), mayBeOther: true });
  }
  return texts;
}

function formatMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
