import path from 'node:path';
import { compilePathMatch } from '@wheelhouse/shared/glob/path-match';
import type { Application } from '@wheelhouse/shared/resources/application';
import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';

export const generatePathsAnnotation = 'argocd.argoproj.io/manifest-generate-paths';

interface SourcePath {
  path?: string;
}

/**
 * Argo CD: the paths below which a change makes manifests of this source again, from the repository's root. Empty when
 * the Application does not say: then any change does. Paths of the annotation are relative to the source's, or begin
 * with `/`; what a source hydrator writes counts by its own path.
 */
export function refreshPaths(
  annotations: Readonly<Record<string, string>> | null | undefined,
  source: SourcePath,
  syncSource?: SourcePath,
): string[] {
  const items = (annotations?.[generatePathsAnnotation] ?? '').split(';').map((item) => item.trim());
  const given = items.filter((item) => item !== '');
  const paths = given.map((item) =>
    item.startsWith('/') ? item.slice(1) : withoutSlash(path.posix.join(source.path ?? '', item)),
  );
  if (paths.length === 0 && syncSource !== undefined && syncSource.path === source.path) return [source.path ?? ''];
  return paths;
}

/** As `refreshPaths`, over all sources of an Application; what is written for it counts whatever the annotation says. */
export function refreshPathsOf({ metadata, spec }: Application): string[] {
  if (!spec.sourceHydrator) return sourcesOf(spec).flatMap((source) => refreshPaths(metadata.annotations, source));
  const paths = refreshPaths(metadata.annotations, drySourceOf(spec.sourceHydrator));
  return paths.length === 0 ? [] : [...paths, spec.sourceHydrator.syncSource.path];
}

/**
 * Argo CD: whether a change of these files is one below these paths, each of which is a file, a directory or a pattern
 * (path.Match, which does not cross `/`). True when either list is empty: nothing is known then.
 */
export function filesChanged(paths: readonly string[], changedFiles: readonly string[]): boolean {
  if (paths.length === 0 || changedFiles.length === 0) return true;
  const files = changedFiles.map((file) => (file.startsWith('/') ? file : `/${file}`));
  return paths.some((item) => {
    const matches = compileRefreshPath(item.startsWith('/') ? item : `/${item}`);
    return files.some(matches);
  });
}

function compileRefreshPath(item: string): (file: string) => boolean {
  const globs = item.split('/').map(compilePathMatch);
  const root = withoutSlash(path.posix.normalize(item));
  const matches = (file: string) => {
    const segments = file.split('/');
    return segments.length === globs.length && globs.every((glob, index) => glob?.(segments[index] ?? '') === true);
  };
  return (file) => file === item || isWithin(path.posix.normalize(file), root) || matches(file);
}

function isWithin(file: string, root: string): boolean {
  return file === root || root === '/' || file.startsWith(`${root}/`);
}

function withoutSlash(text: string): string {
  return text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text;
}
