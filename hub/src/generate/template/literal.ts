import { runes } from './letter.ts';
import type { NumberNode } from './node.ts';
import { TemplateError } from './template-error.ts';
import { Complex } from './value.ts';

const maxInt = 2n ** 63n - 1n;
const maxUint = 2n ** 64n - 1n;
const integer = /^([+-]?)(0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][\d_]*)$/;
const decimal = /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d[\d_]*)?$/;
const hexFloat = /^([+-]?)0[xX]([\da-fA-F_]*)\.?([\da-fA-F_]*)[pP]([+-]?\d+)$/;

/** Go: `strconv.ParseInt(text, 0, …)` without the range check. */
export function parseInteger(text: string): bigint | undefined {
  const match = integer.exec(text);
  if (match === null || misplacedUnderscore(text)) return undefined;
  const digits = (match[2] ?? '').replaceAll('_', '').toLowerCase();
  const magnitude = /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits}`) : BigInt(digits);
  return match[1] === '-' ? -magnitude : magnitude;
}

function misplacedUnderscore(text: string): boolean {
  return text.includes('_') && (/__|_$|^[+-]?_/.test(text) || !/^[+-]?(0[xXbBoO]?_|[\dA-Fa-f])/.test(text));
}

/** Go: `strconv.ParseFloat`, hexadecimal floats included. */
export function parseFloat64(text: string): number | undefined {
  const plain = text.replaceAll('_', '');
  if (decimal.test(text)) return Number(plain);
  const match = hexFloat.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent] = match;
  const mantissa = Number(BigInt(`0x0${whole}${fraction}`.replaceAll('_', '')));
  const value = mantissa * 2 ** (Number(exponent) - 4 * fraction.replaceAll('_', '').length);
  return sign === '-' ? -value : value;
}

/** Reads a number token; every type that can hold it is filled in. */
export function parseNumber(text: string, at: number): NumberNode {
  const node: NumberNode = { type: 'number', at, text };
  if (text.endsWith('i')) {
    const imaginary = parseFloat64(text.slice(0, -1));
    if (imaginary === undefined) throw new TemplateError(`illegal number syntax: "${text}"`);
    return fromComplex(node, new Complex(0, imaginary));
  }
  const whole = parseInteger(text);
  if (whole !== undefined) {
    if (whole > maxUint || whole < -maxInt - 1n) throw new TemplateError(`integer overflow: "${text}"`);
    if (whole <= maxInt) node.int = whole;
    if (whole >= 0n && !text.startsWith('+')) node.uint = whole;
    node.float = Number(whole);
    return node;
  }
  const float = parseFloat64(text);
  if (float === undefined) throw new TemplateError(`bad number syntax: "${text}"`);
  return fromFloat(node, float);
}

function fromFloat(node: NumberNode, float: number): NumberNode {
  node.float = float;
  if (Number.isInteger(float) && Math.abs(float) < 2 ** 63) {
    node.int = BigInt(float);
    if (float >= 0) node.uint = node.int;
  }
  return node;
}

function fromComplex(node: NumberNode, complex: Complex): NumberNode {
  node.complex = complex;
  return complex.imaginary === 0 ? fromFloat(node, complex.real) : node;
}

/** Reads `1+2i`. */
export function parseComplex(text: string, at: number): NumberNode {
  const split = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
  const real = parseFloat64(text.slice(0, split));
  const imaginary = parseFloat64(text.slice(split, -1));
  if (real === undefined || imaginary === undefined) throw new TemplateError(`illegal number syntax: "${text}"`);
  return fromComplex({ type: 'number', at, text }, new Complex(real, imaginary));
}

/** Reads `'a'`: an integer constant. */
export function parseCharacter(text: string, at: number): NumberNode {
  const inner = text.slice(1, -1);
  const char = unescape(inner, "'");
  const code = /^\\(x|[0-7])/.test(inner) ? char.bytes?.[0] : char.text.codePointAt(0);
  if (code === undefined || runes(char.text).length !== 1)
    throw new TemplateError(`malformed character constant: ${text}`);
  return { type: 'number', at, text, int: BigInt(code), uint: BigInt(code), float: code };
}

/** Go: `strconv.Unquote` of a string or raw string. */
export function unquote(text: string): string {
  if (text.startsWith('`')) return text.slice(1, -1).replaceAll('\r', '');
  return unescape(text.slice(1, -1), '"').text;
}

const simple: Record<string, string> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};
const escape = /\\(?:x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/y;

/** Bytes given by `\x` and octal escapes may form UTF-8 together, so the result is assembled as bytes. */
function unescape(text: string, quote: string): { text: string; bytes?: Buffer } {
  if (!text.includes('\\')) return { text };
  const parts: Buffer[] = [];
  let at = 0;
  while (at < text.length) {
    const slash = text.indexOf('\\', at);
    if (slash !== at) {
      parts.push(Buffer.from(text.slice(at, slash < 0 ? text.length : slash)));
      at = slash < 0 ? text.length : slash;
      continue;
    }
    escape.lastIndex = at;
    const match = escape.exec(text);
    if (match === null) throw new TemplateError('invalid syntax');
    parts.push(unescapeOne(match, quote));
    at = escape.lastIndex;
  }
  const bytes = Buffer.concat(parts);
  return { text: bytes.toString(), bytes };
}

function unescapeOne(match: RegExpExecArray, quote: string): Buffer {
  const [, hex, octal, unicode, long, single = ''] = match;
  if (hex !== undefined) return Buffer.of(Number.parseInt(hex, 16));
  if (octal !== undefined && Number.parseInt(octal, 8) < 256) return Buffer.of(Number.parseInt(octal, 8));
  const code = unicode ?? long;
  if (code !== undefined && isScalar(Number.parseInt(code, 16)))
    return Buffer.from(String.fromCodePoint(Number.parseInt(code, 16)));
  const char = single === quote ? quote : simple[single];
  if (char === undefined) throw new TemplateError('invalid syntax');
  return Buffer.from(char);
}

function isScalar(code: number): boolean {
  return code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff);
}
