import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { abortable, sleep } from '@wheelhouse/shared/async/abort';
import { createUptime, type Uptime } from '@wheelhouse/shared/async/uptime';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { createReconnectPolicy, formatLogin } from '@wheelhouse/shared/protocol/nats-login';
import type { KeyPair } from '@wheelhouse/shared/protocol/nkeys';

/** The hub's connection to NATS, as a user of the account HUB. Disposing drains and closes it. */
export interface HubNats extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  isConnected(): boolean;
  /**
   * Runs a request: waits a while for the connection, and fails when it breaks rather than when time is up. With
   * `attempts` above 1 it is made again, so it must not matter if it happens twice. Throws TransportUnavailable; what
   * JetStream answers is thrown as it is.
   */
  run<T>(request: () => Promise<T>, attempts?: number): Promise<T>;
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
const reconnectTimeoutMs = 15_000;
const retryMs = 250;
/**
 * Before the spokes: a login that comes after theirs waits until all are through, and no heartbeat is answered meanwhile.
 * The waits reach a second after half a minute (ADR 0025).
 */
export const hubBackoff = { baseMs: 100, maxMs: 1_000, factor: 1.02 };

/** Connects, and waits for the server for as long as the signal allows. Afterwards reconnects for ever. */
export async function connectHub(
  deps: { logger: Logger },
  options: HubNatsOptions,
  signal: AbortSignal,
): Promise<HubNats> {
  const policy = createReconnectPolicy(hubBackoff);
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
    // it failed, or nobody waits for it any more
    pending.then((late) => late.close()).catch(() => undefined);
    throw new FleetError('TransportUnavailable', `cannot connect to nats at ${options.url}`, { cause });
  });
  policy.connected();
  const listeners = new Set<() => void>();
  const lost = new FleetError('TransportUnavailable', 'the connection to nats is lost; it is being made again');
  const uptime = createUptime(lost);
  uptime.up();
  void watchState(connection, {
    disconnect: () => {
      uptime.down(lost);
      deps.logger.warn({ url: options.url }, 'nats connection lost');
    },
    reconnect: () => {
      policy.connected();
      uptime.up();
      deps.logger.info({ url: options.url }, 'nats connection is back');
      for (const listener of listeners) listener();
    },
  });
  return {
    connection,
    jetstream: jetstream(connection, { timeout: requestTimeoutMs }),
    manager: await jetstreamManager(connection, { timeout: requestTimeoutMs, checkAPI: false }),
    isConnected: () => uptime.isUp(),
    run: async (request, attempts = 1) => await runRequest(request, { uptime, attempts }),
    onReconnect: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.asyncDispose]: async () => {
      if (uptime.isUp()) await connection.drain().catch(() => connection.close());
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

async function runRequest<T>(request: () => Promise<T>, options: { uptime: Uptime; attempts: number }): Promise<T> {
  const { uptime, attempts } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await uptime.waitUntilUp(AbortSignal.timeout(reconnectTimeoutMs));
      return await uptime.during(request);
    } catch (cause) {
      if (cause instanceof JetStreamApiError) throw cause;
      const error = isFleetError(cause)
        ? cause
        : new FleetError('TransportUnavailable', 'nats did not answer', { cause });
      if (error.code !== 'TransportUnavailable' || attempt === attempts) throw error;
      await sleep(retryMs * attempt);
    }
  }
}

/** The code of an error that JetStream answered with, 0 for any other. */
export function apiErrorCode(error: unknown): number {
  return error instanceof JetStreamApiError ? error.code : 0;
}
