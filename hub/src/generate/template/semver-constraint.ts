import { compare, SemVer } from 'semver';

// Masterminds/semver reads constraints otherwise than npm does: `1.2` means ~1.2, an `x` may stand anywhere, commas and
// spaces join, and a prerelease matches only where a constraint of the same group names one.
const part = String.raw`[0-9xX*]+`;
const version = String.raw`v?(${part})(?:\.(${part}))?(?:\.(${part}))?(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z.-]+)?`;
const operator = String.raw`!=|>=|=>|<=|=<|~>|=|>|<|~|\^|`;
const single = new RegExp(String.raw`(${operator})\s*${version}`, 'y');
const hyphen = new RegExp(String.raw`(${version})\s+-\s+(${version})`, 'g');

interface Constraint {
  operator: string;
  version: SemVer;
  /** How many numbers of the version were given: the others are free. */
  given: number;
}

/** Whether a version fits a constraint such as `>=1.2, <2 || ~3.1`. Throws when the constraint cannot be read. */
export function satisfies(candidate: SemVer, constraint: string): boolean {
  return parseConstraints(constraint).some((group) => {
    const prerelease = group.some((one) => one.version.prerelease.length > 0);
    if (candidate.prerelease.length > 0 && !prerelease) return false;
    return group.every((one) => checks[one.operator]?.(candidate, one) ?? false);
  });
}

function parseConstraints(text: string): Constraint[][] {
  const expanded = text.replaceAll(hyphen, (...match) => `>=${match[1]},<=${match[6]}`);
  return expanded.split('||').map((group) => parseGroup(group.trim()));
}

function parseGroup(text: string): Constraint[] {
  if (text === '') throw new Error('improper constraint: it is empty');
  const constraints: Constraint[] = [];
  let at = 0;
  while (at < text.length) {
    single.lastIndex = at;
    const match = single.exec(text);
    if (match === null) throw new Error(`improper constraint: ${text}`);
    constraints.push(parseOne(match));
    const separator = /^(?:\s*,\s*|\s+|$)/.exec(text.slice(single.lastIndex));
    if (separator === null) throw new Error(`improper constraint: ${text}`);
    at = single.lastIndex + separator[0].length;
  }
  return constraints;
}

function parseOne([, operator = '', ...parts]: RegExpExecArray): Constraint {
  const numbers = parts
    .slice(0, 3)
    .map((part) => (part === undefined || /[xX*]/.test(part) ? undefined : Number(part)));
  const free = numbers.indexOf(undefined);
  const given = free < 0 ? 3 : free;
  const full = [0, 1, 2].map((index) => (index < given ? (numbers[index] ?? 0) : 0)).join('.');
  return { operator: aliases[operator] ?? operator, version: new SemVer(full + (parts[3] ?? '')), given };
}

const aliases: Record<string, string> = { '': '=', '=>': '>=', '=<': '<=', '~>': '~' };

type Check = (candidate: SemVer, constraint: Constraint) => boolean;

/** Whether the numbers that the constraint gives are those of the candidate. */
function samePrefix(candidate: SemVer, { version, given }: Constraint): boolean {
  if (given > 0 && candidate.major !== version.major) return false;
  return given < 2 || candidate.minor === version.minor;
}

const tilde: Check = (candidate, constraint) => {
  const { version, given } = constraint;
  if (compare(candidate, version) < 0) return false;
  if (version.major === 0 && version.minor === 0 && version.patch === 0 && given !== 1 && given !== 2) return true;
  return samePrefix(candidate, constraint);
};

const caret: Check = (candidate, { version, given }) => {
  if (compare(candidate, version) < 0) return false;
  if (version.major > 0 || given === 1) return candidate.major === version.major;
  if (candidate.major > version.major) return false;
  if (version.minor > 0 || given === 2) return candidate.minor === version.minor;
  if (candidate.minor > version.minor) return false;
  return candidate.patch === version.patch;
};

const checks: Record<string, Check> = {
  '=': (candidate, constraint) =>
    constraint.given < 3 ? tilde(candidate, constraint) : compare(candidate, constraint.version) === 0,
  '!=': (candidate, constraint) =>
    constraint.given === 1 || constraint.given === 2
      ? !samePrefix(candidate, constraint)
      : compare(candidate, constraint.version) !== 0,
  '>': (candidate, constraint) => {
    const { version, given } = constraint;
    if (given === 3 || given === 0) return compare(candidate, version) > 0;
    return compare(candidate, version) > 0 && !samePrefix(candidate, constraint);
  },
  '>=': (candidate, { version }) => compare(candidate, version) >= 0,
  '<': (candidate, { version }) => compare(candidate, version) < 0,
  '<=': (candidate, constraint) => {
    if (compare(candidate, constraint.version) <= 0) return true;
    if (constraint.given === 0) return candidate.major === 0 && candidate.minor === 0;
    return constraint.given < 3 && samePrefix(candidate, constraint);
  },
  '~': tilde,
  '^': caret,
};
