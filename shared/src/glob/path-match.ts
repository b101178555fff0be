import { compileLinear } from './linear.ts';

/** Whether a text matches a pattern. */
export type Glob = (text: string) => boolean;

/**
 * Go: `path.Match`: `*` and `?` stop at a slash, `[a-z]`, `[^a]`, `\x`; no braces, no `**`. Undefined when the pattern
 * cannot be read; Argo CD then matches nothing.
 */
export function compilePathMatch(pattern: string): Glob | undefined {
  let source = '';
  for (let at = 0; at < pattern.length; ) {
    const piece = readPiece(pattern, at);
    if (piece === undefined) return undefined;
    source += piece.source;
    at = piece.end;
  }
  return compileLinear(source);
}

/** A part of a pattern as a regular expression, and where it ends. */
export interface Piece {
  source: string;
  end: number;
}

function readPiece(pattern: string, at: number): Piece | undefined {
  const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
  if (char === '*') return { source: '[^/]*', end: endOfStars(pattern, at) };
  if (char === '?') return { source: '[^/]', end: at + 1 };
  if (char === '[') return readClass(pattern, at, '^');
  if (char !== '\\') return { source: escapeChar(char), end: at + char.length };
  return at + 1 < pattern.length ? { source: escapeChar(pattern.charAt(at + 1)), end: at + 2 } : undefined;
}

/** `[abc]`, `[a-z]` and their negation by one of the given characters; undefined when the class does not end. */
export function readClass(pattern: string, start: number, negations: string): Piece | undefined {
  const first = pattern.charAt(start + 1);
  const negated = first !== '' && negations.includes(first);
  let body = '';
  for (let at = start + (negated ? 2 : 1); at < pattern.length; at += 1) {
    if (pattern.charAt(at) === ']' && body !== '') return { source: `[${negated ? '^' : ''}${body}]`, end: at + 1 };
    if (pattern.charAt(at) === '\\') body += escapeInClass(pattern.charAt((at += 1)));
    else body += body !== '' && /^-[^\]]/.test(pattern.slice(at)) ? '-' : escapeInClass(pattern.charAt(at));
  }
  return undefined;
}

/** Several stars are one. */
export function endOfStars(pattern: string, start: number): number {
  let end = start + 1;
  while (pattern.charAt(end) === '*') end += 1;
  return end;
}

export function escapeChar(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}

function escapeInClass(char: string): string {
  return /[\\\]^[-]/.test(char) ? `\\${char}` : char;
}
