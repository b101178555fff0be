/**
 * Who the hub is towards the fleet: the NATS operator with its accounts, the key that signs documents, the CA and the
 * certificate for HTTPS and NATS. Made once into a directory that only its owner can read, loaded afterwards; replicas
 * share the directory. It holds no credential of any cluster, and hands out no private key but the hub's own NATS user.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, replaceFile, writeOnce } from '@wheelhouse/shared/files/replace-file';
import { assertClusterName } from '@wheelhouse/shared/protocol/cluster-name';
import {
  createSigningKey,
  type DocumentKeys,
  formatSigningKey,
  parseSigningKey,
  publicHalf,
  type SigningKey,
} from '@wheelhouse/shared/protocol/document-key';
import { mintUser } from '@wheelhouse/shared/protocol/jwt';
import { createKeyPair, deriveKeyPair, type KeyKind, type KeyPair, parseSeed } from '@wheelhouse/shared/protocol/nkeys';
import { type AccountJwts, type AccountKeys, mintAccounts, mintFleetAccount, type RevokedKeys } from './accounts.ts';
import {
  createAuthorityCertificate,
  createServerCertificate,
  fingerprintOf,
  isCurrent,
  type KeyedCertificate,
} from './certificates.ts';

export interface Authority {
  /** For the server's configuration. */
  readonly jwts: AccountJwts & { systemAccount: string };
  /** Signs the documents of clusters. */
  readonly documentKey: SigningKey;
  /** Public halves of every key whose documents spokes should accept. */
  readonly documentKeys: DocumentKeys;
  readonly ca: { pem: string; fingerprint: string };
  /** PEM texts and the files that hold them; the certificate's chain includes the CA, `leafFile` is without it. */
  readonly tls: KeyedCertificate & { certFile: string; leafFile: string; keyFile: string; caFile: string };
  /** Logs a hub replica in at NATS. */
  hubUser(): { jwt: string; key: KeyPair };
  /** Logs a hub replica in at NATS' system account, where accounts are changed and the server tells what it refused. */
  systemUser(): { jwt: string; key: KeyPair };
  /** The user JWT of a spoke: may do only what a spoke of that name may. Throws Invalid for a bad cluster name. */
  mintSpoke(cluster: string, publicKey: string, expiresAt: Date): string;
  /** The same for a spoke that waits for approval: heartbeats and renewal, and nothing else. */
  mintPending(cluster: string, publicKey: string, expiresAt: Date): string;
  /** The account of the spokes without these keys. */
  fleetAccount(revoked: RevokedKeys): { publicKey: string; jwt: string };
}

export interface AuthorityOptions {
  directory: string;
  /** DNS names and IP addresses that spokes and people reach the hub and NATS under. */
  names: readonly string[];
  now?: () => Date;
}

interface Stored {
  v: 1;
  seeds: Record<StoredRole, string>;
  /** PKCS #8 PEM; the first signs, all are accepted. */
  documentKeys: string[];
  ca: KeyedCertificate;
}

type StoredRole = Exclude<keyof AccountKeys, 'pending'>;

const kinds: Record<StoredRole, KeyKind> = {
  operator: 'operator',
  system: 'account',
  hub: 'account',
  fleet: 'account',
  spoke: 'account',
};

/** Loads the authority from its directory, or makes it there. */
export async function loadAuthority(options: AuthorityOptions): Promise<Authority> {
  const { directory, names, now = () => new Date() } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const stored = await loadStored(join(directory, 'authority.json'), now());
  const tls = await loadServerCertificate(directory, stored.ca, { names, now: now() });
  return createAuthority(stored, tls);
}

function createAuthority(stored: Stored, tls: Authority['tls']): Authority {
  const own = mapKeys((role) => parseSeed(stored.seeds[role]));
  // derived, so that replicas with copies of one directory agree on it
  const keys: AccountKeys = { ...own, pending: deriveKeyPair(own.spoke, 'wheelhouse pending spoke') };
  const documentKeys = stored.documentKeys.map(parseSigningKey);
  const [documentKey] = documentKeys;
  if (!documentKey) throw new FleetError('Malformed', 'authority.json holds no document key');
  return {
    jwts: { ...mintAccounts(keys), systemAccount: keys.system.publicKey },
    documentKey,
    documentKeys: Object.fromEntries(documentKeys.map((key) => [key.kid, publicHalf(key)])),
    ca: { pem: stored.ca.cert, fingerprint: fingerprintOf(stored.ca.cert) },
    tls,
    hubUser: () => userOf(keys.hub),
    systemUser: () => userOf(keys.system),
    mintSpoke: (...spoke) => mintScoped(keys, 'spoke', spoke),
    mintPending: (...spoke) => mintScoped(keys, 'pending', spoke),
    fleetAccount: (revoked) => ({ publicKey: keys.fleet.publicKey, jwt: mintFleetAccount(keys, revoked) }),
  };
}

function userOf(account: KeyPair): { key: KeyPair; jwt: string } {
  const key = createKeyPair('user');
  const user = { name: 'hub', user: key.publicKey, signer: account, account: account.publicKey, scoped: false };
  return { key, jwt: mintUser(user) };
}

function mintScoped(
  keys: AccountKeys,
  role: 'spoke' | 'pending',
  [cluster, publicKey, expiresAt]: [cluster: string, publicKey: string, expiresAt: Date],
): string {
  assertClusterName(cluster);
  const account = keys.fleet.publicKey;
  return mintUser({ name: cluster, user: publicKey, signer: keys[role], account, scoped: true, expiresAt });
}

async function loadStored(file: string, now: Date): Promise<Stored> {
  const found = await findFile(file);
  if (found) return parseStored(found.toString(), file);
  const created: Stored = {
    v: 1,
    seeds: mapKeys((role) => createKeyPair(kinds[role]).seed()),
    documentKeys: [formatSigningKey(createSigningKey())],
    ca: await createAuthorityCertificate(now),
  };
  await writeOnce(file, JSON.stringify(created, null, 2));
  return parseStored(String(await findFile(file)), file);
}

function parseStored(text: string, file: string): Stored {
  try {
    const stored = JSON.parse(text) as Stored;
    if (stored.v === 1) return stored;
  } catch (cause) {
    throw new FleetError('Malformed', `${file} is damaged: restore it from a backup, spokes trust only its keys`, {
      cause,
    });
  }
  throw new FleetError('Malformed', `${file} is of another version of the hub`);
}

async function loadServerCertificate(
  directory: string,
  ca: KeyedCertificate,
  wanted: { names: readonly string[]; now: Date },
): Promise<Authority['tls']> {
  const files = {
    certFile: join(directory, 'server.pem'),
    leafFile: join(directory, 'leaf.pem'),
    keyFile: join(directory, 'server.key'),
    caFile: join(directory, 'ca.pem'),
  };
  const [cert, leaf, key] = await Promise.all([files.certFile, files.leafFile, files.keyFile].map(findFile));
  // a hub that ended between two of these files left some of one certificate and some of another
  const isWhole = cert && leaf && key && cert.toString() === leaf.toString() + ca.cert;
  const found = isWhole && { cert: cert.toString(), key: key.toString() };
  if (found && isCurrent(found, ca, wanted)) return { ...found, ...files };
  const created = await createServerCertificate(ca, wanted.names, wanted.now);
  await replaceFile(files.caFile, ca.cert);
  await replaceFile(files.keyFile, created.key);
  await replaceFile(files.leafFile, created.cert.slice(0, -ca.cert.length));
  await replaceFile(files.certFile, created.cert);
  return { ...created, ...files };
}

function mapKeys<T>(make: (role: StoredRole) => T): Record<StoredRole, T> {
  const roles = Object.keys(kinds) as StoredRole[];
  return Object.fromEntries(roles.map((role) => [role, make(role)])) as Record<StoredRole, T>;
}
