import { createSecureContext } from 'node:tls';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { createUptime } from '@wheelhouse/shared/async/uptime';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { createReconnectPolicy, formatLogin, type ReconnectPolicy } from '@wheelhouse/shared/protocol/nats-login';
import { membershipOf } from './enrol.ts';
import type { Identity } from './identity.ts';

export type LinkState = 'connecting' | 'connected' | 'disconnected' | 'closed';

/** One connection to NATS that is tried for ever, with back-off. */
export interface Connection {
  state(): LinkState;
  /** Undefined unless it stands. */
  current(): NatsConnection | undefined;
  /** Runs a request; fails as soon as the connection breaks. Throws TransportUnavailable when it does not stand. */
  during<T>(request: (connection: NatsConnection) => Promise<T>): Promise<T>;
  /** Logs in again at once, with the identity's credentials of now. */
  logInAgain(): Promise<void>;
  close(): Promise<void>;
}

export interface ConnectionDeps {
  identity: Identity;
  logger: Logger;
  random?: () => number;
}

export interface DialOptions {
  /** Upper bound of the random wait before the first connection; default 0. */
  firstDelayMs?: number;
  /** Upper bound of the random wait between attempts; default 60 s. */
  maxDelayMs?: number;
}

export interface ConnectionListeners {
  /** Once: the time to subscribe, for subscriptions outlive reconnections. */
  onOpened(connection: NatsConnection): void;
  /** Each time it stands. */
  onConnected(): void;
}

/** A fleet of 5,000 makes 1,250 attempts a second at first, and each fails less than once while a server restarts (ADR 0025). */
export const spokeBackoff = { baseMs: 4_000, factor: 1.5, maxMs: 60_000 };

/** Starts connecting and returns at once. */
export function openConnection(deps: ConnectionDeps, options: DialOptions & ConnectionListeners): Connection {
  const { identity, logger, random = Math.random } = deps;
  const { cluster } = membershipOf(identity);
  const policy = createReconnectPolicy(
    { ...spokeBackoff, maxMs: options.maxDelayMs ?? spokeBackoff.maxMs, random },
    random() * (options.firstDelayMs ?? 0),
  );
  const lost = new FleetError('TransportUnavailable', `${cluster} is not connected to the fleet`);
  const uptime = createUptime(lost);
  let state: LinkState = 'connecting';
  let connection: NatsConnection | undefined;
  const enter = (next: LinkState) => {
    if (state === 'closed') return;
    state = next;
    logger.info({ cluster, state }, 'fleet connection');
    if (state !== 'connected') return uptime.down(lost);
    policy.connected();
    uptime.up();
    options.onConnected();
  };
  const open = async () => {
    connection = await dial(identity, policy);
    if (state === 'closed') return await connection.close();
    options.onOpened(connection);
    enter('connected');
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') enter('disconnected');
      if (type === 'reconnect') enter('connected');
    }
  };
  open().catch((error: unknown) => {
    if (state !== 'closed') logger.error({ err: error, cluster }, 'cannot connect to the fleet');
  });
  return {
    state: () => state,
    current: () => (state === 'connected' ? connection : undefined),
    during: async (request) =>
      await uptime.during(async () => {
        if (connection) return await request(connection);
        throw lost;
      }),
    logInAgain: async () => {
      policy.expedite();
      await connection?.reconnect();
    },
    close: async () => {
      state = 'closed';
      uptime.down(lost);
      policy.stop();
      await connection?.close();
    },
  };
}

async function dial(identity: Identity, policy: ReconnectPolicy): Promise<NatsConnection> {
  const { cluster, natsUrls, ca } = membershipOf(identity);
  return await connect({
    servers: natsUrls,
    name: cluster,
    inboxPrefix: `_INBOX.${cluster}`,
    ...(ca && natsUrls.some((url) => url.startsWith('tls:')) ? { tls: trustOnly(ca) } : {}),
    authenticator: (nonce) => formatLogin(membershipOf(identity).jwt, identity.key, nonce),
    ...policy.options,
    ignoreClusterUpdates: true,
    pingInterval: 25_000,
    timeout: 30_000,
    noAsyncTraces: true,
  });
}

/** In the order of preference; a key is made for the first before the server is heard, so it is the only one that costs anything. */
const keyExchanges = 'X25519MLKEM768:X25519:P-256:P-384:P-521';

/** The client hands these to `tls.connect`, which would otherwise read the CA again for each attempt. */
function trustOnly(ca: string) {
  return { ca, secureContext: createSecureContext({ ca, ecdhCurve: keyExchanges }) };
}
