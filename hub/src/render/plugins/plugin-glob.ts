import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { compilePathMatch } from '@wheelhouse/shared/glob/path-match';
import { compileDoublestar } from '../../source/doublestar.ts';

/**
 * A pattern of paths below the source's folder. Argo CD: Go's filepath.Glob, of which `*` stops at a slash; `isDeep`: doublestar,
 * where `**` does not. Throws Invalid, naming `what`, for one that leads out of the folder or cannot be read.
 */
export function compilePluginGlob(
  pattern: string,
  { what, isDeep = false }: { what: string; isDeep?: boolean },
): (path: string) => boolean {
  const segments = pattern.split('/').filter((segment) => segment !== '.' && segment !== '');
  if (segments.includes('..'))
    throw new FleetError('Invalid', `${what}: ${pattern} leads out of the source's folder: name what is in it`);
  const relative = segments.join('/');
  const matches = isDeep ? compileDoublestar(relative) : compilePathMatch(relative);
  if (!matches || relative === '') throw new FleetError('Invalid', `${what}: pattern ${pattern} is malformed`);
  return matches;
}
