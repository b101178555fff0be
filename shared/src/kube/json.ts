import { asNumberIfExact } from './yaml-scalar.ts';

/**
 * JSON without losses: integers that a double cannot hold become bigints. Throws SyntaxError as JSON.parse does, and for
 * numbers beyond all doubles.
 */
export function parseJson(text: string): unknown {
  return /\d{16}|[eE]\+?\d{3}/.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text);
}

function keepExact(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  if (!Number.isFinite(value)) throw new SyntaxError(`the number ${source} is out of range`);
  return /^-?\d{1,20}$/.test(source) ? asNumberIfExact(BigInt(source)) : value;
}

/** The opposite of `parseJson`: bigints become digits. `indent` is the number of spaces a level, none unless given. */
export function formatJson(value: unknown, indent = 0): string {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch (error) {
    if (!(error instanceof TypeError && error.message.includes('BigInt'))) throw error;
    return JSON.stringify(value, asDigits, indent);
  }
}

// TypeScript does not know it yet: https://github.com/tc39/proposal-json-parse-with-source
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

function asDigits(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(String(value)) : value;
}

export interface JsonStream {
  documents: unknown[];
  /** Where reading ended: the length of the text, or behind the last document that is JSON. */
  end: number;
}

/** Reads JSON values that follow each other without separators, as far as the text is that. */
export function parseJsonStream(text: string): JsonStream {
  const documents: unknown[] = [];
  let end = 0;
  for (;;) {
    const start = end + (/^\s*/.exec(text.slice(end))?.[0].length ?? 0);
    if (start >= text.length) return { documents, end: text.length };
    const close = endOfValue(text, start);
    const value = close === undefined ? undefined : tryParse(text.slice(start, close));
    if (close === undefined || value === undefined) return { documents, end };
    documents.push(value);
    end = close;
  }
}

function tryParse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** The offset behind an object or array that starts here; undefined when it does not end, or none starts. */
function endOfValue(text: string, start: number): number | undefined {
  const token = /"(?:[^"\\]|\\.)*"|[[\]{}]/gs;
  token.lastIndex = start;
  if (text[start] !== '{' && text[start] !== '[') return undefined;
  let depth = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    if (match[0] === '{' || match[0] === '[') depth += 1;
    else if (match[0] === '}' || match[0] === ']') depth -= 1;
    if (depth === 0) return token.lastIndex;
  }
  return undefined;
}
