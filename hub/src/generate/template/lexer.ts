import { TemplateError } from './template-error.ts';

export type TokenType =
  | 'error'
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'bool'
  | 'char'
  | 'charConstant'
  | 'complex'
  | 'number'
  | 'string'
  | 'rawString'
  | 'identifier'
  | 'keyword'
  | 'field'
  | 'dot'
  | 'nil'
  | 'variable'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'openParen'
  | 'closeParen'
  | 'eof';

export interface Token {
  type: TokenType;
  text: string;
  /** Offset in the template. */
  at: number;
}

const keywords = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with']);
const spaces = ' \t\r\n';
const alphaNumeric = /^[\p{L}\p{Nd}_]$/u;

function isSpace(char: string): boolean {
  return char !== '' && spaces.includes(char);
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9';
}

/** Splits a template into tokens. The last token is `eof`, or `error` with the reason as its text. */
export function tokenize(input: string): Token[] {
  return new Lexer(input).run();
}

class Lexer {
  private readonly input: string;
  private readonly tokens: Token[] = [];
  private at = 0;
  private start = 0;
  private depth = 0;

  constructor(input: string) {
    this.input = input;
  }

  run(): Token[] {
    try {
      while (this.text()) {
        if (this.comment()) continue;
        this.action();
      }
      this.emit('eof');
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.tokens.push({ type: 'error', text: error.message, at: this.start });
    }
    return this.tokens;
  }

  private fail(message: string): never {
    throw new TemplateError(message);
  }

  private emit(type: TokenType): void {
    this.tokens.push({ type, text: this.input.slice(this.start, this.at), at: this.start });
    this.start = this.at;
  }

  /** The code point at the position, '' at the end. */
  private peek(): string {
    const code = this.input.codePointAt(this.at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  private next(): string {
    const char = this.peek();
    this.at += char.length;
    return char;
  }

  private accept(chars: string): boolean {
    const char = this.peek();
    if (char === '' || !chars.includes(char)) return false;
    this.at += 1;
    return true;
  }

  private acceptRun(chars: string): void {
    while (this.accept(chars));
  }

  /** Reads up to the next action; false at the end of the input. */
  private text(): boolean {
    const open = this.input.indexOf('{{', this.at);
    const trims = open >= 0 && /^-[ \t\r\n]/.test(this.input.slice(open + 2, open + 4));
    this.textUntil(open < 0 ? this.input.length : open, trims);
    if (open < 0) return false;
    this.start = open;
    this.at = open + 2;
    if (this.input.startsWith('/*', this.at + (trims ? 2 : 0))) return true;
    this.emit('left');
    this.at += trims ? 2 : 0;
    this.start = this.at;
    this.depth = 0;
    return true;
  }

  private textUntil(end: number, trims: boolean): void {
    this.at = end;
    if (trims) while (this.at > this.start && isSpace(this.input.charAt(this.at - 1))) this.at -= 1;
    if (this.at > this.start) this.emit('text');
  }

  /** Skips a comment; false when an action begins instead. */
  private comment(): boolean {
    if (this.tokens.at(-1)?.type === 'left' && this.start === this.at) return false;
    const close = this.input.indexOf('*/', this.at);
    if (close < 0) this.fail('unclosed comment');
    this.at = close + 2;
    const right = this.rightDelimiter();
    if (right === 0) this.fail('comment ends before closing delimiter');
    this.skipRight(right);
    return true;
  }

  /** Length of the right delimiter that begins here: 2, 4 with a trim marker, 0 when none does. */
  private rightDelimiter(): number {
    if (isSpace(this.input[this.at] ?? '') && this.input.startsWith('-}}', this.at + 1)) return 4;
    return this.input.startsWith('}}', this.at) ? 2 : 0;
  }

  private skipRight(length: number): void {
    this.at += length;
    if (length === 4) while (isSpace(this.input[this.at] ?? '')) this.at += 1;
    this.start = this.at;
  }

  private action(): void {
    for (;;) {
      const right = this.rightDelimiter();
      if (right > 0) {
        if (this.depth > 0) this.fail('unclosed left paren');
        this.tokens.push({ type: 'right', text: '}}', at: this.at });
        return this.skipRight(right);
      }
      this.item();
    }
  }

  private item(): void {
    const char = this.next();
    if (char === '') this.fail('unclosed action');
    if (isSpace(char)) return this.space();
    if (this.symbol(char)) return;
    if (char === '.' && !isDigit(this.peek())) return this.name('field');
    if ('.+-'.includes(char) || isDigit(char)) return this.number();
    if (alphaNumeric.test(char)) return this.identifier();
    if (!/[!-~]/.test(char)) this.fail(`unrecognized character in action: ${describe(char)}`);
    this.emit('char');
  }

  /** What one character decides. */
  private symbol(char: string): boolean {
    const read = this.symbols[char];
    read?.();
    return read !== undefined;
  }

  private readonly symbols: Record<string, () => void> = {
    '=': () => this.emit('assign'),
    '|': () => this.emit('pipe'),
    ':': () => this.declaration(),
    '(': () => this.open(),
    ')': () => this.close(),
    '"': () => this.quoted('"', 'string'),
    "'": () => this.quoted("'", 'charConstant'),
    '`': () => this.rawString(),
    $: () => this.name('variable'),
  };

  private declaration(): void {
    if (this.next() !== '=') this.fail('expected :=');
    this.emit('declare');
  }

  private open(): void {
    this.depth += 1;
    this.emit('openParen');
  }

  private close(): void {
    this.depth -= 1;
    if (this.depth < 0) this.fail('unexpected right paren');
    this.emit('closeParen');
  }

  private space(): void {
    while (isSpace(this.peek())) this.at += 1;
    // The last space may belong to a trim marker.
    if (this.input.startsWith('-}}', this.at)) this.at -= 1;
    if (this.at > this.start) this.emit('space');
  }

  private quoted(quote: string, type: TokenType): void {
    const what = type === 'string' ? 'quoted string' : 'character constant';
    for (;;) {
      const char = this.next();
      if (char === quote) return this.emit(type);
      if (char === '' || char === '\n') this.fail(`unterminated ${what}`);
      if (char === '\\' && ['', '\n'].includes(this.next())) this.fail(`unterminated ${what}`);
    }
  }

  private rawString(): void {
    const close = this.input.indexOf('`', this.at);
    if (close < 0) this.fail('unterminated raw quoted string');
    this.at = close + 1;
    this.emit('rawString');
  }

  private atTerminator(): boolean {
    const char = this.peek();
    return char === '' || isSpace(char) || '.,|:()'.includes(char) || this.input.startsWith('}}', this.at);
  }

  private scanName(): void {
    while (alphaNumeric.test(this.peek())) this.next();
    if (!this.atTerminator()) this.fail(`bad character ${describe(this.peek())}`);
  }

  private name(type: 'variable' | 'field'): void {
    if (this.atTerminator()) return this.emit(type === 'variable' ? 'variable' : 'dot');
    this.scanName();
    this.emit(type);
  }

  private identifier(): void {
    this.scanName();
    const word = this.input.slice(this.start, this.at);
    if (keywords.has(word)) return this.emit('keyword');
    if (word === 'true' || word === 'false') return this.emit('bool');
    this.emit(word === 'nil' ? 'nil' : 'identifier');
  }

  private number(): void {
    this.at = this.start;
    if (!this.scanNumber()) this.fail(`bad number syntax: "${this.input.slice(this.start, this.at)}"`);
    if (this.peek() !== '+' && this.peek() !== '-') return this.emit('number');
    // Complex: 1+2i, without spaces.
    if (!this.scanNumber() || this.input[this.at - 1] !== 'i')
      this.fail(`bad number syntax: "${this.input.slice(this.start, this.at)}"`);
    this.emit('complex');
  }

  private scanNumber(): boolean {
    this.accept('+-');
    const digits = this.radixDigits();
    this.acceptRun(digits);
    if (this.accept('.')) this.acceptRun(digits);
    const exponent = digits.length > 11 ? 'pP' : 'eE';
    if (digits.length >= 11 && this.accept(exponent)) {
      this.accept('+-');
      this.acceptRun('0123456789_');
    }
    this.accept('i');
    if (!alphaNumeric.test(this.peek())) return true;
    this.next();
    return false;
  }

  private radixDigits(): string {
    if (this.accept('0')) {
      if (this.accept('xX')) return '0123456789abcdefABCDEF_';
      if (this.accept('oO')) return '01234567_';
      if (this.accept('bB')) return '01_';
    }
    return '0123456789_';
  }
}

function describe(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${code} '${char}'`;
}
