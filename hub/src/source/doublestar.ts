import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { compileLinear } from '@wheelhouse/shared/glob/linear';
import { endOfStars, escapeChar, type Glob, type Piece, readClass } from '@wheelhouse/shared/glob/path-match';

/**
 * Paths of files by a pattern in which a segment `**` stands for any number of segments, `*` stops at a slash and braces are
 * alternatives (Argo CD: bmatcuk/doublestar). Its time is linear in a path, whatever the pattern. Throws Invalid.
 */
export function compileDoublestar(pattern: string, { strictSlashes = false } = {}): Glob {
  return compileLinear(toSource(pattern, strictSlashes));
}

/** `strictSlashes`: a `**` at the end stands for one segment or more; so it does after a star. */
function toSource(pattern: string, strictSlashes: boolean): string {
  let source = '';
  let depth = 0;
  for (let at = 0; at < pattern.length; ) {
    const piece = readGlobstar(pattern, at, strictSlashes) ?? readBrace(pattern, at, depth) ?? readPiece(pattern, at);
    if (pattern.charAt(at) === '{') depth += 1;
    if (pattern.charAt(at) === '}' && depth > 0) depth -= 1;
    source += piece.source;
    at = piece.end;
  }
  if (depth > 0) malformed(pattern, 'a { is not closed');
  return source;
}

/** A segment `**`, with a slash beside it. */
function readGlobstar(pattern: string, at: number, strictSlashes: boolean): Piece | undefined {
  const globstar = /(?<=^|[/{,])\*{2,}\/|\/\*{2,}(?=$|[,}])|(?<=^|[/{,])\*{2,}(?=$|[,}])/uy;
  globstar.lastIndex = at;
  const found = globstar.exec(pattern)?.[0];
  if (found === undefined) return undefined;
  const end = at + found.length;
  if (found.endsWith('/')) return { source: '(?:.*\\/)?', end };
  if (!found.startsWith('/')) return { source: '.*', end };
  const mayBeNone = !strictSlashes && end === pattern.length && pattern.charAt(at - 1) !== '*';
  return { source: mayBeNone ? '(?:\\/.*)?' : '\\/.*', end };
}

function readBrace(pattern: string, at: number, depth: number): Piece | undefined {
  const char = pattern.charAt(at);
  if (char === '{') return { source: '(?:', end: at + 1 };
  if (depth === 0) return undefined;
  if (char === ',') return { source: '|', end: at + 1 };
  return char === '}' ? { source: ')', end: at + 1 } : undefined;
}

function readPiece(pattern: string, at: number): Piece {
  const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
  if (char === '*') return { source: '[^/]*', end: endOfStars(pattern, at) };
  if (char === '?') return { source: '[^/]', end: at + 1 };
  if (char === '[') return readClass(pattern, at, '!^') ?? malformed(pattern, 'a [ is not closed');
  if (char === '\\') return { source: escapeChar(pattern.charAt(at + 1)), end: at + 2 };
  return { source: escapeChar(char), end: at + char.length };
}

function malformed(pattern: string, reason: string): never {
  throw new FleetError('Invalid', `pattern ${pattern} is malformed: ${reason}`);
}
