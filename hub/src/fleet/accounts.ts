import {
  type AccountExport,
  type AccountImport,
  foundedAt,
  mintAccount,
  mintOperator,
  type Permissions,
} from '@wheelhouse/shared/protocol/jwt';
import type { KeyPair } from '@wheelhouse/shared/protocol/nkeys';

export interface AccountKeys {
  operator: KeyPair;
  system: KeyPair;
  hub: KeyPair;
  fleet: KeyPair;
  /** Signs users of FLEET, and only with the permissions of a spoke. */
  spoke: KeyPair;
  /** Signs users of FLEET that nobody approved yet: they may say that they are there, and ask for better credentials. */
  pending: KeyPair;
}

/** Which keys NATS no longer lets in. */
export interface RevokedKeys {
  /** User key → seconds since the epoch until which its JWTs were issued. */
  keys: Record<string, number>;
  /** Seconds since the epoch; grows with every change of `keys`. */
  changedAt: number;
}

export interface AccountJwts {
  operator: string;
  /** By public key, for the server's memory resolver. */
  accounts: Record<string, string>;
}

/** The JWTs of operator and accounts. They follow from the keys alone, so that nothing but keys has to be kept. */
export function mintAccounts(keys: AccountKeys): AccountJwts {
  const { operator, system, hub, fleet } = keys;
  return {
    operator: mintOperator({ name: 'wheelhouse', operator, systemAccount: system.publicKey }),
    accounts: {
      [system.publicKey]: mintAccount({ name: 'SYS', account: system.publicKey, operator }),
      [hub.publicKey]: mintAccount({
        name: 'HUB',
        account: hub.publicKey,
        operator,
        jetstream: true,
        exports: hubExports,
      }),
      [fleet.publicKey]: mintFleetAccount(keys),
    },
  };
}

/** The account of the spokes. It is the only one that changes: a revocation is a new JWT of it, which the hub hands to the server. */
export function mintFleetAccount(keys: AccountKeys, revoked?: RevokedKeys): string {
  const scoped = (role: 'spoke' | 'pending', permissions: Permissions, maxSubscriptions: number) => ({
    key: keys[role].publicKey,
    role,
    permissions,
    maxSubscriptions,
    maxPayload: 1_048_576,
  });
  return mintAccount({
    name: 'FLEET',
    account: keys.fleet.publicKey,
    operator: keys.operator,
    imports: fleetImports(keys.hub.publicKey),
    scopedKeys: [scoped('spoke', spokePermissions, 50), scoped('pending', pendingPermissions, 5)],
    ...(revoked ? { revocations: revoked.keys, issuedAt: Math.max(foundedAt + 1, revoked.changedAt) } : {}),
  });
}

const directGet = '$JS.API.DIRECT.GET';

/** The only bridge between the accounts. A spoke's reply subject stays in FLEET: it can never name a stored subject. */
const hubExports: AccountExport[] = [
  { name: 'document', subject: `${directGet}.DESIRED.fleet.v1.desired.*.index`, type: 'service' },
  { name: 'blob', subject: `${directGet}.BLOBS.fleet.v1.blobs.*.*`, type: 'service' },
  { name: 'up', subject: 'fleet.v1.up.>', type: 'service' },
  { name: 'live', subject: 'fleet.v1.live.>', type: 'stream' },
  { name: 'command', subject: 'fleet.v1.cmd.>', type: 'stream' },
];

function fleetImports(account: string): AccountImport[] {
  const localSubjects: Record<string, string> = { document: 'fleet.v1.get.$1.index', blob: 'fleet.v1.blob.$1.$2' };
  return hubExports.map(({ name, subject, type }) => {
    const localSubject = localSubjects[name];
    return { name, subject, type, account, ...(localSubject ? { localSubject } : {}) };
  });
}

/** What a spoke may do; `{{name()}}` is its cluster, by its JWT. */
const spokePermissions = {
  publish: ['fleet.v1.get.{{name()}}.index', 'fleet.v1.blob.*.*', 'fleet.v1.up.{{name()}}.>'],
  subscribe: ['fleet.v1.live.{{name()}}.>', 'fleet.v1.cmd.{{name()}}.>', '_INBOX.{{name()}}.>'],
};

const pendingPermissions = {
  publish: ['fleet.v1.up.{{name()}}.hb', 'fleet.v1.up.{{name()}}.renew'],
  subscribe: ['_INBOX.{{name()}}.>'],
};
