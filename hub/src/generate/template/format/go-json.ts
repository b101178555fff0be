import { GoStruct, isSlice, sortedKeys, type Value } from '../value.ts';

/** Go: `encoding/json`: keys sorted, `<`, `>` and `&` escaped unless told not to. */
export function formatGoJson(value: Value, options: { escapeHtml?: boolean; indent?: string } = {}): string {
  return new Writer(options.escapeHtml ?? true, options.indent).write(value, '\n');
}

class Writer {
  private readonly escapes: RegExp;
  private readonly indent: string | undefined;

  constructor(escapeHtml: boolean, indent: string | undefined) {
    this.escapes = escapeHtml ? /[<>&\u2028\u2029]/g : /[\u2028\u2029]/g;
    this.indent = indent;
  }

  write(value: Value, newLine: string): string {
    if (value === undefined || value === null) return 'null';
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return number(value);
    if (typeof value === 'boolean') return String(value);
    const inner = newLine + (this.indent ?? '');
    if (isSlice(value))
      return this.wrap(
        '[]',
        value.map((item) => this.write(item, inner)),
        newLine,
      );
    if (value instanceof GoStruct) return struct(value);
    const colon = this.indent === undefined ? ':' : ': ';
    const entries = sortedKeys(value).map((key) => this.text(key) + colon + this.write(value[key], inner));
    return this.wrap('{}', entries, newLine);
  }

  private wrap(brackets: string, items: string[], newLine: string): string {
    if (this.indent === undefined || items.length === 0) return brackets[0] + items.join(',') + brackets[1];
    const inner = newLine + this.indent;
    return brackets[0] + inner + items.join(`,${inner}`) + newLine + brackets[1];
  }

  private text(text: string): string {
    return JSON.stringify(text.toWellFormed()).replaceAll(this.escapes, escapeUnit);
  }
}

function escapeUnit(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`json: unsupported value: ${value}`);
  return Object.is(value, -0) ? '-0' : String(value);
}

function struct(value: GoStruct): string {
  if (value.kind.startsWith('complex')) throw new Error('json: unsupported type: complex128');
  return /^u?int/.test(value.kind) ? String(value) : JSON.stringify(value);
}
