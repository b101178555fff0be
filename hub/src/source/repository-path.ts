import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/**
 * Splits a path from the root of a repository into names: `''`, `.` and `/` are the root, `a/../b` is `b`. A leading slash is
 * accepted, as Argo CD does for value files. Throws PathOutsideRepository when `..` leaves the root, or for a NUL.
 */
export function parsePath(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) throw outside(path);
  }
  if (path.includes('\0')) throw outside(path);
  return names;
}

export function outside(path: string, why = 'leaves the repository'): FleetError {
  return new FleetError('PathOutsideRepository', `path ${JSON.stringify(path)} ${why}; use a path inside it`, {
    details: { path },
  });
}
