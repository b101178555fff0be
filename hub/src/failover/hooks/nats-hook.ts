import { readFile } from 'node:fs/promises';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import type { HookOutcome } from './decide-hooks.ts';
import type { HookMessage } from './message.ts';

export interface NatsHookOptions {
  /** Of the server that hooks are sent to; it is not the hub's own. */
  url?: string | undefined;
  /** File of the credentials. */
  creds?: string | undefined;
  /** Name of the connection. */
  name: string;
}

export interface NatsHooks extends AsyncDisposable {
  /** One request; the answer must say that it was done. */
  call(hook: { subject: string; message: HookMessage; timeoutMs: number }, signal: AbortSignal): Promise<HookOutcome>;
}

/** Connects for each call: hooks are rare, and a server that is away must not keep the hub from starting. */
export function createNatsHooks(options: NatsHookOptions): NatsHooks {
  const open = new Set<NatsConnection>();
  return {
    call: async ({ subject, message, timeoutMs }, signal) => {
      const { url } = options;
      if (url === undefined) return failed('the hub knows no NATS for hooks: set WHEELHOUSE_HOOK_NATS_URL');
      const until = Date.now() + timeoutMs;
      try {
        const nats = await dial(url, options, timeoutMs);
        open.add(nats);
        const close = () => void nats.close();
        signal.addEventListener('abort', close, { once: true });
        try {
          signal.throwIfAborted();
          const timeout = Math.max(1, until - Date.now());
          const reply = await nats.request(subject, JSON.stringify(message), { timeout });
          return outcomeOf(subject, reply.data);
        } finally {
          signal.removeEventListener('abort', close);
          open.delete(nats);
          await nats.close();
        }
      } catch (error) {
        if (signal.aborted) return { state: 'running' };
        return failed(`${subject}: ${error instanceof Error ? error.message || error.name : String(error)}`);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...open].map(async (nats) => await nats.close()));
    },
  };
}

const mostDialMs = 10_000;

async function dial(servers: string, { creds, name }: NatsHookOptions, timeout: number): Promise<NatsConnection> {
  const authenticator = creds === undefined ? undefined : credsAuthenticator(await readFile(creds));
  return await connect({
    servers,
    name,
    // an abort cannot cut a connection that is not made yet
    timeout: Math.min(timeout, mostDialMs),
    reconnect: false,
    ...(authenticator ? { authenticator } : {}),
  });
}

const mostAnswerBytes = 64 * 1024;

/** An empty answer, or JSON without `error`, means done. */
function outcomeOf(subject: string, data: Uint8Array): HookOutcome {
  if (data.length > mostAnswerBytes) return failed(`${subject}: the answer is longer than ${mostAnswerBytes} bytes`);
  const text = Buffer.from(data).toString('utf8').trim();
  if (text === '') return { state: 'succeeded', message: `${subject} was answered` };
  const answer = parse(text);
  if (answer === undefined) return failed(`${subject}: the answer is no JSON object`);
  const { error } = answer;
  if (error === undefined || error === null) return { state: 'succeeded', message: `${subject} was answered` };
  return failed(`${subject}: ${(typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 200)}`);
}

function parse(text: string): { error?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function failed(message: string): HookOutcome {
  return { state: 'failed', message };
}
