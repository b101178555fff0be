import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { DirectorySource } from '@wheelhouse/shared/resources/application-source';
import type { Collection } from './collection.ts';
import type { ManifestText } from './manifests.ts';
import { folderOf, resolvePath } from './repository-path.ts';
import type { ToolPool } from './tool-pool.ts';
import type { Workspaces } from './workspace.ts';

type JsonnetOptions = NonNullable<DirectorySource['jsonnet']>;

const maxImports = 2_000;

/**
 * Collects a Jsonnet file with all that it imports: beside the importing file, else in the libraries, the last first. What is not
 * there is remembered, so that a file that appears makes a new render. Throws PathOutsideRepository.
 */
export async function collectJsonnet(
  collection: Collection,
  file: string,
  libraries: readonly string[],
): Promise<void> {
  const seen = new Set<string>();
  const queue = [file];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    if (seen.size > maxImports) throw new FleetError('TooLarge', `${file} imports more than ${maxImports} files`);
    const text = await textOf(collection, at);
    for (const imported of importsOf(text)) {
      const found = await findImport(collection, { from: at, imported, libraries });
      if (found !== undefined && /\.(?:jsonnet|libsonnet)$/u.test(found)) queue.push(found);
    }
  }
}

async function textOf(collection: Collection, path: string): Promise<string> {
  await collection.add(path);
  const entry = await collection.snapshot.entry(path);
  return entry?.type === 'file' ? (await collection.snapshot.read(entry.oid)).toString() : '';
}

/** Jsonnet: only literal texts can be imported. */
function importsOf(text: string): string[] {
  const found = text.matchAll(/\bimport(?:str|bin)?\s+@?(?:'(?<single>[^']*)'|"(?<double>[^"]*)")/gu);
  return [...found].map(({ groups }) => groups?.['single'] ?? groups?.['double'] ?? '');
}

async function findImport(
  collection: Collection,
  wanted: { from: string; imported: string; libraries: readonly string[] },
): Promise<string | undefined> {
  const { from, imported, libraries } = wanted;
  for (const folder of [folderOf(from), ...libraries.toReversed()]) {
    const path = resolvePath(folder, imported, `${from}: import`);
    if (await collection.add(path)) return path;
  }
  return undefined;
}

/** Libraries from the repository's root, after the source's own folder, as Argo CD has them. Throws PathOutsideRepository. */
export function librariesOf(folder: string, { libs = [] }: JsonnetOptions): string[] {
  return [folder, ...libs.map((lib) => resolvePath('', lib, 'directory.jsonnet.libs'))];
}

export interface JsonnetRun {
  pool: ToolPool;
  workspaces: Workspaces;
  command: string;
  collection: Collection;
  files: readonly string[];
  libraries: readonly string[];
  options: JsonnetOptions;
}

/** Evaluates each file on its own; an array is the manifests that it holds. */
export async function runJsonnet(run: JsonnetRun, signal: AbortSignal): Promise<ManifestText[]> {
  await using workspace = await run.workspaces.open();
  await run.collection.write(workspace.path, signal);
  // an import may name any file that the process can read, in more ways than a look at the text finds
  const { programs, ...jail } = await run.workspaces.enclose(workspace, [run.command]);
  const command = programs[run.command] ?? run.command;
  const texts: ManifestText[] = [];
  for (const file of run.files) {
    const args = [...flagsOf(run.options), ...run.libraries.flatMap((lib) => ['-J', join(jail.root, lib)]), file];
    const text = await run.pool({ command, args, cwd: jail.root, what: `jsonnet of ${file}`, ...jail }, signal);
    texts.push({ origin: file, text: asList(text) });
  }
  return texts;
}

function flagsOf({ extVars = [], tlas = [] }: JsonnetOptions): string[] {
  return [
    ...extVars.flatMap(({ name, value, code }) => [code ? '--ext-code' : '--ext-str', `${name}=${value}`]),
    ...tlas.flatMap(({ name, value, code }) => [code ? '--tla-code' : '--tla-str', `${name}=${value}`]),
  ];
}

function asList(json: string): string {
  return json.trimStart().startsWith('[') ? `{"apiVersion":"v1","kind":"List","items":${json}}` : json;
}
