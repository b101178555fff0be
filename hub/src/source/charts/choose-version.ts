import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { eq, parse } from 'semver';
import { isConstraint, newestMatch } from '../version-constraint.ts';

/**
 * The version of a chart that a targetRevision stands for: itself, the same version written otherwise (`v1.2.3`, `1.2`), or the
 * newest that a range takes. Helm: pre-releases only where the range names one. Throws RevisionNotFound, naming what there is.
 */
export function chooseVersion(versions: readonly string[], targetRevision: string, what: string): string {
  const wanted = targetRevision.trim();
  const exact = versions.find((version) => version === wanted) ?? versions.find((version) => isSame(version, wanted));
  if (exact !== undefined) return exact;
  const range = wanted === '' ? '*' : wanted;
  const newest = newestMatch(versions, isConstraint(range) ? range : `~${range.replace(/^v/u, '')}`);
  if (newest !== undefined) return newest;
  const offered = versions.slice(0, 5).join(', ');
  throw new FleetError(
    'RevisionNotFound',
    versions.length === 0
      ? `${what} does not exist, or has no version`
      : `${what} has no version ${wanted}; there are ${offered}${versions.length > 5 ? ' and others' : ''}`,
  );
}

function isSame(version: string, wanted: string): boolean {
  const [a, b] = [parse(version, { loose: true }), parse(wanted, { loose: true })];
  return a !== null && b !== null && eq(a, b);
}
