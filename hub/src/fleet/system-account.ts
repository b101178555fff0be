/** NATS' system account: where the hub changes the account of the spokes, and where the server tells whom it turned away. */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJwt } from '@wheelhouse/shared/protocol/jwt';
import type { HubNats } from '../store/nats.ts';

export interface SystemAccount {
  /** Resolves once a server uses it; in a cluster the others get it at the same time. Throws TransportUnavailable. */
  updateAccount(account: { publicKey: string; jwt: string }): Promise<void>;
  /** Logins that failed and connections that ended, as the server tells them, until the signal aborts. */
  onEvent(listener: (event: SystemEvent) => void, signal: AbortSignal): void;
  /** Of each server, the connections of an account that sent most since they were made, and those that sent last. */
  busiest(account: string, limit: number): Promise<BusyConnection[]>;
  /** Undefined when the connection has ended. */
  holder(id: string): Promise<ConnectionHolder | undefined>;
  /** Ends a connection; its client may come back. */
  disconnect(id: string): Promise<void>;
  onReconnect(listener: () => void): Disposable;
}

export interface SystemEvent {
  type: 'refused login' | 'disconnected';
  /** Why, in the server's words. */
  reason: string;
  /** The JWT that was presented, '' if none. */
  jwt: string;
  host: string;
}

export interface BusyConnection {
  /** Server and connection. */
  id: string;
  messages: number;
}

export interface ConnectionHolder {
  /** As its JWT says; '' when that cannot be read. */
  cluster: string;
  publicKey: string;
}

interface Answer {
  data?: { code?: number; message?: string };
  error?: { description?: string };
}

interface Advisory {
  client?: { jwt?: string; host?: string };
  reason?: string;
}

interface Connz {
  server?: { id?: string };
  data?: {
    connections?: { cid: number; authorized_user?: string; in_msgs: number; jwt?: string }[];
  };
}

const timeoutMs = 5_000;
const attempts = 3;
const gatherMs = 300;

export function createSystemAccount({ nats }: { nats: HubNats }): SystemAccount {
  return {
    updateAccount: async ({ publicKey, jwt }) => {
      const subject = `$SYS.REQ.ACCOUNT.${publicKey}.CLAIMS.UPDATE`;
      const message = await nats.run(() => nats.connection.request(subject, jwt, { timeout: timeoutMs }), attempts);
      const answer = message.json<Answer>();
      if (answer.error || answer.data?.code !== 200)
        throw new FleetError(
          'TransportUnavailable',
          `nats did not take the account of the spokes: ${answer.error?.description ?? answer.data?.message ?? 'no reason given'}`,
        );
    },
    onEvent: (listener, signal) => {
      const listen = (subject: string, type: SystemEvent['type']) => {
        const subscription = nats.connection.subscribe(subject, {
          callback: (_error, message) => {
            const { client, reason = '' } = message.json<Advisory>();
            listener({ type, reason, jwt: client?.jwt ?? '', host: client?.host ?? '' });
          },
        });
        signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
      };
      listen('$SYS.SERVER.*.CLIENT.AUTH.ERR', 'refused login');
      listen('$SYS.ACCOUNT.*.DISCONNECT', 'disconnected');
    },
    busiest: async (account, limit) => {
      // who has just begun is far from the top of those that are there for months, but nobody sent later
      const lists = await Promise.all(
        ['msgs_from', 'last'].map(async (sort) => await listConnections(nats, { acc: account, sort, limit })),
      );
      return [...new Map(lists.flat().map((one) => [one.id, one])).values()];
    },
    holder: async (id) => {
      const { server, cid } = parseId(id);
      // asked of one connection only: for each that it tells of, the server checks the signature of its JWT
      const options = JSON.stringify({ cid, auth: true });
      const subject = `$SYS.REQ.SERVER.${server}.CONNZ`;
      const answer = await nats.run(() => nats.connection.request(subject, options, { timeout: timeoutMs }));
      const found = answer.json<Connz>().data?.connections?.[0];
      return found && { cluster: nameIn(found.jwt ?? ''), publicKey: found.authorized_user ?? '' };
    },
    disconnect: async (id) => {
      const { server, cid } = parseId(id);
      const subject = `$SYS.REQ.SERVER.${server}.KICK`;
      await nats.run(() => nats.connection.request(subject, JSON.stringify({ cid }), { timeout: timeoutMs }));
    },
    onReconnect: (listener) => nats.onReconnect(listener),
  };
}

async function listConnections(nats: HubNats, options: object): Promise<BusyConnection[]> {
  const found: BusyConnection[] = [];
  const answers = await nats.connection.requestMany('$SYS.REQ.SERVER.PING.CONNZ', JSON.stringify(options), {
    strategy: 'stall',
    maxWait: timeoutMs,
    stall: gatherMs,
  });
  for await (const message of answers) {
    const { server, data } = message.json<Connz>();
    for (const one of data?.connections ?? []) found.push({ id: `${server?.id}.${one.cid}`, messages: one.in_msgs });
  }
  return found;
}

function parseId(id: string): { server: string; cid: number } {
  const [server = '', cid = ''] = id.split('.');
  return { server, cid: Number(cid) };
}

function nameIn(jwt: string): string {
  try {
    return parseJwt(jwt).name;
  } catch {
    return '';
  }
}
