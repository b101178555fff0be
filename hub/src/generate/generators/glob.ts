/** A path pattern of one of the dialects that Argo CD mixes. Undefined when the pattern cannot be read. */
export type Glob = (path: string) => boolean;

/** Go: `path.Match` on one path segment: `*`, `?`, `[a-z]`, `[^a]`, `\x`; no braces, no `**`. */
export function compileSegment(pattern: string): Glob | undefined {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const piece = segmentPiece(pattern, at);
    if (piece === undefined) return undefined;
    source += piece.source;
    at = piece.end - 1;
  }
  const regex = new RegExp(`^${source}$`, 'su');
  return (path) => regex.test(path);
}

interface Piece {
  source: string;
  end: number;
}

function segmentPiece(pattern: string, at: number): Piece | undefined {
  const char = pattern.charAt(at);
  if (char === '*') return { source: '[^/]*', end: at + 1 };
  if (char === '?') return { source: '[^/]', end: at + 1 };
  if (char === '[') return characterClass(pattern, at, '^');
  if (char === '\\') {
    if (at + 1 >= pattern.length) return undefined;
    return { source: escapeChar(pattern.charAt(at + 1)), end: at + 2 };
  }
  return { source: escapeChar(char), end: at + 1 };
}

/** `[abc]`, `[a-z]` and their negation; undefined when it does not end. */
function characterClass(pattern: string, start: number, negations: string): Piece | undefined {
  let at = start + 1;
  const negated = at < pattern.length && negations.includes(pattern.charAt(at));
  if (negated) at += 1;
  let body = '';
  for (; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === ']' && body !== '') return { source: `[${negated ? '^' : ''}${body}]`, end: at + 1 };
    if (char === '\\') at += 1;
    body += char === '-' && body !== '' && pattern.charAt(at + 1) !== ']' ? '-' : escapeInClass(pattern.charAt(at));
  }
  return undefined;
}

function escapeChar(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}

function escapeInClass(char: string): string {
  return /[\\\]^[-]/.test(char) ? `\\${char}` : char;
}

/**
 * Git: a pathspec of `git ls-files`. `*` and `?` match slashes too; a pattern without wildcards names a file or a whole
 * directory.
 */
export function compilePathspec(pattern: string): Glob {
  const literal = pattern.replace(/^(?:\.\/)+/, '').replace(/^\.$/, '');
  const inDirectory: Glob = (path) =>
    literal === '' || path === literal || path.startsWith(literal.endsWith('/') ? literal : `${literal}/`);
  if (!/[*?[\\]/.test(literal)) return inDirectory;
  const regex = pathspecRegex(literal);
  return (path) => inDirectory(path) || regex.test(path);
}

function pathspecRegex(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const piece = pathspecPiece(pattern, at);
    source += piece.source;
    at = piece.end - 1;
  }
  return new RegExp(`^${source}$`, 'su');
}

function pathspecPiece(pattern: string, at: number): Piece {
  const char = pattern.charAt(at);
  if (char === '*') return { source: '.*', end: at + 1 };
  if (char === '?') return { source: '.', end: at + 1 };
  if (char === '\\') return { source: escapeChar(pattern.charAt(at + 1)), end: at + 2 };
  if (char === '[') return characterClass(pattern, at, '!^') ?? { source: '\\[', end: at + 1 };
  return { source: escapeChar(char), end: at + 1 };
}

/** The directory that holds everything a pathspec or glob can match: what stands before its first wildcard. */
export function literalDirectory(pattern: string): string {
  const clean = pattern.replace(/^(?:\.\/)+/, '');
  const wild = clean.search(/[*?[\\{]/);
  const literal = wild < 0 ? clean : clean.slice(0, wild);
  return literal.slice(0, Math.max(literal.lastIndexOf('/'), 0));
}
