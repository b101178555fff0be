import { FleetError } from '../errors/fleet-error.ts';
import { formatClaimsId, isSignedBy, type KeyPair } from './nkeys.ts';

/**
 * NATS JWTs, version 2 of the claims, minted and read with node:crypto only.
 * Source of the format: nats-io/jwt v2 (claims) and NATS ADR-14.
 */
export interface Claims {
  jti: string;
  /** Seconds since the epoch. */
  iat: number;
  exp?: number;
  /** Public key of the signer. */
  iss: string;
  name: string;
  /** Public key of the subject. */
  sub: string;
  nats: { type: 'operator' | 'account' | 'user'; version: 2; [field: string]: unknown };
}

export interface Permissions {
  publish: string[];
  subscribe: string[];
}

export interface AccountExport {
  name: string;
  subject: string;
  type: 'stream' | 'service';
}

export interface AccountImport {
  name: string;
  /** Subject in the exporting account. */
  subject: string;
  /** Public key of the exporting account. */
  account: string;
  type: 'stream' | 'service';
  /** Name of the subject in this account; `$1` is the first wildcard of `subject`. */
  localSubject?: string;
}

export interface OperatorInit {
  name: string;
  operator: KeyPair;
  systemAccount: string;
}

export interface AccountInit {
  name: string;
  /** Public key of the account. */
  account: string;
  operator: KeyPair;
  jetstream?: boolean;
  exports?: AccountExport[];
  imports?: AccountImport[];
  /** Keys that may sign users of this account, each only with these permissions; `{{name()}}` is the user's name. */
  scopedKeys?: { key: string; role: string; permissions: Permissions; maxSubscriptions: number; maxPayload: number }[];
  /** User key → seconds since the epoch: JWTs of that key issued until then are refused, and their connections closed. */
  revocations?: Record<string, number>;
  /** Seconds since the epoch; a server keeps the newest JWT of an account that it is given. */
  issuedAt?: number;
}

export interface UserInit {
  name: string;
  /** Public key of the user. */
  user: string;
  /** The account's own key, or one of its scoped keys. */
  signer: KeyPair;
  /** Public key of the account. */
  account: string;
  /** true when `signer` is a scoped key: permissions then come from the account. */
  scoped: boolean;
  expiresAt?: Date;
}

const unlimited = -1;
/** Issue time of operator and accounts: the same keys give the same JWTs each time, so a server's configuration can be reloaded. */
export const foundedAt = Date.UTC(2026, 0, 1) / 1000;
const header = encode({ typ: 'JWT', alg: 'ed25519-nkey' });

export function mintOperator(init: OperatorInit): string {
  const { name, operator, systemAccount } = init;
  return mint(
    {
      iat: foundedAt,
      name,
      sub: operator.publicKey,
      nats: { type: 'operator', version: 2, system_account: systemAccount },
    },
    operator,
  );
}

export function mintAccount(init: AccountInit): string {
  const nats = {
    type: 'account' as const,
    version: 2 as const,
    limits: accountLimits(init.jetstream ?? false),
    exports: (init.exports ?? []).map((item) => ({
      ...item,
      ...(item.type === 'service' ? { response_type: 'Singleton' } : {}),
    })),
    imports: (init.imports ?? []).map(({ localSubject, ...item }) => ({
      ...item,
      ...(localSubject ? { local_subject: localSubject } : {}),
    })),
    signing_keys: (init.scopedKeys ?? []).map((scoped) => ({
      kind: 'user_scope',
      key: scoped.key,
      role: scoped.role,
      template: {
        pub: { allow: scoped.permissions.publish },
        sub: { allow: scoped.permissions.subscribe },
        subs: scoped.maxSubscriptions,
        data: unlimited,
        payload: scoped.maxPayload,
      },
    })),
    ...(init.revocations && Object.keys(init.revocations).length > 0 ? { revocations: init.revocations } : {}),
  };
  return mint({ iat: init.issuedAt ?? foundedAt, name: init.name, sub: init.account, nats }, init.operator);
}

export function mintUser(init: UserInit): string {
  const limits = init.scoped ? {} : { pub: {}, sub: {}, subs: unlimited, data: unlimited, payload: unlimited };
  return mint(
    {
      name: init.name,
      sub: init.user,
      ...(init.expiresAt ? { exp: Math.floor(init.expiresAt.getTime() / 1000) } : {}),
      nats: { ...limits, issuer_account: init.account, type: 'user', version: 2 },
    },
    init.signer,
  );
}

/** Reads a JWT and checks its signature by the key that it names as its issuer. Throws Malformed or SignatureInvalid. */
export function parseJwt(token: string): Claims {
  const [head, body, signature, ...rest] = token.split('.');
  if (!head || !body || !signature || rest.length > 0) throw new FleetError('Malformed', 'not a JWT');
  const claims = decode(body);
  if (!isSignedBy(claims.iss, Buffer.from(`${head}.${body}`), Buffer.from(signature, 'base64url')))
    throw new FleetError('SignatureInvalid', `the JWT of ${claims.name} is not signed by its issuer`);
  return claims;
}

/** When a JWT ends, or undefined when it never does. */
export function expiryOf(claims: Claims): Date | undefined {
  return claims.exp === undefined ? undefined : new Date(claims.exp * 1000);
}

function mint(claims: Omit<Claims, 'jti' | 'iat' | 'iss'> & { iat?: number }, signer: KeyPair): string {
  const complete: Claims = { jti: '', iat: Math.floor(Date.now() / 1000), iss: signer.publicKey, ...claims };
  complete.jti = formatClaimsId(JSON.stringify(complete));
  const content = `${header}.${encode(complete)}`;
  return `${content}.${signer.sign(Buffer.from(content)).toString('base64url')}`;
}

function accountLimits(jetstream: boolean): Record<string, number | boolean> {
  const limits = { subs: -1, conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1, wildcards: true };
  return jetstream ? { ...limits, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 } : limits;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(body: string): Claims {
  try {
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
    if (typeof claims.iss === 'string' && typeof claims.sub === 'string') return claims;
  } catch (cause) {
    throw new FleetError('Malformed', 'not a JWT: its claims are no JSON', { cause });
  }
  throw new FleetError('Malformed', 'not a JWT: it names no issuer or subject');
}
