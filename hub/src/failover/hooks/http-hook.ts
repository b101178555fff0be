/**
 * The HTTP call of a hook: one signed POST. Must never: reach a host that the hub's settings do not name, follow a
 * redirect, read more of an answer than it has to, or show what was answered.
 */
import { createHmac } from 'node:crypto';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Dispatcher, request } from 'undici';
import type { HookOutcome } from './decide-hooks.ts';
import type { HookMessage } from './message.ts';

export interface HttpHookDeps {
  dispatcher: Dispatcher;
  /** Origins that may be called. */
  origins: ReadonlySet<string>;
  now(): Date;
}

export interface HttpHook {
  url: string;
  /** What the call is signed with. */
  secret: string;
  message: HookMessage;
  timeoutMs: number;
}

const mostAnswerBytes = 64 * 1024;

export async function callHttpHook(hook: HttpHook, deps: HttpHookDeps, signal: AbortSignal): Promise<HookOutcome> {
  const { origin, host } = new URL(hook.url);
  if (!deps.origins.has(origin))
    return failed(`host ${origin} is not one that hooks may call; add it to WHEELHOUSE_HOOK_HOSTS of the hub`);
  const body = JSON.stringify(hook.message);
  const timeout = AbortSignal.timeout(hook.timeoutMs);
  try {
    const { statusCode, body: answer } = await request(hook.url, {
      method: 'POST',
      dispatcher: deps.dispatcher,
      headersTimeout: hook.timeoutMs,
      bodyTimeout: hook.timeoutMs,
      signal: AbortSignal.any([signal, timeout]),
      headers: headersOf(hook, body, deps.now()),
      body,
    });
    // only the status counts; the rest is read so that the connection can be used again
    await answer.dump({ limit: mostAnswerBytes }).catch(() => undefined);
    return outcomeOf(host, statusCode);
  } catch (error) {
    if (signal.aborted) return { state: 'running' };
    if (timeout.aborted) return failed(`${host} did not answer within ${hook.timeoutMs / 1_000} s`);
    return failed(`${host} cannot be reached: ${toFleetError(error).message}`);
  }
}

function outcomeOf(host: string, status: number): HookOutcome {
  if (status >= 200 && status < 300) return { state: 'succeeded', message: `${host} answers ${status}` };
  const isRedirect = status >= 300 && status < 400;
  return failed(`${host} answers ${status}${isRedirect ? '; redirects are not followed' : ''}`);
}

function headersOf({ secret, message }: HttpHook, body: string, now: Date): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'wheelhouse',
    'x-wheelhouse-delivery': message.id,
    'x-wheelhouse-signature': sign(body, secret, now),
  };
}

/** `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of `<t>.<body>`, so that an old call cannot be sent again as a new one. */
export function sign(body: string, secret: string, now: Date): string {
  const t = Math.floor(now.getTime() / 1_000);
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`;
}

/** Hosts or URLs of the hub's settings; without a scheme https is meant. Throws Invalid. */
export function originsOf(hosts: readonly string[]): Set<string> {
  return new Set(
    hosts.map((host) => {
      const url = /^https?:\/\//.test(host) ? host : `https://${host}`;
      if (!URL.canParse(url)) throw new FleetError('Invalid', `WHEELHOUSE_HOOK_HOSTS: ${host} is no host`);
      return new URL(url).origin;
    }),
  );
}

function failed(message: string): HookOutcome {
  return { state: 'failed', message };
}
