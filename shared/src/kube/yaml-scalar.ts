/** What the text of a YAML scalar stands for. `int` beyond 2^53 is a bigint; `float` may be infinite or NaN. */
export type Scalar =
  | { type: 'str'; value: string }
  | { type: 'int'; value: number | bigint }
  | { type: 'float'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'null'; value: null };

const words = new Map<string, Scalar>([
  ...wordsFor(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'], { type: 'bool', value: true }),
  ...wordsFor(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'], {
    type: 'bool',
    value: false,
  }),
  ...wordsFor(['', '~', 'null', 'Null', 'NULL'], { type: 'null', value: null }),
  ...wordsFor(['.nan', '.NaN', '.NAN'], { type: 'float', value: Number.NaN }),
  ...wordsFor(['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'], { type: 'float', value: Infinity }),
  ...wordsFor(['-.inf', '-.Inf', '-.INF'], { type: 'float', value: -Infinity }),
]);

function wordsFor(spellings: string[], scalar: Scalar): [string, Scalar][] {
  return spellings.map((spelling) => [spelling, scalar]);
}

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);
const maxUint64 = 2n ** 64n - 1n;

/**
 * Reads a plain scalar as sigs.k8s.io/yaml does (go-yaml v2): YAML 1.1 with `0o755`, without sexagesimals;
 * timestamps and whatever is out of range stay text.
 */
export function resolvePlain(text: string): Scalar {
  const first = text.charCodeAt(0);
  const numeric = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e;
  if (!numeric) return words.get(text) ?? { type: 'str', value: text };
  const word = words.get(text);
  if (word) return word;
  return (first === 0x2e ? floatOf(text) : numberOf(text)) ?? { type: 'str', value: text };
}

/** A scalar under one of YAML's own tags; undefined when the text is not of that type. */
export function resolveTagged(tag: string, text: string): Scalar | undefined {
  if (tag === 'str') return { type: 'str', value: text };
  if (tag === 'timestamp') return isTimestamp(text) ? { type: 'str', value: text } : undefined;
  if (tag === 'binary')
    return isBase64(text) ? { type: 'str', value: Buffer.from(text, 'base64').toString('utf8') } : undefined;
  const scalar = resolvePlain(text);
  if (tag === 'float' && scalar.type === 'int') return { type: 'float', value: Number(scalar.value) };
  return scalar.type === tag ? scalar : undefined;
}

function isTimestamp(text: string): boolean {
  return /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?$/.test(
    text,
  );
}

function isBase64(text: string): boolean {
  const packed = text.replaceAll(/[\r\n]/g, '');
  return packed.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(packed);
}

function numberOf(text: string): Scalar | undefined {
  if (/^\d{4}-/.test(text)) return undefined;
  const plain = text.includes('_') ? text.replaceAll('_', '') : text;
  return intOf(plain) ?? floatOf(plain);
}

const integer = /^([-+]?)(0[xX][\dA-Fa-f]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9]\d*)$/;

function intOf(plain: string): Scalar | undefined {
  const match = integer.exec(plain);
  if (!match) return undefined;
  const [, sign = '', digits = ''] = match;
  if (digits.length < 16 && !digits.startsWith('0')) return { type: 'int', value: Number(plain) };
  const magnitude = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase());
  const value = sign === '-' ? -magnitude : magnitude;
  return inRange(value, sign) ? { type: 'int', value: asNumberIfExact(value) } : undefined;
}

function inRange(value: bigint, sign: string): boolean {
  return value >= minInt64 && value <= (sign === '' ? maxUint64 : maxInt64);
}

/** Integers that a double holds exactly are numbers everywhere; only the others are bigints. */
export function asNumberIfExact(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function floatOf(plain: string): Scalar | undefined {
  if (!/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? { type: 'float', value } : undefined;
}

/** A mapping key as JSON writes it; undefined for what cannot be a key. sigs.k8s.io/yaml: floats in 32 bits. */
export function keyText(scalar: Scalar): string | undefined {
  if (scalar.type === 'str') return scalar.value;
  if (scalar.type === 'null') return undefined;
  if (scalar.type === 'float') return formatFloat32(scalar.value);
  if (typeof scalar.value === 'bigint' && scalar.value > maxInt64) return undefined;
  return String(scalar.value);
}

/** Go: strconv.FormatFloat(value, 'g', -1, 32). */
function formatFloat32(value: number): string {
  const narrow = Math.fround(value);
  if (Number.isNaN(narrow)) return '.nan';
  if (!Number.isFinite(narrow)) return narrow > 0 ? '.inf' : '-.inf';
  let digits = 1;
  while (Math.fround(Number(narrow.toPrecision(digits))) !== narrow) digits += 1;
  const text = narrow.toExponential(digits - 1);
  const power = Number(text.slice(text.indexOf('e') + 1));
  if (power < -4 || power >= 6) return text.replace(/e([-+])(\d)$/, 'e$10$2');
  return Object.is(narrow, -0) ? '-0' : String(Number(text));
}
