import { compileLinear } from './linear.ts';

/** gobwas/glob: the glob dialect of Argo CD's projects and policies. */
export type Glob = (text: string) => boolean;

/**
 * `*` stops at a separator, `**` does not, `?` is one character, `[abc]`, `[a-z]`, `[!a]`, `{one,two}` and `\x`. Without a
 * separator `*` matches anything. Undefined when the pattern cannot be read.
 */
export function compileGlob(pattern: string, separator = ''): Glob | undefined {
  const source = new GlobReader(pattern, separator).read();
  return source === undefined ? undefined : compileLinear(source);
}

/** As Argo CD: a pattern that cannot be read matches nothing. */
export function matchesGlob(pattern: string, text: string, separator = ''): boolean {
  return compileGlob(pattern, separator)?.(text) ?? false;
}

class GlobReader {
  private readonly chars: string[];
  private readonly one: string;
  private at = 0;

  constructor(pattern: string, separator: string) {
    this.chars = Array.from(pattern);
    this.one = separator === '' ? '[\\s\\S]' : `[^${escapeInClass(separator)}]`;
  }

  read(): string | undefined {
    return this.sequence(false);
  }

  /** Reads to the end, or inside braces to the comma or brace that ends an alternative. */
  private sequence(inBraces: boolean): string | undefined {
    let source = '';
    while (this.at < this.chars.length) {
      const char = this.chars[this.at] ?? '';
      if (inBraces && (char === ',' || char === '}')) return source;
      this.at += 1;
      const piece = this.piece(char);
      if (piece === undefined) return undefined;
      source += piece;
    }
    return inBraces ? undefined : source;
  }

  private piece(char: string): string | undefined {
    switch (char) {
      case '*':
        return this.stars();
      case '?':
        return this.one;
      case '[':
        return this.characterClass();
      case '{':
        return this.alternatives();
      case '\\':
        this.at += 1;
        return escapeText(this.chars[this.at - 1] ?? '');
      default:
        return escapeText(char);
    }
  }

  private stars(): string {
    if (this.chars[this.at] !== '*') return `${this.one}*`;
    while (this.chars[this.at] === '*') this.at += 1;
    return '[\\s\\S]*';
  }

  private alternatives(): string | undefined {
    const parts: string[] = [];
    for (;;) {
      const part = this.sequence(true);
      if (part === undefined) return undefined;
      parts.push(part);
      this.at += 1;
      if (this.chars[this.at - 1] === '}') return `(?:${parts.join('|')})`;
    }
  }

  /** One range, or a list of characters; never both. */
  private characterClass(): string | undefined {
    const negated = this.chars[this.at] === '!';
    if (negated) this.at += 1;
    const not = negated ? '^' : '';
    if (this.chars[this.at + 1] === '-') {
      const [low = '', , high = '', close] = this.chars.slice(this.at, this.at + 4);
      this.at += 4;
      return close === ']' && low <= high ? `[${not}${escapeInClass(low)}-${escapeInClass(high)}]` : undefined;
    }
    const end = this.chars.indexOf(']', this.at);
    if (end <= this.at) return undefined;
    const list = this.chars.slice(this.at, end);
    this.at = end + 1;
    return `[${not}${list.map(escapeInClass).join('')}]`;
  }
}

function escapeText(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}

function escapeInClass(char: string): string {
  return /[\\\]^[-]/.test(char) ? `\\${char}` : char;
}
