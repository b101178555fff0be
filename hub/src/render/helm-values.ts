import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource, HelmSource } from '@wheelhouse/shared/resources/application-source';
import { compileDoublestar } from '../source/doublestar.ts';
import { withoutLogin } from '../source/http/http-client.ts';
import type { Collection } from './collection.ts';
import type { References } from './references.ts';
import { resolvePath } from './repository-path.ts';

export interface HelmFiles {
  source: ApplicationSource;
  collection: Collection;
  /** The chart's folder. */
  folder: string;
  references: References;
  /** URL schemes from which value files may be read. Argo CD: helm.valuesFileSchemes. */
  valuesFileSchemes: readonly string[];
}

/** A file that helm reads besides its chart: of a repository, or by URL. */
export type HelmFile = { in: Collection; path: string; missing?: true } | { url: string };

/**
 * Value files in helm's order, each once; they are collected with what they depend upon. Argo CD: a leading '/' is the
 * repository's root, `$ref/` that of another source; globs stand for what they match by name, except files that are
 * listed themselves; a file that is not there is helm's to complain of, unless it may be missing. Throws
 * PathOutsideRepository, PathNotFound (a glob without a match) and Invalid.
 */
export async function collectValueFiles(files: HelmFiles, options: HelmSource): Promise<HelmFile[]> {
  const entries = (options.valueFiles ?? []).map((file) => parseEntry(files, file));
  const listed = new Set(entries.filter((entry) => 'url' in entry || !entry.glob).map(identityOf));
  const found = new Map<string, HelmFile>();
  const take = async (file: HelmFile) => {
    if ('url' in file) found.set(identityOf(file), file);
    else if (await file.in.add(file.path)) found.set(identityOf(file), { in: file.in, path: file.path });
    else if (!options.ignoreMissingValueFiles) found.set(identityOf(file), { ...file, missing: true });
  };
  for (const entry of entries) {
    if ('url' in entry || !entry.glob) {
      await take(entry);
      continue;
    }
    const matches = await expand(entry.in, entry.path);
    if (matches.length === 0 && !options.ignoreMissingValueFiles)
      throw new FleetError(
        'PathNotFound',
        `helm.valueFiles: no file matches ${entry.path} at revision ${entry.in.snapshot.sha} of ${files.source.repoURL}`,
      );
    for (const path of matches) if (!listed.has(identityOf({ in: entry.in, path }))) await take({ in: entry.in, path });
  }
  return [...found.values()];
}

/**
 * Argo CD: helm.fileParameters, relative to the chart, absolute from the repository's root, or `$ref/…`. Throws Invalid for a name
 * with which helm would read other files than these: it has `name=path` and several of them with commas between.
 */
export async function collectFileParameters(files: HelmFiles, options: HelmSource): Promise<Map<string, HelmFile>> {
  const parameters = new Map<string, HelmFile>();
  for (const { name = '', path = '' } of options.fileParameters ?? []) {
    if (/[=,]/u.test(name))
      throw new FleetError(
        'Invalid',
        `helm.fileParameters: the name ${name} holds "=" or ",": give each value its own entry`,
      );
    const place = placeOf(files, path, 'helm.fileParameters');
    const present = await place.in.add(place.path);
    parameters.set(name, present ? place : { ...place, missing: true });
  }
  return parameters;
}

/** Throws PathNotFound for a file that helm would not find, naming it as in its repository. */
export function refuseMissing(files: HelmFiles, what: string, wanted: Iterable<HelmFile>): void {
  for (const file of wanted)
    if ('missing' in file)
      throw new FleetError(
        'PathNotFound',
        `${what}: ${file.path} does not exist at revision ${file.in.snapshot.sha} of ${repositoryOf(files, file.in)}`,
      );
}

function repositoryOf({ source, collection }: HelmFiles, of: Collection): string {
  return of === collection ? source.repoURL : `source ${of.folder}`;
}

function identityOf(file: HelmFile): string {
  return 'url' in file ? file.url : `${file.in.folder}/${file.path}`;
}

function parseEntry(files: HelmFiles, file: string): { url: string } | { in: Collection; path: string; glob: boolean } {
  const scheme = /^(?<scheme>[a-z][a-z0-9+.-]*):/iu.exec(file)?.groups?.['scheme']?.toLowerCase();
  if (scheme !== undefined) {
    if (files.valuesFileSchemes.includes(scheme)) return { url: file };
    throw new FleetError(
      'Invalid',
      `helm.valueFiles: ${withoutLogin(file)}: the scheme ${scheme} is not among helm.valuesFileSchemes (${files.valuesFileSchemes.join(', ')})`,
    );
  }
  return { ...placeOf(files, file, 'helm.valueFiles'), glob: /[*?[{]/u.test(file) };
}

function placeOf(files: HelmFiles, file: string, what: string): { in: Collection; path: string } {
  const [, ref, rest = ''] = /^\$(?<ref>[\w-]+)(?:\/(?<rest>.*))?$/u.exec(file) ?? [];
  if (ref === undefined) return { in: files.collection, path: resolvePath(files.folder, file, what) };
  const collection = files.references.find(ref);
  if (collection) return { in: collection, path: resolvePath('', rest, what) };
  const names = files.references.names();
  throw new FleetError(
    'Invalid',
    `${what}: ${file} names a source that is not there: give one of spec.sources the ref ${ref}${names.length > 0 ? `, or use ${names.join(', ')}` : ''}`,
  );
}

/** A glob depends upon the whole folder below which it looks. */
async function expand({ snapshot, add }: Collection, pattern: string): Promise<string[]> {
  const segments = pattern.split('/');
  const folder = segments
    .slice(
      0,
      segments.findIndex((segment) => /[*?[{]/u.test(segment)),
    )
    .join('/');
  await add(folder);
  if ((await snapshot.entry(folder))?.type !== 'tree') return [];
  const matches = compileDoublestar(pattern);
  const files = (await Array.fromAsync(snapshot.walk(folder))).filter(({ type }) => type !== 'tree');
  return files
    .map(({ path }) => path)
    .filter((path) => matches(path))
    .sort();
}
