// @peculiar/x509 registers its parts by decorators, which need this to be loaded before it.
// oxlint-disable-next-line import/no-unassigned-import -- it is loaded for what it does to Reflect
import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key, both PEM. */
export interface KeyedCertificate {
  cert: string;
  key: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;
const clockSkewMs = 3_600_000;
/** A server certificate is made anew when less than this is left of it. */
const renewBeforeMs = 30 * dayMs;

/** A self-signed CA for 20 years. */
export async function createAuthorityCertificate(now: Date): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Wheelhouse CA',
      keys,
      notBefore: new Date(now.getTime() - clockSkewMs),
      notAfter: new Date(now.getTime() + 20 * 365 * dayMs),
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto,
  );
  return { cert: certificate.toString('pem'), key: await formatKey(keys.privateKey) };
}

/** A certificate for these DNS names and IP addresses, for a year; its chain ends with the CA, so that a peer can show it. */
export async function createServerCertificate(
  ca: KeyedCertificate,
  names: readonly string[],
  now: Date,
): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create(
    {
      subject: 'CN=Wheelhouse hub',
      issuer: new X509Certificate(ca.cert).subject,
      publicKey: keys.publicKey,
      signingKey: await parseKey(ca.key),
      notBefore: new Date(now.getTime() - clockSkewMs),
      notAfter: new Date(now.getTime() + 365 * dayMs),
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      ],
    },
    webcrypto,
  );
  return { cert: `${certificate.toString('pem')}\n${ca.cert}`, key: await formatKey(keys.privateKey) };
}

/** Whether a server certificate still serves all of these names, under this CA. */
export function isCurrent(
  server: KeyedCertificate,
  ca: KeyedCertificate,
  wanted: { names: readonly string[]; now: Date },
): boolean {
  const certificate = new X509Certificate(server.cert);
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items.map((item) => item.value) ?? [];
  return (
    server.cert.endsWith(ca.cert) &&
    certificate.notAfter.getTime() - wanted.now.getTime() > renewBeforeMs &&
    wanted.names.every((name) => names.includes(name))
  );
}

/** SHA-256 of the certificate (DER), hexadecimal: what an enrolment token carries. */
export function fingerprintOf(pem: string): string {
  return createHash('sha256')
    .update(Buffer.from(new X509Certificate(pem).rawData))
    .digest('hex');
}

async function formatKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

async function parseKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  return await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
