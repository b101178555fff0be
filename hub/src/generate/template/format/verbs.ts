import { runes } from '../letter.ts';
import {
  byteLength,
  Complex,
  elementType,
  GoStruct,
  Int,
  isSlice,
  isStringMap,
  sortedKeys,
  typeName,
  type Value,
} from '../value.ts';
import { formatFloat } from './float.ts';
import { canBackquote, isPrintable, quoteGo } from './quote.ts';

/** The flags, width and precision of one `%` directive. */
export interface Directive {
  verb: string;
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** `%#v`: values as Go source. */
  goSyntax?: boolean;
  width?: number;
  precision?: number;
}

/** Renders one operand as Go's `fmt` does; a verb that does not fit the value yields `%!verb(type=value)`. */
export function formatOperand(value: Value, given: Directive): string {
  // For %v, `#` and `+` change what is shown, not how numbers and texts are written.
  const directive =
    given.verb === 'v' ? { ...given, goSyntax: given.sharp, sharp: false, plus: false } : { ...given, goSyntax: false };
  if (directive.verb === 'T') return pad(typeName(value), directive);
  if (value === undefined || value === null)
    return directive.verb === 'v' ? pad('<nil>', directive) : badVerb(value, directive);
  return formatNested(value, directive);
}

function formatNested(value: Value, directive: Directive): string {
  if (value === undefined || value === null) {
    if (directive.verb === 'v' && directive.goSyntax) return 'interface {}(nil)';
    return '<nil>';
  }
  switch (typeof value) {
    case 'boolean':
      return directive.verb === 't' || directive.verb === 'v'
        ? pad(String(value), directive)
        : badVerb(value, directive);
    case 'number':
      return formatNumber(value, directive);
    case 'string':
      return formatString(value, directive);
    default:
      return formatComposite(value, directive);
  }
}

function formatComposite(
  value: Exclude<Value, undefined | null | string | number | boolean>,
  directive: Directive,
): string {
  if (value instanceof Int) return formatInteger(value, directive);
  if (value instanceof Complex) return formatComplex(value, directive);
  if (value instanceof GoStruct)
    return 'vsxXq'.includes(directive.verb) ? formatString(value.toString(), directive) : badVerb(value, directive);
  const goSyntax = directive.verb === 'v' && directive.goSyntax === true;
  if (isSlice(value)) {
    const items = value.map((item) => formatNested(item, directive));
    return goSyntax ? `[]${elementType(value)}{${items.join(', ')}}` : `[${items.join(' ')}]`;
  }
  const entries = sortedKeys(value).map(
    (key) => `${formatString(key, directive)}:${formatNested(value[key], directive)}`,
  );
  if (!goSyntax) return `map[${entries.join(' ')}]`;
  return `map[string]${isStringMap(value) ? 'string' : 'interface {}'}{${entries.join(', ')}}`;
}

function badVerb(value: Value, directive: Directive): string {
  if (value === undefined || value === null) return `%!${directive.verb}(<nil>)`;
  return `%!${directive.verb}(${typeName(value)}=${formatNested(value, { ...directive, verb: 'v' })})`;
}

/** Pads to the width, counted in code points. */
function pad(text: string, directive: Directive): string {
  const missing = (directive.width ?? 0) - runes(text).length;
  if (missing <= 0) return text;
  if (directive.minus) return text + ' '.repeat(missing);
  return (directive.zero ? '0' : ' ').repeat(missing) + text;
}

function padWithSpaces(text: string, directive: Directive): string {
  return pad(text, { ...directive, zero: false });
}

function formatString(text: string, directive: Directive): string {
  switch (directive.verb) {
    case 'v':
      return directive.goSyntax ? quoted(text, directive) : pad(truncate(text, directive), directive);
    case 's':
      return pad(truncate(text, directive), directive);
    case 'q':
      return quoted(truncate(text, directive), directive);
    case 'x':
    case 'X':
      return hexBytes(text, directive);
    default:
      return badVerb(text, directive);
  }
}

function truncate(text: string, { precision }: Directive): string {
  return precision === undefined ? text : runes(text).slice(0, precision).join('');
}

function quoted(text: string, directive: Directive): string {
  if (directive.sharp && canBackquote(text)) return pad(`\`${text}\``, directive);
  return pad(quoteGo(text, { ascii: directive.plus && directive.verb === 'q' }), directive);
}

function hexBytes(text: string, directive: Directive): string {
  const bytes = Buffer.from(text).subarray(0, directive.precision ?? byteLength(text));
  const prefix = directive.sharp ? '0x' : '';
  const parts = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  let hex = directive.space ? parts.map((part) => prefix + part).join(' ') : parts.join('');
  if (!directive.space && parts.length > 0) hex = prefix + hex;
  return pad(directive.verb === 'X' ? hex.toUpperCase() : hex, directive);
}

function formatNumber(value: number, directive: Directive): string {
  const { verb } = directive;
  if (!'veEfFgGbxX'.includes(verb)) return badVerb(value, directive);
  const format = verb === 'v' ? 'g' : (verb.toLowerCase() as 'e' | 'f' | 'g' | 'b' | 'x');
  const precision = directive.precision ?? ('ef'.includes(format) ? 6 : undefined);
  let text = formatFloat(value, format, precision).replace(/^\+/, '');
  if ('EGX'.includes(verb)) text = text.toUpperCase();
  if (directive.sharp && 'eEfFgG'.includes(verb)) text = keepPoint(text, format, directive.precision);
  if (!text.startsWith('-')) text = signOf(directive) + text;
  return padNumber(text, Number.isFinite(value) ? directive : { ...directive, zero: false });
}

/** Zeros go between the sign and the digits. */
function padNumber(text: string, directive: Directive): string {
  const sign = /^[+-]/.test(text) ? text.slice(0, 1) : '';
  if (!directive.zero || directive.minus || sign === '') return pad(text, directive);
  return sign + pad(text.slice(1), { ...directive, width: (directive.width ?? 0) - 1 });
}

/** Go: `#` keeps the decimal point, and for %g the trailing zeros. */
function keepPoint(text: string, format: string, precision: number | undefined): string {
  const match = /^(-?[\d.]+)(.*)$/s.exec(text);
  if (match === null) return text;
  let mantissa = match[1] ?? '';
  if (!mantissa.includes('.')) mantissa += '.';
  if (format === 'g') {
    const digits = mantissa.replace(/^-?0*\.?0*|\D/g, '').length;
    mantissa += '0'.repeat(Math.max((precision ?? 6) - Math.max(digits, 1), 0));
  }
  return mantissa + (match[2] ?? '');
}

const radixes: Record<string, number> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function formatInteger(value: Int, directive: Directive): string {
  const radix = radixes[directive.verb];
  if (radix !== undefined) return formatRadix(value, radix, directive);
  return 'cqU'.includes(directive.verb) ? formatRune(Number(value.value), directive) : badVerb(value, directive);
}

function formatRune(code: number, directive: Directive): string {
  const valid = code >= 0 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff);
  const char = valid ? String.fromCodePoint(code) : '\ufffd';
  if (directive.verb === 'c') return pad(char, directive);
  if (directive.verb === 'q') return pad(quoteGo(char, { ascii: directive.plus, quote: "'" }), directive);
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return padWithSpaces(directive.sharp && isPrintable(char) ? `${hex} '${char}'` : hex, directive);
}

const prefixes: Record<string, string> = { b: '0b', o: '0', x: '0x', X: '0X' };

function formatRadix(value: Int, radix: number, directive: Directive): string {
  // Go: %#v writes unsigned integers in hexadecimal.
  if (value.kind.startsWith('u') && directive.verb === 'v' && directive.goSyntax === true)
    return formatRadix(value, 16, { ...directive, verb: 'x', sharp: true });
  if (directive.precision === 0 && value.value === 0n) return padWithSpaces('', directive);
  const negative = value.value < 0n;
  const magnitude = (negative ? -value.value : value.value).toString(radix);
  const sign = negative ? '-' : signOf(directive);
  const digits = (directive.verb === 'X' ? magnitude.toUpperCase() : magnitude).padStart(
    minimumDigits(directive, sign),
    '0',
  );
  return padWithSpaces(sign + integerPrefix(digits, directive) + digits, directive);
}

function minimumDigits({ precision, zero, minus, width = 0 }: Directive, sign: string): number {
  if (precision !== undefined) return precision;
  return zero && !minus ? width - sign.length : 0;
}

/** What stands before a number that is not negative. */
function signOf(directive: Directive): string {
  if (directive.plus) return '+';
  return directive.space ? ' ' : '';
}

function integerPrefix(digits: string, { verb, sharp }: Directive): string {
  if (verb === 'O') return '0o';
  if (!sharp) return '';
  return verb === 'o' && digits.startsWith('0') ? '' : (prefixes[verb] ?? '');
}

function formatComplex(value: Complex, directive: Directive): string {
  if (!'veEfFgGbxX'.includes(directive.verb)) return badVerb(value, directive);
  const real = formatNumber(value.real, directive);
  return `(${real}${formatNumber(value.imaginary, { ...directive, plus: true })}i)`;
}
