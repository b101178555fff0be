import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { abortable } from '@wheelhouse/shared/async/abort';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { createReconnectPolicy, formatLogin } from '@wheelhouse/shared/protocol/nats-login';
import type { KeyPair } from '@wheelhouse/shared/protocol/nkeys';

/** The hub's connection to NATS, as a user of the account HUB. Disposing drains and closes it. */
export interface HubNats extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Whether the server answers now. */
  isConnected(): boolean;
  /** Calls back after each reconnection. */
  onReconnect(listener: () => void): Disposable;
}

export interface HubNatsOptions {
  /** `nats://host:port` or `tls://host:port`, several separated by commas. */
  url: string;
  user: { jwt: string; key: KeyPair };
  /** PEM of the CA that the server's certificate must come from; used for `tls://`. */
  ca?: string | undefined;
  /** Name shown by the server's monitoring. */
  name: string;
}

const requestTimeoutMs = 30_000;

/** Connects, and waits for the server for as long as the signal allows. Afterwards reconnects for ever. */
export async function connectHub(
  deps: { logger: Logger },
  options: HubNatsOptions,
  signal: AbortSignal,
): Promise<HubNats> {
  const policy = createReconnectPolicy({ baseMs: 100, maxMs: 5_000 });
  const pending = connect({
    servers: options.url.split(',').map((server) => server.trim()),
    name: options.name,
    ...(options.ca && options.url.includes('tls://') ? { tls: { ca: options.ca } } : {}),
    authenticator: (nonce) => formatLogin(options.user.jwt, options.user.key, nonce),
    ...policy.options,
    pingInterval: 20_000,
    timeout: 20_000,
    noAsyncTraces: true,
  });
  const connection = await abortable(pending, signal).catch((cause: unknown) => {
    pending.then((late) => late.close()).catch(() => undefined);
    throw new FleetError('TransportUnavailable', `cannot connect to nats at ${options.url}`, { cause });
  });
  policy.connected();
  const listeners = new Set<() => void>();
  let connected = true;
  void watchState(connection, {
    disconnect: () => {
      connected = false;
      deps.logger.warn({ url: options.url }, 'nats connection lost');
    },
    reconnect: () => {
      connected = true;
      policy.connected();
      deps.logger.info({ url: options.url }, 'nats connection is back');
      for (const listener of listeners) listener();
    },
  });
  return {
    connection,
    jetstream: jetstream(connection, { timeout: requestTimeoutMs }),
    manager: await jetstreamManager(connection, { timeout: requestTimeoutMs, checkAPI: false }),
    isConnected: () => connected && !connection.isClosed(),
    onReconnect: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.asyncDispose]: async () => {
      if (connected) await connection.drain().catch(() => connection.close());
      else await connection.close();
    },
  };
}

async function watchState(
  connection: NatsConnection,
  on: { disconnect: () => void; reconnect: () => void },
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') on.disconnect();
    if (status.type === 'reconnect') on.reconnect();
  }
}

/** The code of an error that JetStream answered with, 0 for any other. */
export function apiErrorCode(error: unknown): number {
  return error instanceof JetStreamApiError ? error.code : 0;
}
