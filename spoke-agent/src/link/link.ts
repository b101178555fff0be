/**
 * The spoke's connection to the fleet: dials out to NATS and keeps its identity fresh, without restart. It carries bytes
 * and says when it is connected; it never judges a document, and no failure of it may stop the spoke from reconciling.
 */
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { abortable } from '@wheelhouse/shared/async/abort';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { blobName, parseBlob, partCountOf } from '@wheelhouse/shared/protocol/blob';
import { type Command, formatAnswer, parseCommand } from '@wheelhouse/shared/protocol/command';
import type { DocumentKeys } from '@wheelhouse/shared/protocol/document-key';
import type { AppStatus, Heartbeat, HeartbeatReply } from '@wheelhouse/shared/protocol/status';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import {
  type Connection,
  type ConnectionDeps,
  type DialOptions,
  type LinkState,
  openConnection,
} from './connection.ts';
import { membershipOf } from './enrol.ts';
import { createLifetime, keepCredentials } from './renewal.ts';

export interface Link extends AsyncDisposable {
  readonly cluster: string;
  /** Names that the cluster had before: documents on disk may carry them. */
  formerNames(): readonly string[];
  /** Of those that it has now; undefined for ones without end. */
  credentials(): Heartbeat['credentials'];
  /** Asks for new credentials now: the hub says that something about the identity changed. */
  renewSoon(): void;
  state(): LinkState;
  /** Keys whose documents are to be trusted; may change with each renewal. */
  documentKeys(): DocumentKeys;
  /** The stored document, undefined when there is none, which says nothing about what should run. */
  latest(signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Content of a bundle or page, checked against its digest. Throws NotFound, DigestMismatch, TransportUnavailable. */
  blob(digest: string, signal: AbortSignal): Promise<Buffer>;
  /** With `ack` resolves once it is stored; without, once it is handed to the connection. */
  publishStatus(status: AppStatus, options: { ack: boolean; signal: AbortSignal }): Promise<void>;
  heartbeat(heartbeat: Heartbeat, signal: AbortSignal): Promise<HeartbeatReply>;
  /** Documents as they are published: hints that anybody in the fleet might forge. */
  onLive(listener: (bytes: Uint8Array) => void): Disposable;
  /** Called each time a connection stands; what was sent meanwhile may have been missed. */
  onConnect(listener: () => void): Disposable;
  /** Questions of the hub; what the listener throws is answered as an error. */
  onCommand(listener: (command: Command) => Promise<unknown>): Disposable;
}

export interface LinkDeps extends ConnectionDeps {
  now?: () => Date;
}

export interface LinkOptions extends DialOptions {
  /** uid of the kube-system namespace. */
  uid: string;
  /** The cluster was approved or renamed: this link is of no more use, make another. */
  onIdentityChanged?: () => void;
}

const requestTimeoutMs = 15_000;
/** NATS takes a request across accounts although nobody is there to answer; a heartbeat can be sent again. */
const heartbeatTimeoutMs = 10_000;
const parallelParts = 4;

interface Listeners {
  live: Set<(bytes: Uint8Array) => void>;
  connect: Set<() => void>;
  command: Set<(command: Command) => Promise<unknown>>;
}

/** Starts connecting and returns at once. Throws Unauthenticated when the identity is not enrolled. */
export function createLink(deps: LinkDeps, options: LinkOptions): Link {
  const { identity } = deps;
  const { cluster, pending } = membershipOf(identity);
  const stop = new AbortController();
  const listeners: Listeners = { live: new Set(), connect: new Set(), command: new Set() };
  const connection = openConnection(deps, {
    ...options,
    // until it is approved, NATS would refuse these subscriptions
    onOpened: (opened) => (pending ? undefined : receive(opened, { cluster, listeners, logger: deps.logger })),
    onConnected: () => {
      for (const listener of listeners.connect) listener();
    },
  });
  const renewal = keepCredentials({ ...deps, connection }, options, stop.signal);
  return {
    cluster,
    formerNames: () => membershipOf(identity).formerNames ?? [],
    credentials: createLifetime(() => membershipOf(identity).jwt),
    renewSoon: () => renewal.soon(),
    state: () => connection.state(),
    documentKeys: () => membershipOf(identity).documentKeys,
    ...createRequests(cluster, connection),
    onLive: (listener) => register(listeners.live, listener),
    onConnect: (listener) => register(listeners.connect, listener),
    onCommand: (listener) => register(listeners.command, listener),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await connection.close();
    },
  };
}

type Requests = Pick<Link, 'latest' | 'blob' | 'publishStatus' | 'heartbeat'>;

interface Asked {
  payload?: string;
  /** Milliseconds. */
  timeout?: number;
  signal: AbortSignal;
}

function createRequests(cluster: string, connection: Connection): Requests {
  const ask = async (subject: string, { payload, timeout = requestTimeoutMs, signal }: Asked): Promise<Msg> => {
    try {
      const answer = connection.during((nats) => nats.request(subject, payload, { timeout }));
      return await abortable(answer, signal);
    } catch (error) {
      throw toFleetError(error, 'TransportUnavailable');
    }
  };
  const part = async (digest: string, number: number, signal: AbortSignal) => {
    const bytes = stored(await ask(subjects.blob(blobName(digest), number), { signal }));
    if (bytes) return bytes;
    throw new FleetError('NotFound', `bundle ${digest} is not stored on the hub (part ${number})`, { retryable: true });
  };
  return {
    latest: async (signal) => stored(await ask(subjects.get(cluster), { signal })),
    blob: async (digest, signal) => {
      const first = await part(digest, 0, signal);
      const rest = Array.from({ length: partCountOf(first) - 1 }, (_, index) => index + 1);
      return await parseBlob(digest, [
        first,
        ...(await mapLimit(rest, parallelParts, (number) => part(digest, number, signal))),
      ]);
    },
    publishStatus: async (status, { ack, signal }) => {
      const subject = subjects.status(cluster, status.app);
      if (!ack) return await connection.during(async (nats) => nats.publish(subject, JSON.stringify(status)));
      const payload = JSON.stringify(status);
      const answer = (await ask(subject, { payload, signal })).json<{ error?: { description: string } }>();
      if (answer.error)
        throw new FleetError(
          'TransportUnavailable',
          `status of ${status.app} was not stored: ${answer.error.description}`,
        );
    },
    heartbeat: async (heartbeat, signal) => {
      const asked = { payload: JSON.stringify(heartbeat), timeout: heartbeatTimeoutMs, signal };
      return (await ask(subjects.heartbeat(cluster), asked)).json<HeartbeatReply>();
    },
  };
}

/** The body of a Direct Get's answer, undefined for 404. Any other status is a failure, never an absence. */
function stored(message: Msg): Uint8Array | undefined {
  const code = message.headers?.code ?? 0;
  if (code === 404) return undefined;
  if (code === 0) return message.data;
  throw new FleetError(
    'TransportUnavailable',
    `the store answered ${code} ${message.headers?.description ?? ''}`.trim(),
  );
}

interface Receiving {
  cluster: string;
  listeners: Listeners;
  logger: Logger;
}

function receive(connection: NatsConnection, { cluster, listeners, logger }: Receiving): void {
  connection.subscribe(subjects.live(cluster), {
    callback: (_error, message) => {
      for (const listener of listeners.live) listener(message.data);
    },
  });
  connection.subscribe(subjects.command(cluster, '*'), {
    callback: (_error, message) => {
      const command = parseCommand(message.string());
      if (!command) return;
      for (const listener of listeners.command)
        void answerOf(command, listener)
          .then((answer) => connection.publish(subjects.answer(cluster, command.id), answer))
          // who asked is told nothing, as when the connection is lost
          .catch((error: unknown) => logger.warn({ err: toFleetError(error), type: command.type }, 'cannot answer'));
    },
  });
}

async function answerOf(command: Command, listener: (command: Command) => Promise<unknown>): Promise<Buffer> {
  try {
    return formatAnswer({ result: await listener(command) });
  } catch (error) {
    const { code, message } = toFleetError(error);
    return formatAnswer({ error: { code, message } });
  }
}

function register<T>(set: Set<T>, listener: T): Disposable {
  set.add(listener);
  return { [Symbol.dispose]: () => void set.delete(listener) };
}
