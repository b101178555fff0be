import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import type { Snapshot, TreeEntry } from '../source/source.ts';
import { formatPath, resolvePath } from './repository-path.ts';

export type SourceType = 'Directory' | 'Kustomize' | 'Helm';

export const kustomizationFiles = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** Files whose presence in the source's folder decides the tool. */
export const markerFiles = ['Chart.yaml', ...kustomizationFiles];

/** The tool that the source names; undefined when it names none. Throws Invalid for two, Unsupported for plugins. */
export function explicitSourceType(source: ApplicationSource): SourceType | undefined {
  if (source.chart)
    throw unsupported(
      source,
      `chart ${source.chart} of a Helm repository`,
      'keep the chart in Git and give spec.source.path',
    );
  if (source.plugin) throw unsupported(source, 'config management plugins', 'use helm, kustomize or plain manifests');
  const named = (['directory', 'kustomize', 'helm'] as const).filter((tool) => source[tool] !== undefined);
  if (named.length > 1)
    throw new FleetError('Invalid', `source ${source.repoURL} names several tools (${named.join(', ')}): keep one`);
  const types = { directory: 'Directory', kustomize: 'Kustomize', helm: 'Helm' } as const;
  return named[0] && types[named[0]];
}

/** Argo CD: the explicit tool, else Chart.yaml, else a kustomization file, else a directory of manifests. */
export async function discoverSourceType(source: ApplicationSource, snapshot: Snapshot): Promise<SourceType> {
  const explicit = explicitSourceType(source);
  if (explicit) return explicit;
  return typeOf(await snapshot.children((await findSourceFolder(source, snapshot)).path));
}

/** The source's folder with its entries. Throws PathOutsideRepository, PathNotFound, and Unsupported for overrides kept in Git. */
export async function openSourceFolder(
  source: ApplicationSource,
  snapshot: Snapshot,
): Promise<{ path: string; oid: string; type: SourceType }> {
  const folder = await findSourceFolder(source, snapshot);
  const children = await snapshot.children(folder.path);
  const override = children.find(({ name }) => /^\.argocd-source(?:-.*)?\.yaml$/u.test(name));
  if (override)
    throw unsupported(
      source,
      `${override.path} (parameter overrides in Git)`,
      "move its fields into the Application's spec.source",
    );
  return { ...folder, type: explicitSourceType(source) ?? typeOf(children) };
}

function typeOf(children: TreeEntry[]): SourceType {
  const names = new Set(children.filter(({ type }) => type !== 'tree').map(({ name }) => name));
  if (names.has('Chart.yaml')) return 'Helm';
  return kustomizationFiles.some((name) => names.has(name)) ? 'Kustomize' : 'Directory';
}

async function findSourceFolder(source: ApplicationSource, snapshot: Snapshot): Promise<{ path: string; oid: string }> {
  if (source.path?.startsWith('/'))
    throw new FleetError('Invalid', `spec.source.path ${source.path} is absolute: give it from the repository's root`);
  const path = resolvePath('', source.path ?? '', 'spec.source.path');
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
export function pathNotFound(source: ApplicationSource, snapshot: Snapshot, what: string): FleetError {
  return new FleetError('PathNotFound', `${what} does not exist at revision ${snapshot.sha} of ${source.repoURL}`);
}

export function unsupported(source: ApplicationSource, what: string, instead: string): FleetError {
  return new FleetError('Unsupported', `source ${source.repoURL}: ${what}: not supported yet; ${instead}`);
}
