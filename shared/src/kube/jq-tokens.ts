/** One piece of a jq expression. */
export interface Token {
  type: 'string' | 'number' | 'field' | 'word' | 'sign';
  /** A string's value, a field's name without its dot, else as written. */
  text: string;
}

const token =
  /\s*(?:("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|\.([A-Za-z_]\w*)|([A-Za-z_]\w*)|(\.\.|==|!=|<=|>=|\/\/|[.|,()[\]?<>;-]))/y;

/** The tokens of an expression; undefined where it has something else. */
export function readTokens(expression: string): Token[] | undefined {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  const end = expression.trimEnd().length;
  while (token.lastIndex < end) {
    const match = token.exec(expression);
    const read = match && tokenOf(match);
    if (!read) return undefined;
    tokens.push(read);
  }
  return tokens;
}

function tokenOf([, quoted, number, field, word, sign]: RegExpExecArray): Token | undefined {
  if (quoted !== undefined) {
    const text = stringOf(quoted);
    return text === undefined ? undefined : { type: 'string', text };
  }
  if (number !== undefined) return { type: 'number', text: number };
  if (field !== undefined) return { type: 'field', text: field };
  return word === undefined ? { type: 'sign', text: sign as string } : { type: 'word', text: word };
}

/** jq: `\(` in a string is an expression, which is not read here. */
function stringOf(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

/** Reads tokens from first to last. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** Takes the next token if it is of this type, and of this text where one is given. */
  take(type: Token['type'], text?: string): Token | undefined {
    const next = this.peek();
    if (next?.type !== type || (text !== undefined && next.text !== text)) return undefined;
    this.#at += 1;
    return next;
  }

  /** Takes the next token, which must be this sign; throws SyntaxError. */
  demand(sign: string): void {
    if (!this.take('sign', sign)) throw new SyntaxError(`${sign} expected`);
  }
}
