import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import type { Snapshot, TreeEntry } from '../source/source.ts';
import { formatPath, resolvePath } from './repository-path.ts';
import { applyOverrides, findOverrides } from './source-overrides.ts';

export type SourceType = 'Directory' | 'Kustomize' | 'Helm' | 'Plugin';

export const kustomizationFiles = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** Files whose presence in the source's folder decides the tool. */
export const markerFiles = ['Chart.yaml', ...kustomizationFiles];

/** Argo CD: a source with `ref` and neither path nor chart only lends its files to others. */
export function isReferenceOnly(source: ApplicationSource): boolean {
  return Boolean(source.ref) && !source.path && !source.chart;
}

/** The tool that the source names; undefined when it names none. Throws Invalid for two. */
export function explicitSourceType(source: ApplicationSource): SourceType | undefined {
  const named = (['directory', 'kustomize', 'helm', 'plugin'] as const).filter((tool) => source[tool] !== undefined);
  if (named.length > 1)
    throw new FleetError('Invalid', `source ${source.repoURL} names several tools (${named.join(', ')}): keep one`);
  const types = { directory: 'Directory', kustomize: 'Kustomize', helm: 'Helm', plugin: 'Plugin' } as const;
  if (source.chart && named[0] && named[0] !== 'helm')
    throw new FleetError(
      'Invalid',
      `source ${source.repoURL} has a chart and ${named[0]}: a chart is rendered by helm`,
    );
  return source.chart ? 'Helm' : named[0] && types[named[0]];
}

export interface Discovery {
  /** Finds the plugin that takes a folder of which the source names no tool. Absent: there are no plugins. */
  findPlugin?: (
    place: FoundFolder & { source: ApplicationSource; snapshot: Snapshot },
    signal: AbortSignal,
  ) => Promise<object | undefined>;
  /** Id of the Application whose own overrides in Git count too. */
  overriddenBy?: string | undefined;
  /** The source's folder, where it was looked into already. */
  folder?: KnownFolder | undefined;
  signal: AbortSignal;
}

/** Argo CD: the explicit tool, else a plugin that finds itself meant, else Chart.yaml, else a kustomization file, else a directory of manifests. */
export async function discoverSourceType(
  source: ApplicationSource,
  snapshot: Snapshot,
  how: Discovery,
): Promise<SourceType> {
  return (await openSourceFolder(source, snapshot, how)).type;
}

interface FoundFolder {
  path: string;
  oid: string;
}

export interface KnownFolder extends FoundFolder {
  children: TreeEntry[];
}

export interface SourceFolder extends FoundFolder {
  type: SourceType;
  /** The source with what files in Git override. */
  source: ApplicationSource;
}

/** The source's folder. Throws PathOutsideRepository, PathNotFound, and Malformed or UnknownField for overrides kept in Git. */
export async function openSourceFolder(
  given: ApplicationSource,
  snapshot: Snapshot,
  how: Discovery,
): Promise<SourceFolder> {
  const { path, oid } = how.folder ?? (await findSourceFolder(given, snapshot));
  const children = how.folder?.children ?? (await snapshot.children(path));
  const source = await applyOverrides(given, { snapshot, files: findOverrides(children, how.overriddenBy) });
  const found =
    explicitSourceType(source) ?? ((await how.findPlugin?.({ path, oid, source, snapshot }, how.signal)) && 'Plugin');
  return { path, oid, source, type: found ?? typeOf(children) };
}

/** Of a folder with these children, where its source names no tool. */
function typeOf(children: readonly TreeEntry[]): SourceType {
  const names = new Set(children.filter(({ type }) => type !== 'tree').map(({ name }) => name));
  if (names.has('Chart.yaml')) return 'Helm';
  return kustomizationFiles.some((name) => names.has(name)) ? 'Kustomize' : 'Directory';
}

/** A chart is its own root, whatever the path says. */
export async function findSourceFolder(source: ApplicationSource, snapshot: Snapshot): Promise<FoundFolder> {
  const written = source.chart ? '' : (source.path ?? '');
  if (written.startsWith('/'))
    throw new FleetError('Invalid', `spec.source.path ${written} is absolute: give it from the repository's root`);
  const path = resolvePath('', written, 'spec.source.path');
  const entry = await snapshot.entry(path);
  if (!entry) throw pathNotFound(source, snapshot, `path ${formatPath(path)}`);
  if (entry.type !== 'tree')
    throw new FleetError(
      'PathNotFound',
      `path ${path} is not a folder at revision ${snapshot.sha} of ${source.repoURL}`,
    );
  return { path, oid: entry.oid };
}

/** PathNotFound that names what was asked for, the revision and the repository. */
export function pathNotFound(source: { repoURL: string }, snapshot: Snapshot, what: string): FleetError {
  return new FleetError('PathNotFound', `${what} does not exist at revision ${snapshot.sha} of ${source.repoURL}`);
}

export function unsupported(source: ApplicationSource, what: string, instead: string): FleetError {
  return new FleetError('Unsupported', `source ${source.repoURL}: ${what}: not supported yet; ${instead}`);
}
