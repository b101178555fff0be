import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { FleetError } from '../errors/fleet-error.ts';

/** The hub's half of a document key: Ed25519. */
export interface SigningKey {
  /** Name of the key: the first 16 hexadecimal digits of the SHA-256 of its public half. */
  kid: string;
  privateKey: KeyObject;
}

/** What a spoke holds: key ids and public halves (base64 of SPKI). A set, so that keys can be exchanged while spokes are away. */
export type DocumentKeys = Record<string, string>;

export function createSigningKey(): SigningKey {
  return signingKeyOf(generateKeyPairSync('ed25519').privateKey);
}

/** Reads a PKCS #8 PEM. */
export function parseSigningKey(pem: string): SigningKey {
  return signingKeyOf(createPrivateKey(pem));
}

export function formatSigningKey(key: SigningKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export function publicHalf(key: SigningKey): string {
  return createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
}

/** Verifiers by key id, parsed once. Throws Malformed when a key cannot be read. */
export function parseDocumentKeys(keys: DocumentKeys): Map<string, KeyObject> {
  const entries = Object.entries(keys).map(([kid, text]): [string, KeyObject] => {
    try {
      return [kid, createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })];
    } catch (cause) {
      throw new FleetError('Malformed', `document key ${kid} cannot be read`, { cause });
    }
  });
  return new Map(entries);
}

function signingKeyOf(privateKey: KeyObject): SigningKey {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { kid: createHash('sha256').update(spki).digest('hex').slice(0, 16), privateKey };
}
