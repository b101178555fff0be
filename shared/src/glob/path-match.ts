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

/**
 * `[abc]`, `[a-z]` and their negation by one of the given characters; undefined when the class does not end. A range that runs
 * backwards holds nothing (Go, doublestar and Git: a character is compared with both of its ends).
 */
export function readClass(pattern: string, start: number, negations: string): Piece | undefined {
  const first = pattern.charAt(start + 1);
  const negated = first !== '' && negations.includes(first);
  const begin = start + (negated ? 2 : 1);
  let body = '';
  for (let at = begin; at < pattern.length; ) {
    if (pattern.charAt(at) === ']' && at > begin) return { source: classOf(body, negated), end: at + 1 };
    const low = readMember(pattern, at);
    const isRange = /^-[^\]]/.test(pattern.slice(low.end, low.end + 2));
    const high = isRange ? readMember(pattern, low.end + 1) : low;
    if (low.code <= high.code) body += formatRange(low.code, high.code);
    at = high.end;
  }
  return undefined;
}

function classOf(body: string, negated: boolean): string {
  if (body === '') return negated ? String.raw`[\s\S]` : String.raw`[^\s\S]`;
  return `[${negated ? '^' : ''}${body}]`;
}

/** One character, escaped or not. */
function readMember(pattern: string, start: number): { code: number; end: number } {
  const at = pattern.charAt(start) === '\\' ? start + 1 : start;
  const code = pattern.codePointAt(at) ?? 0;
  return { code, end: at + String.fromCodePoint(code).length };
}

function formatRange(low: number, high: number): string {
  const [from, to] = [low, high].map((code) => escapeInClass(String.fromCodePoint(code)));
  return low === high ? `${from}` : `${from}-${to}`;
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
