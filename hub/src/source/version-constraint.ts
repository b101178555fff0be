import { parse, Range, type SemVer } from 'semver';

/**
 * Version constraints over tag names, as Argo CD takes them in targetRevision (Masterminds/semver): `1.2.*`, `^1.2.0`,
 * `>=1.0.0, <2.0.0`; a leading `v` and missing minor or patch numbers are accepted in tags.
 */
export function satisfies(tag: string, constraint: string): boolean {
  const range = parseConstraint(constraint);
  const version = parseVersion(tag);
  return range !== undefined && version !== undefined && range.test(version);
}

/** The greatest tag that satisfies; undefined when none does, or when `constraint` is a plain version or no constraint. */
export function newestMatch(tags: readonly string[], constraint: string): string | undefined {
  if (!isConstraint(constraint)) return undefined;
  let best: { tag: string; version: SemVer } | undefined;
  for (const tag of tags) {
    const version = parseVersion(tag);
    if (version && satisfies(tag, constraint) && (!best || version.compare(best.version) > 0)) best = { tag, version };
  }
  return best?.tag;
}

export function isConstraint(text: string): boolean {
  return parseVersion(text) === undefined && parseConstraint(text) !== undefined;
}

function parseConstraint(text: string): Range | undefined {
  if (text.trim() === '') return undefined;
  try {
    return new Range(text.replaceAll(',', ' '));
  } catch {
    return undefined; // an ordinary branch or tag name
  }
}

function parseVersion(text: string): SemVer | undefined {
  const parts = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.exec(text);
  if (!parts) return undefined;
  const [, major, minor = '0', patch = '0', prerelease = '', build = ''] = parts;
  return parse(`${major}.${minor}.${patch}${prerelease}${build}`) ?? undefined;
}
