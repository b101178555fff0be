import { join } from 'node:path';
import type { Authority } from './authority.ts';

export interface NatsConfigOptions {
  authority: Pick<Authority, 'jwts' | 'tls'>;
  /** Address to listen on, `127.0.0.1:4222`. */
  listen: string;
  /** Where JetStream keeps its files. */
  storeDir: string;
  serverName?: string;
  /** Default true: clients must use TLS with the authority's certificate. */
  tls?: boolean;
  /** Upper bound of JetStream's files; default 20 GiB. */
  maxFileBytes?: number;
  /** Serves `/healthz` and `/varz` when given. */
  monitor?: string;
}

/**
 * The configuration of a nats-server for one hub: operator mode with the accounts preloaded, and the limits that a fleet
 * of 10,000 spokes needs (logins take longer than the default 2 s when all come at once).
 */
export function formatNatsConfig(options: NatsConfigOptions): string {
  const { jwts, tls } = options.authority;
  const preload = Object.entries(jwts.accounts).map(([account, jwt]) => `  ${account}: ${jwt}`);
  return [
    `listen: ${JSON.stringify(options.listen)}`,
    `server_name: ${JSON.stringify(options.serverName ?? 'wheelhouse')}`,
    ...(options.monitor ? [`http: ${JSON.stringify(options.monitor)}`] : []),
    `operator: ${jwts.operator}`,
    `system_account: ${jwts.systemAccount}`,
    // kept in files, so that a revocation outlives the server; the hub hands it over again when they are lost
    `resolver { type: full, dir: ${JSON.stringify(join(options.storeDir, 'accounts'))}, allow_delete: false, interval: "2m" }`,
    'resolver_preload: {',
    ...preload,
    '}',
    'authorization { timeout: 30 }',
    ...(options.tls === false
      ? []
      : [
          // without the CA, which clients have: one certificate less to read for each login
          `tls { cert_file: ${JSON.stringify(tls.leafFile)}, key_file: ${JSON.stringify(tls.keyFile)}, timeout: 30, connection_rate_limit: 2000 }`,
        ]),
    'jetstream {',
    `  store_dir: ${JSON.stringify(options.storeDir)}`,
    `  max_file_store: ${options.maxFileBytes ?? 20 * 1024 ** 3}`,
    '  max_buffered_msgs: 200000',
    '  max_buffered_size: 512MB',
    '  sync_interval: 10s',
    '}',
    'max_payload: 8MB',
    'max_pending: 256MB',
    'write_deadline: "30s"',
    '',
  ].join('\n');
}
