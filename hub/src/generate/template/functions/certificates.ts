import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';
import { hashSync } from 'bcryptjs';
import { type FunctionMap, fn } from '../go-function.ts';
import { GoStruct, isSlice, type Value } from '../value.ts';
import * as der from './der.ts';

/** sprig: what the functions that make certificates give; PEM texts, read as `.Cert` and `.Key`. */
class Certificate extends GoStruct {
  readonly kind = 'struct';
  readonly typeName = 'sprig.certificate';
  readonly cert: string;
  readonly key: string;
  constructor(cert: string, key: string) {
    super();
    this.cert = cert;
    this.key = key;
  }
  override readonly methods = { Cert: () => this.cert, Key: () => this.key };
  override toString(): string {
    return `{${this.cert} ${this.key}}`;
  }
}

interface Request {
  commonName: string;
  ips?: Value;
  names?: Value;
  days: number;
  key?: string | undefined;
  isAuthority: boolean;
  /** Who signs; the certificate itself without. */
  authority?: Value;
}

const oids = {
  sha256WithRsa: '1.2.840.113549.1.1.11',
  commonName: '2.5.4.3',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};

function issue(request: Request): Certificate {
  const key = request.key === undefined ? newRsaKey(2_048) : readKey(request.key);
  const authority = request.authority === undefined ? undefined : readAuthority(request.authority);
  const signer = authority?.key ?? key;
  const algorithm = der.sequence(der.oid(oids.sha256WithRsa), der.null_());
  const subject = nameOf(request.commonName);
  const now = Date.now();
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(randomBytes(16)),
    algorithm,
    authority?.subject ?? subject,
    der.sequence(der.time(new Date(now)), der.time(new Date(now + request.days * 86_400_000))),
    subject,
    spkiOf(key),
    der.explicit(3, der.sequence(...extensionsOf(request, { key, signer }))),
  );
  const signature = sign('sha256', body, signer);
  const pem = der.pem('CERTIFICATE', der.sequence(body, algorithm, der.bitString(signature)));
  return new Certificate(pem, exportKey(key));
}

function extensionsOf(request: Request, keys: { key: KeyObject; signer: KeyObject }): Buffer[] {
  const { isAuthority } = request;
  // digitalSignature, keyEncipherment, and keyCertSign of an authority
  const usage = der.bitString(Buffer.from([isAuthority ? 0xa4 : 0xa0]), isAuthority ? 2 : 5);
  const alternatives = [
    ...textsIn(request.ips).map((ip) => der.context(7, addressOf(ip))),
    ...textsIn(request.names).map((name) => der.context(2, Buffer.from(name))),
  ];
  return [
    der.extension(oids.keyUsage, usage, true),
    der.extension(oids.extKeyUsage, der.sequence(der.oid(oids.serverAuth), der.oid(oids.clientAuth))),
    der.extension(oids.basicConstraints, isAuthority ? der.sequence(der.boolean(true)) : der.sequence(), true),
    ...(isAuthority ? [der.extension(oids.subjectKeyId, der.octets(keyIdOf(keys.key)))] : []),
    ...(request.authority === undefined
      ? []
      : [der.extension(oids.authorityKeyId, der.sequence(der.context(0, keyIdOf(keys.signer))))]),
    ...(alternatives.length > 0 ? [der.extension(oids.subjectAltName, der.sequence(...alternatives))] : []),
  ];
}

function nameOf(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.oid(oids.commonName), der.utf8(commonName))));
}

function spkiOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function keyIdOf(key: KeyObject): Buffer {
  return createHash('sha1').update(spkiOf(key)).digest();
}

function readAuthority(value: Value): { key: KeyObject; subject: Buffer } {
  if (!(value instanceof Certificate))
    throw new Error('the certificate authority is not one of genCA or buildCustomCert');
  return { key: readKey(value.key), subject: der.subjectOf(der.unpem(value.cert)) };
}

function readKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'rsa') throw new Error('certificates are signed with RSA keys only');
  return key;
}

function newRsaKey(modulusLength: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs1', format: 'pem' }).toString();
}

function textsIn(value: Value): string[] {
  if (!isSlice(value)) return [];
  return value.map((item) => {
    if (typeof item === 'string') return item;
    throw new Error('names and addresses of a certificate must be texts');
  });
}

function addressOf(ip: string): Buffer {
  if (isIP(ip) === 4) return Buffer.from(ip.split('.').map(Number));
  if (isIP(ip) !== 6) throw new Error(`error parsing ip: ${ip}`);
  const [head = '', tail = ''] = ip.split('::');
  const groups = (text: string) => text.split(':').filter((part) => part !== '');
  const missing = ip.includes('::') ? 8 - groups(head).length - groups(tail).length : 0;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function genPrivateKey(type: string): string {
  if (type === '' || type === 'rsa') return exportKey(newRsaKey(4_096));
  if (type === 'ecdsa')
    return generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'sec1', format: 'pem' })
      .toString();
  if (type === 'ed25519')
    return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return `Unknown type ${type}`;
}

function buildCustomCert(cert: string, key: string): Certificate {
  const decode = (text: string) => Buffer.from(text, 'base64').toString();
  const [certPem, keyPem] = [decode(cert), decode(key)];
  der.unpem(certPem);
  createPrivateKey(keyPem);
  return new Certificate(certPem, keyPem);
}

const authority = { isAuthority: true };
const leaf = { isAuthority: false };

/** sprig: password hashes, private keys and certificates. Every call makes another one. */
export const certificateFunctions: FunctionMap = {
  bcrypt: fn(['string'], (text) => hashSync(text, 10)),
  htpasswd: fn(['string', 'string'], (user, password) => {
    if (user.includes(':')) return `invalid username: ${user}`;
    return `${user}:${hashSync(password, 10)}`;
  }),
  genPrivateKey: fn(['string'], genPrivateKey),
  buildCustomCert: fn(['string', 'string'], buildCustomCert),
  genCA: fn(['string', 'int'], (commonName, days) => issue({ ...authority, commonName, days })),
  genCAWithKey: fn(['string', 'int', 'string'], (commonName, days, key) =>
    issue({ ...authority, commonName, days, key }),
  ),
  genSelfSignedCert: fn(['string', 'slice', 'slice', 'int'], (...[commonName, ips, names, days]) =>
    issue({ ...leaf, commonName, ips, names, days }),
  ),
  genSelfSignedCertWithKey: fn(
    ['string', 'slice', 'slice', 'int', 'string'],
    (...[commonName, ips, names, days, key]) => issue({ ...leaf, commonName, ips, names, days, key }),
  ),
  genSignedCert: fn(['string', 'slice', 'slice', 'int', 'any'], (...[commonName, ips, names, days, ca]) =>
    issue({ ...leaf, commonName, ips, names, days, authority: ca }),
  ),
  genSignedCertWithKey: fn(['string', 'slice', 'slice', 'int', 'any', 'string'], (...args) => {
    const [commonName, ips, names, days, ca, key] = args;
    return issue({ ...leaf, commonName, ips, names, days, authority: ca, key });
  }),
};
