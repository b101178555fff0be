import { compare, parse, SemVer } from 'semver';
import { type FunctionMap, fn } from '../go-function.ts';
import { satisfies } from '../semver-constraint.ts';
import { GoStruct, Int, type Value } from '../value.ts';

// Masterminds/semver: a leading v and missing numbers are allowed.
const loose =
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** Masterminds/semver: `*Version`. */
class Version extends GoStruct {
  readonly kind = 'ptr';
  readonly typeName = '*semver.Version';
  readonly version: SemVer;
  readonly original: string;

  constructor(original: string) {
    super();
    this.original = original;
    this.version = parseVersion(original);
  }

  override toString(): string {
    const build = this.version.build.length > 0 ? `+${this.version.build.join('.')}` : '';
    return this.version.version + build;
  }

  toJSON(): string {
    return this.toString();
  }

  override readonly methods = {
    Major: () => new Int(this.version.major, 'uint64'),
    Minor: () => new Int(this.version.minor, 'uint64'),
    Patch: () => new Int(this.version.patch, 'uint64'),
    Prerelease: () => this.version.prerelease.join('.'),
    Metadata: () => this.version.build.join('.'),
    Original: () => this.original,
    String: () => this.toString(),
    IncMajor: () => new Version(new SemVer(this.version).inc('major').version),
    IncMinor: () => new Version(new SemVer(this.version).inc('minor').version),
    IncPatch: () => new Version(new SemVer(this.version).inc('patch').version),
    Compare: (other: Value) => new Int(compare(this.version, versionOf(other))),
    Equal: (other: Value) => compare(this.version, versionOf(other)) === 0,
    LessThan: (other: Value) => compare(this.version, versionOf(other)) < 0,
    GreaterThan: (other: Value) => compare(this.version, versionOf(other)) > 0,
  };
}

function versionOf(value: Value): SemVer {
  if (value instanceof Version) return value.version;
  throw new Error('expected *semver.Version');
}

function parseVersion(text: string): SemVer {
  const match = loose.exec(text);
  const [, major, minor = '0', patch = '0', prerelease, build] = match ?? [];
  const numbers = [major, minor, patch].map((part) => part?.replace(/^0+(?=\d)/, '')).join('.');
  const full = `${numbers}${prerelease === undefined ? '' : `-${prerelease}`}${build === undefined ? '' : `+${build}`}`;
  const version = match === null ? null : parse(full);
  if (version === null) throw new Error('invalid semantic version');
  return version;
}

/** sprig: semantic versions. */
export const semverFunctions: FunctionMap = {
  semver: fn(['string'], (text) => new Version(text)),
  semverCompare: fn(['string', 'string'], (constraint, version) => satisfies(parseVersion(version), constraint)),
};
