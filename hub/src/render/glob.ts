import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { compileLinear } from '@wheelhouse/shared/glob/linear';
import { endOfStars, type Glob } from '@wheelhouse/shared/glob/path-match';

/**
 * Compiles a pattern of `directory.include` or `directory.exclude`. Argo CD: gobwas globs without separators, so `*` and
 * `**` cross '/', `?` is any character, and `[a-c]`, `[!a-c]`, `{a,b}` and `\` work. Throws Invalid naming `what`.
 */
export function compileGlob(pattern: string, what: string): Glob {
  const reader = { pattern, at: 0, what };
  const source = readSequence(reader, 0);
  try {
    return compileLinear(source);
  } catch (cause) {
    throw malformed(reader, 'a range in [] runs backwards', cause);
  }
}

interface Reader {
  pattern: string;
  at: number;
  what: string;
}

function readSequence(reader: Reader, depth: number): string {
  let source = '';
  while (reader.at < reader.pattern.length) {
    const char = take(reader);
    if (depth > 0 && char === '}') return source;
    source += readToken(reader, char, depth);
  }
  if (depth > 0) throw malformed(reader, 'a { is not closed');
  return source;
}

function readToken(reader: Reader, char: string, depth: number): string {
  switch (char) {
    case '*':
      reader.at = endOfStars(reader.pattern, reader.at - 1);
      return '.*';
    case '?':
      return '.';
    case '[':
      return readClass(reader);
    case '{':
      return `(?:${readSequence(reader, depth + 1)})`;
    case ',':
      return depth > 0 ? '|' : ',';
    case '\\':
      return escape(take(reader));
    default:
      return escape(char);
  }
}

function readClass(reader: Reader): string {
  const end = reader.pattern.indexOf(']', reader.at + 1);
  if (end < 0) throw malformed(reader, 'a [ is not closed');
  const body = reader.pattern.slice(reader.at, end);
  reader.at = end + 1;
  const negated = body.startsWith('!');
  const members = (negated ? body.slice(1) : body).replaceAll(/[\\\]^[]/gu, String.raw`\$&`);
  return `[${negated ? '^' : ''}${members}]`;
}

/** The next character; a surrogate pair is one. */
function take(reader: Reader): string {
  const code = reader.pattern.codePointAt(reader.at);
  if (code === undefined) throw malformed(reader, 'it ends with a backslash');
  const char = String.fromCodePoint(code);
  reader.at += char.length;
  return char;
}

function escape(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/u.test(char) ? `\\${char}` : char;
}

function malformed(reader: Reader, reason: string, cause?: unknown): FleetError {
  return new FleetError('Invalid', `${reader.what}: pattern ${reader.pattern} is malformed: ${reason}`, { cause });
}
