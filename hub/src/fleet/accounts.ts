import { type AccountExport, type AccountImport, mintAccount, mintOperator } from '@wheelhouse/shared/protocol/jwt';
import type { KeyPair } from '@wheelhouse/shared/protocol/nkeys';

export interface AccountKeys {
  operator: KeyPair;
  system: KeyPair;
  hub: KeyPair;
  fleet: KeyPair;
  /** Signs users of FLEET, and only with the permissions of a spoke. */
  spoke: KeyPair;
}

export interface AccountJwts {
  operator: string;
  /** By public key, for the server's memory resolver. */
  accounts: Record<string, string>;
}

/** The JWTs of operator and accounts. They follow from the keys alone, so that nothing but keys has to be kept. */
export function mintAccounts(keys: AccountKeys): AccountJwts {
  const { operator, system, hub, fleet, spoke } = keys;
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
      [fleet.publicKey]: mintAccount({
        name: 'FLEET',
        account: fleet.publicKey,
        operator,
        imports: fleetImports(hub.publicKey),
        scopedKeys: [
          {
            key: spoke.publicKey,
            role: 'spoke',
            permissions: spokePermissions,
            maxSubscriptions: 50,
            maxPayload: 1_048_576,
          },
        ],
      }),
    },
  };
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
