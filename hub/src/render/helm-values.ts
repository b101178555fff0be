import type { ApplicationSource, HelmSource } from '@wheelhouse/shared/resources/application-source';
import picomatch from 'picomatch';
import type { Snapshot } from '../source/source.ts';
import type { Collection } from './collection.ts';
import { pathNotFound, unsupported } from './discover.ts';
import { resolvePath } from './repository-path.ts';

export interface HelmFiles {
  source: ApplicationSource;
  snapshot: Snapshot;
  collection: Collection;
  /** The chart's folder. */
  folder: string;
}

/**
 * Value files in helm's order, as paths from the repository's root, each once; they are collected with what they depend
 * upon. Argo CD: a leading '/' is the repository's root; globs stand for what they match by name, except files that are
 * listed themselves. Throws PathOutsideRepository, PathNotFound, Unsupported (URLs, files of another source).
 */
export async function collectValueFiles(files: HelmFiles, options: HelmSource): Promise<string[]> {
  const entries = (options.valueFiles ?? []).map((file) => parseEntry(files, file));
  const listed = new Set(entries.filter(({ glob }) => !glob).map(({ path }) => path));
  const found = new Set<string>();
  for (const { path, glob } of entries) {
    const matches = glob ? await expand(files, path) : [path];
    for (const match of matches) if (!glob || !listed.has(match)) await take(match, found);
    if (matches.length === 0 && !options.ignoreMissingValueFiles)
      throw pathNotFound(files.source, files.snapshot, `a file that matches helm.valueFiles ${path}`);
  }
  return [...found];

  async function take(path: string, into: Set<string>): Promise<void> {
    if (await files.collection.add(path)) into.add(path);
    else if (!options.ignoreMissingValueFiles)
      throw pathNotFound(files.source, files.snapshot, `helm.valueFiles: ${path}`);
  }
}

/** Argo CD: helm.fileParameters, relative to the chart or absolute from the repository's root. Name to path. */
export async function collectFileParameters(files: HelmFiles, options: HelmSource): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for (const { name = '', path = '' } of options.fileParameters ?? []) {
    const target = resolvePath(files.folder, path, 'helm.fileParameters');
    if (!(await files.collection.add(target)))
      throw pathNotFound(files.source, files.snapshot, `helm.fileParameters: ${target}`);
    paths.set(name, target);
  }
  return paths;
}

function parseEntry({ source, folder }: HelmFiles, file: string): { path: string; glob: boolean } {
  if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(file))
    throw unsupported(source, `value file ${file} by URL`, 'keep it in the repository');
  if (file.startsWith('$'))
    throw unsupported(source, `value file ${file} of another source`, 'keep it in the repository of the chart');
  return { path: resolvePath(folder, file, 'helm.valueFiles'), glob: /[*?[{]/u.test(file) };
}

/** A glob depends upon the whole folder below which it looks. */
async function expand({ snapshot, collection }: HelmFiles, pattern: string): Promise<string[]> {
  const segments = pattern.split('/');
  const folder = segments
    .slice(
      0,
      segments.findIndex((segment) => /[*?[{]/u.test(segment)),
    )
    .join('/');
  if ((await snapshot.entry(folder))?.type !== 'tree') {
    await collection.add(folder);
    return [];
  }
  await collection.add(folder);
  const matches = picomatch(pattern, { dot: true, nonegate: true, noextglob: true });
  const files = (await Array.fromAsync(snapshot.walk(folder))).filter(({ type }) => type !== 'tree');
  return files
    .map(({ path }) => path)
    .filter((path) => matches(path))
    .sort();
}
