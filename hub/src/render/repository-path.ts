import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/**
 * Resolves a path against a folder, both from the repository's root ('' is the root); a leading '/' means that root.
 * `what` names the field for people. Throws PathOutsideRepository when it leads out.
 */
export function resolvePath(folder: string, path: string, what: string): string {
  const resolved: string[] = path.startsWith('/') ? [] : segmentsOf(folder);
  for (const segment of segmentsOf(path)) {
    if (segment !== '..') resolved.push(segment);
    else if (resolved.pop() === undefined)
      throw new FleetError('PathOutsideRepository', `${what}: ${path} leads out of the repository`, {
        details: { folder, path },
      });
  }
  return resolved.join('/');
}

/** The folder that holds a path; '' is the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Whether a path is the folder itself or below it. */
export function isWithin(folder: string, path: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** A path below a folder, from that folder. */
export function relativePath(folder: string, path: string): string {
  return folder === '' ? path : path.slice(folder.length + 1);
}

/** A path for people: the root has a name too. */
export function formatPath(path: string): string {
  return path === '' ? '.' : path;
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}
