import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  randomInt,
  randomUUID,
  scryptSync,
} from 'node:crypto';
import { type FunctionMap, fn } from '../go-function.ts';

function hash(algorithm: string): (text: string) => string {
  return (text) => createHash(algorithm).update(text).digest('hex');
}

function adler32(text: string): string {
  let low = 1;
  let high = 0;
  for (const byte of Buffer.from(text)) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return String(high * 65_536 + low);
}

const digits = '0123456789';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
const maxRandomLength = 100_000;

function random(alphabet: string): (count: number) => string {
  return (count) => {
    if (count < 0 || count > maxRandomLength) throw new Error(`random text of ${count} characters`);
    return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
  };
}

function aesKey(password: string): Buffer {
  const key = Buffer.alloc(32);
  Buffer.from(password).copy(key);
  return key;
}

function encryptAes(password: string, text: string): string {
  if (text === '') return '';
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', aesKey(password), iv);
  return Buffer.concat([iv, cipher.update(text), cipher.final()]).toString('base64');
}

function decryptAes(password: string, text: string): string {
  if (text === '') return '';
  const bytes = Buffer.from(text, 'base64');
  const decipher = createDecipheriv('aes-256-cbc', aesKey(password), bytes.subarray(0, 16));
  return Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString();
}

// Master Password (masterpassword.app): the published templates and characters of version 3.
const passwordTemplates: Record<string, string[]> = {
  maximum: ['anoxxxxxxxxxxxxxxxxx', 'axxxxxxxxxxxxxxxxxno'],
  long: 'CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno'.split(
    ' ',
  ),
  medium: ['CvcnoCvc', 'CvcCvcno'],
  short: ['Cvcn'],
  basic: ['aaanaaan', 'aannaaan', 'aaannaaa'],
  pin: ['nnnn'],
};
const consonants = 'bcdfghjklmnpqrstvwxyz';
const passwordCharacters: Record<string, string> = {
  V: 'AEIOU',
  C: consonants.toUpperCase(),
  v: 'aeiou',
  c: consonants,
  A: `AEIOU${consonants.toUpperCase()}`,
  a: `AEIOUaeiou${consonants.toUpperCase()}${consonants}`,
  n: digits,
  o: "@&%?,=[]_:-+*$#!'^~;()/.",
  x: `AEIOUaeiou${consonants.toUpperCase()}${consonants}${digits}!@#$%^&*()`,
};

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function derivePassword(...args: [number, string, string, string, string]): string {
  const [counter, type, password, user, site] = args;
  const templates = passwordTemplates[type];
  if (templates === undefined) return `cannot find password template ${type}`;
  const scope = Buffer.from('com.lyndir.masterpassword');
  const salt = Buffer.concat([scope, uint32(Buffer.byteLength(user)), Buffer.from(user)]);
  const key = scryptSync(password, salt, 64, { N: 32_768, r: 8, p: 2, maxmem: 2 ** 27 });
  const seed = createHmac('sha256', key)
    .update(Buffer.concat([scope, uint32(Buffer.byteLength(site)), Buffer.from(site), uint32(counter)]))
    .digest();
  const template = templates[(seed[0] ?? 0) % templates.length] ?? '';
  return Array.from(template, (kind, index) => pick(kind, seed[index + 1] ?? 0)).join('');
}

function pick(kind: string, byte: number): string {
  const characters = passwordCharacters[kind] ?? '';
  return characters[byte % characters.length] ?? '';
}

/** sprig: hashes, random text and symmetric ciphers. */
export const cryptoFunctions: FunctionMap = {
  sha1sum: fn(['string'], hash('sha1')),
  sha256sum: fn(['string'], hash('sha256')),
  sha512sum: fn(['string'], hash('sha512')),
  adler32sum: fn(['string'], adler32),
  randAlphaNum: fn(['int'], random(letters + digits)),
  randAlpha: fn(['int'], random(letters)),
  randNumeric: fn(['int'], random(digits)),
  randAscii: fn(['int'], random(ascii)),
  randBytes: fn(['int'], (count) => randomBytes(Math.min(Math.max(count, 0), maxRandomLength)).toString('base64')),
  uuidv4: fn([], () => randomUUID()),
  encryptAES: fn(['string', 'string'], encryptAes),
  decryptAES: fn(['string', 'string'], decryptAes),
  derivePassword: fn(['uint32', 'string', 'string', 'string', 'string'], derivePassword),
};
