import { compileLinear } from '@wheelhouse/shared/glob/linear';
import { endOfStars, escapeChar, type Glob, type Piece, readClass } from '@wheelhouse/shared/glob/path-match';

/**
 * Git: a pathspec of `git ls-files`. `*` and `?` match slashes too; a pattern without wildcards names a file or a whole
 * directory.
 */
export function compilePathspec(pattern: string): Glob {
  const literal = withoutDot(pattern);
  const directory = literal === '' || literal.endsWith('/') ? literal : `${literal}/`;
  const inside: Glob = (path) => path === literal || path.startsWith(directory);
  if (!/[*?[\\]/.test(literal)) return inside;
  let source = '';
  for (let at = 0; at < literal.length; ) {
    const piece = readPiece(literal, at);
    source += piece.source;
    at = piece.end;
  }
  const matches = compileLinear(source);
  return (path) => inside(path) || matches(path);
}

function readPiece(pattern: string, at: number): Piece {
  const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
  if (char === '*') return { source: '.*', end: endOfStars(pattern, at) };
  if (char === '?') return { source: '.', end: at + 1 };
  if (char === '\\') return { source: escapeChar(pattern.charAt(at + 1)), end: at + 2 };
  if (char === '[') return readClass(pattern, at, '!^') ?? { source: '\\[', end: at + 1 };
  return { source: escapeChar(char), end: at + char.length };
}

function withoutDot(pattern: string): string {
  return pattern.replace(/^(?:\.\/)+/, '').replace(/^\.$/, '');
}

/** The directory that holds everything a pathspec or glob can match: what stands before its first wildcard. */
export function literalDirectory(pattern: string): string {
  const clean = withoutDot(pattern);
  const wild = clean.search(/[*?[\\{]/);
  const literal = wild < 0 ? clean : clean.slice(0, wild);
  return literal.slice(0, Math.max(literal.lastIndexOf('/'), 0));
}
