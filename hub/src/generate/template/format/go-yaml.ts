import { resolvePlain } from '@wheelhouse/shared/kube/yaml-scalar';
import { runes } from '../letter.ts';
import { Int, isMap, isNil, isSlice, type Value } from '../value.ts';
import { formatFloat } from './float.ts';

/** sigs.k8s.io/yaml: the text that Go's `yaml.Marshal` writes, which users of `toYaml` indent and compare. */
export function formatGoYaml(value: Value): string {
  return `${node(value, 0, true)}\n`;
}

/** A node after `key:` or `-`, or at the root; the caller has written what stands before it on the line. */
function node(value: Value, indent: number, root = false): string {
  if (isNil(value)) return 'null';
  if (typeof value === 'string') return scalar(value, root ? 2 : indent);
  if (isSlice(value)) return sequence(value, indent);
  if (isMap(value)) return mapping(value, indent);
  if (typeof value === 'number') return number(value);
  // Go: an integer is a number, any other struct a text.
  return typeof value === 'boolean' || value instanceof Int ? String(value) : scalar(value.toString(), indent);
}

function number(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? String(value) : formatFloat(value, 'g');
}

function sequence(items: Value[], indent: number): string {
  if (items.length === 0) return '[]';
  const lines = [...items].map((item) => `- ${node(item, indent + 2)}`);
  return lines.join(`\n${' '.repeat(indent)}`);
}

function mapping(map: { [key: string]: Value }, indent: number): string {
  const keys = Object.keys(map).sort(compareKeys);
  if (keys.length === 0) return '{}';
  return keys.map((key) => entry(key, map[key], indent)).join(`\n${' '.repeat(indent)}`);
}

function entry(key: string, value: Value, indent: number): string {
  const name = simpleKey(key);
  const nested = isMap(value) || isSlice(value);
  if (!nested || Object.keys(value).length === 0) return `${name}: ${node(value, indent + 2)}`;
  // A sequence stands at the indentation of its key.
  const inner = isSlice(value) ? indent : indent + 2;
  return `${name}:\n${' '.repeat(inner)}${node(value, inner)}`;
}

function simpleKey(key: string): string {
  return key.includes('\n') || key === '' ? doubleQuoted(key) : scalar(key, 0);
}

const unprintable = /[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\uffff]|[\ufffe\uffff]|[\ud800-\udfff]/;
const timestamp = /^\d{4}-\d\d?-\d\d?([Tt ]|$)/;
const sexagesimal = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;

function scalar(text: string, indent: number): string {
  if (text.includes('\n')) return allowsBlock(text) ? literal(text, indent) : doubleQuoted(text);
  const ambiguous =
    resolvePlain(text).type !== 'str' || text === '<<' || timestamp.test(text) || sexagesimal.test(text);
  if (ambiguous || unprintable.test(text)) return doubleQuoted(text);
  return allowsPlain(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

function allowsPlain(text: string): boolean {
  if (/^(---|\.\.\.)|^[#,[\]{}&*!|>'"%@`]|^[?:-](?= |$)/.test(text)) return false;
  return !/:(?= |$)| #|^ | $|[\u0085\u2028\u2029]/.test(text);
}

function allowsBlock(text: string): boolean {
  return !unprintable.test(text) && !text.endsWith(' ') && !/ [\n\u0085\u2028\u2029]/.test(text);
}

function literal(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const padding = ' '.repeat(indent);
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  const body = lines.map((line) => (line === '' ? '' : padding + line)).join('\n');
  return `|${hint}${chomping(text)}\n${body}`;
}

function chomping(text: string): string {
  if (!text.endsWith('\n')) return '-';
  return text === '\n' || text.endsWith('\n\n') ? '+' : '';
}

const escapes: Record<string, string> = {
  '\0': '\\0',
  '\u0007': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\u001b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function doubleQuoted(text: string): string {
  const escaped = text.replaceAll(/[^ !#-[\]-~\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/gu, (char) => {
    const known = escapes[char];
    if (known !== undefined) return known;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x100) return `\\x${hex(code, 2)}`;
    return code < 0x1_0000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
  return `"${escaped}"`;
}

function hex(code: number, length: number): string {
  return code.toString(16).toUpperCase().padStart(length, '0');
}

const isLetter = (char: string): boolean => /^\p{L}$/u.test(char);
const isDigit = (char: string): boolean => /^\p{Nd}$/u.test(char);

/** go-yaml: keys in natural order, `a2` before `a10`, letters after other characters. */
function compareKeys(left: string, right: string): number {
  const a = runes(left);
  const b = runes(right);
  const at = commonLength(a, b);
  const [first, second] = [a[at], b[at]];
  if (first === undefined || second === undefined) return a.length - b.length;
  if (isLetter(first) !== isLetter(second)) {
    const afterDigits = isDigit(a[at - 1] ?? '');
    return isLetter(first) === afterDigits ? -1 : 1;
  }
  const byCode = codeOf(a, at) - codeOf(b, at);
  return isLetter(first) ? byCode : compareDigits(a, b, at) || byCode;
}

function commonLength(a: string[], b: string[]): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at;
}

function compareDigits(a: string[], b: string[], at: number): number {
  // A zero after other digits counts as part of their number.
  const carry = (a[at] === '0' || b[at] === '0') && continuesNumber(a, at) ? '1' : '';
  const aDigits = digitsFrom(a, at);
  const bDigits = digitsFrom(b, at);
  return Number(carry + aDigits) - Number(carry + bDigits) || aDigits.length - bDigits.length;
}

function continuesNumber(chars: string[], at: number): boolean {
  for (let index = at - 1; index >= 0 && isDigit(chars[index] ?? ''); index -= 1) if (chars[index] !== '0') return true;
  return false;
}

function digitsFrom(chars: string[], at: number): string {
  let end = at;
  while (end < chars.length && isDigit(chars[end] ?? '')) end += 1;
  return chars.slice(at, end).join('');
}

function codeOf(chars: string[], at: number): number {
  return chars[at]?.codePointAt(0) ?? 0;
}
