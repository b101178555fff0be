import { Int, typeName, type Value } from '../value.ts';
import { formatValue } from './print-value.ts';
import { type Directive, formatOperand } from './verbs.ts';

/** Go: `fmt.Sprintf`, with explicit argument indexes and `*`; mistakes show in the text as Go shows them. */
export function sprintf(format: string, args: Value[]): string {
  return new Printer(format, args).run();
}

const maxNumber = 1_000_000;

class Printer {
  private readonly format: string;
  private readonly args: Value[];
  private at = 0;
  private argument = 0;
  private reordered = false;
  private goodIndex = true;
  private output = '';

  constructor(format: string, args: Value[]) {
    this.format = format;
    this.args = args;
  }

  run(): string {
    for (;;) {
      const percent = this.format.indexOf('%', this.at);
      this.output += this.format.slice(this.at, percent < 0 ? undefined : percent);
      if (percent < 0) break;
      this.at = percent + 1;
      this.directive();
    }
    if (!this.reordered && this.argument < this.args.length) this.output += extra(this.args.slice(this.argument));
    return this.output;
  }

  private directive(): void {
    this.goodIndex = true;
    const directive = this.flags();
    this.index();
    this.width(directive);
    this.precision(directive);
    this.index();
    const code = this.format.codePointAt(this.at);
    if (code === undefined) {
      this.output += '%!(NOVERB)';
      return;
    }
    directive.verb = String.fromCodePoint(code);
    this.at += directive.verb.length;
    this.output += this.operand(directive);
  }

  private operand(directive: Directive): string {
    if (directive.verb === '%') return '%';
    if (!this.goodIndex) return `%!${directive.verb}(BADINDEX)`;
    if (this.argument >= this.args.length) return `%!${directive.verb}(MISSING)`;
    const value = this.args[this.argument];
    this.argument += 1;
    return directive.verb === 'w' ? `%!w(${typeName(value)}=${formatValue(value)})` : formatOperand(value, directive);
  }

  private flags(): Directive {
    const directive: Directive = { verb: '', plus: false, minus: false, sharp: false, space: false, zero: false };
    for (;;) {
      const char = this.format[this.at];
      if (char === '+') directive.plus = true;
      else if (char === '-') directive.minus = true;
      else if (char === '#') directive.sharp = true;
      else if (char === ' ') directive.space = true;
      else if (char === '0') directive.zero = true;
      else return directive;
      this.at += 1;
    }
  }

  private index(): void {
    if (this.format[this.at] !== '[') return;
    this.reordered = true;
    const close = this.format.indexOf(']', this.at);
    const number = close < 0 ? Number.NaN : Number(this.format.slice(this.at + 1, close));
    this.goodIndex = Number.isInteger(number) && number >= 1 && number <= this.args.length;
    if (this.goodIndex) this.argument = number - 1;
    this.at = close < 0 ? this.at + 1 : close + 1;
  }

  private width(directive: Directive): void {
    if (this.format[this.at] === '*') {
      const width = this.star('%!(BADWIDTH)');
      if (width === undefined) return;
      directive.width = Math.abs(width);
      if (width < 0) directive.minus = true;
      return;
    }
    const width = this.number();
    if (width !== undefined) directive.width = width;
  }

  private precision(directive: Directive): void {
    if (this.format[this.at] !== '.') return;
    this.at += 1;
    this.index();
    if (this.format[this.at] !== '*') {
      directive.precision = this.number() ?? 0;
      return;
    }
    const precision = this.star('%!(BADPREC)');
    if (precision !== undefined && precision >= 0) directive.precision = precision;
    else if (precision !== undefined) this.output += '%!(BADPREC)';
  }

  private star(complaint: string): number | undefined {
    this.at += 1;
    const value = this.args[this.argument];
    this.argument += 1;
    const number = value instanceof Int ? Number(value.value) : Number.NaN;
    if (Math.abs(number) <= maxNumber) return number;
    this.output += complaint;
    return undefined;
  }

  private number(): number | undefined {
    const match = /^\d+/.exec(this.format.slice(this.at, this.at + 10));
    if (match === null) return undefined;
    this.at += match[0].length;
    return Math.min(Number(match[0]), maxNumber);
  }
}

function extra(args: Value[]): string {
  const shown = args.map((arg) =>
    arg === undefined || arg === null ? '<nil>' : `${typeName(arg)}=${formatValue(arg)}`,
  );
  return `%!(EXTRA ${shown.join(', ')})`;
}
