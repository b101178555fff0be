/** ASN.1 in DER, as much of it as an X.509 certificate needs (X.690, RFC 5280). */

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
}

export function sequence(...items: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(items));
}

export function set(...items: Buffer[]): Buffer {
  return tagged(0x31, Buffer.concat(items));
}

/** A number that is not negative. */
export function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return tagged(0x02, (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), short]) : short);
}

export function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

export function null_(): Buffer {
  return Buffer.from([0x05, 0]);
}

export function octets(content: Buffer): Buffer {
  return tagged(0x04, content);
}

export function bitString(content: Buffer, unusedBits = 0): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([unusedBits]), content]));
}

export function utf8(text: string): Buffer {
  return tagged(0x0c, Buffer.from(text));
}

/** `[number]` around a value. */
export function explicit(number: number, content: Buffer): Buffer {
  return tagged(0xa0 | number, content);
}

/** `[number]` in the place of a value's own tag. */
export function context(number: number, content: Buffer): Buffer {
  return tagged(0x80 | number, content);
}

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes.unshift(0x80 | (left & 0x7f));
  return bytes;
}

/** RFC 5280: UTCTime until 2049, GeneralizedTime after. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return at.getUTCFullYear() < 2_050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

export function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octets(value));
}

export function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

export function unpem(text: string): Buffer {
  const [, body] = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(text) ?? [];
  if (body === undefined) throw new Error('unable to decode certificate');
  return Buffer.from(body, 'base64');
}

/** The subject of a certificate, as it is encoded. */
export function subjectOf(certificate: Buffer): Buffer {
  const fields = childrenOf(childrenOf(certificate)[0] ?? Buffer.alloc(0));
  // without a version the fields begin with the serial number
  const isVersioned = fields[0]?.[0] === 0xa0;
  const subject = fields[isVersioned ? 5 : 4];
  if (subject === undefined) throw new Error('unable to parse certificate');
  return subject;
}

function childrenOf(value: Buffer): Buffer[] {
  const children: Buffer[] = [];
  for (let at = contentAt(value, 0); at < value.length; ) {
    const end = contentAt(value, at) + lengthAt(value, at);
    children.push(value.subarray(at, end));
    at = end;
  }
  return children;
}

function contentAt(value: Buffer, at: number): number {
  const length = value[at + 1] ?? 0;
  return at + 2 + (length < 0x80 ? 0 : length & 0x7f);
}

function lengthAt(value: Buffer, at: number): number {
  const length = value[at + 1] ?? 0;
  return length < 0x80 ? length : value.readUIntBE(at + 2, length & 0x7f);
}
