const named: Record<string, string> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};
// Go: unicode.IsPrint is letters, marks, numbers, punctuation, symbols and the ASCII space.
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

export function isPrintable(char: string): boolean {
  return printable.test(char);
}

/** Go: `strconv.Quote`, or `QuoteToASCII`; with `'` as the quote, `QuoteRune`. */
export function quoteGo(text: string, options: { ascii?: boolean; quote?: '"' | "'" } = {}): string {
  const quote = options.quote ?? '"';
  if (quote === '"' && /^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let quoted = '';
  for (const char of text) quoted += char === quote ? `\\${char}` : quoteChar(char, options.ascii ?? false);
  return quote + quoted + quote;
}

function quoteChar(char: string, ascii: boolean): string {
  const known = named[char];
  if (known !== undefined) return known;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x7f ? code >= 0x20 : !ascii && printable.test(char)) return char;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}

/** Go: `strconv.CanBackquote`. */
export function canBackquote(text: string): boolean {
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if ((code < 0x20 && char !== '\t') || char === '`' || code === 0x7f || code === 0xfeff) return false;
  }
  return true;
}
