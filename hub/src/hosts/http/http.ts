/**
 * The one way to code hosts: HTTPS with a token bucket and a back-off for each host and credential, conditional requests,
 * limits of time and size, and no redirects. In: what to ask whom. Out: checked JSON, or a FleetError that says which
 * host and what to do. Must never: reach a host that is not allowed, send a credential to another origin, or log one.
 */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { LRUCache } from 'lru-cache';
import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { z } from 'zod';
import { exchange, failure, type RawAnswer, rateLimited } from './exchange.ts';
import { nextLink } from './pages.ts';
import { blockedUntil } from './rate-limit.ts';
import type { Responses } from './responses.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface HttpDeps {
  logger: Logger;
  responses: Responses;
  /** Unix milliseconds. */
  now(): number;
  observe?(outcome: { host: string; status: string; seconds: number }): void;
}

export interface HttpOptions {
  /** Why an origin may not be asked. */
  whyRefused(origin: string): string | undefined;
  /** Requests a second to one host with one credential; default 10, which GitHub's secondary limits allow. */
  perSecond?: number;
  /** Default 100. */
  burst?: number;
  /** For one request; default 30 s. */
  timeoutMs?: number;
  /** Of one answer; default 32 MiB. */
  maxBytes?: number;
  /** Longest wait for a host that is over its limit before the evaluation fails; default 20 s. */
  maxWaitMs?: number;
  proxy?: { http?: string; https?: string; none?: string };
}

/** Whom to ask, and as who. */
export interface Target {
  /** Base URL; paths are appended to it. */
  api: string;
  /** Sent with each request. */
  headers?: Record<string, string>;
  /** Value of the header Authorization; asked for before each request. */
  authorization?(signal: AbortSignal): Promise<string> | string;
  /** Tells credentials apart in the cache and in rate limits; never a secret itself. */
  identity?: string;
  caPem?: string;
  insecure?: boolean;
  /** The URL is a setting of the hub, and so allowed. */
  isConfigured?: boolean;
  /** Instead of the options'. */
  timeoutMs?: number;
}

export interface HostRequest {
  method?: 'GET' | 'POST';
  query?: Record<string, string | number | boolean | undefined>;
  body?: string;
  headers?: Record<string, string>;
}

export interface HostAnswer {
  status: number;
  body: unknown;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** URL of the next page, as the header Link says. */
  next?: string;
}

export interface HostClient {
  /** Throws NotFound, HostAuthentication, HostRateLimited, HostUnreachable or GeneratorFailed. */
  get<T>(path: string, schema: z.ZodType<T>, request?: HostRequest): Promise<T>;
  /** Undefined where the host answers 404. */
  find<T>(path: string, schema: z.ZodType<T>, request?: HostRequest): Promise<T | undefined>;
  /** `path` may be the URL of a next page, which must have the same origin. */
  ask(path: string, request?: HostRequest): Promise<HostAnswer>;
}

export interface Http extends AsyncDisposable {
  /** Throws Forbidden for a host that is not allowed. */
  open(target: Target, signal: AbortSignal): HostClient;
}

interface Lane {
  bucket: TokenBucket;
  blockedUntil: number;
}

const retries = 2;

export function createHttp(deps: HttpDeps, options: HttpOptions): Http {
  const { perSecond = 10, burst = 100 } = options;
  const lanes = new LRUCache<string, Lane>({ max: 1_000 });
  const dispatchers = new Map<string, Dispatcher>();
  const laneOf = (key: string): Lane => {
    const known = lanes.get(key);
    if (known) return known;
    const lane = { bucket: createTokenBucket({ perSecond, burst, now: () => performance.now() }), blockedUntil: 0 };
    lanes.set(key, lane);
    return lane;
  };
  const dispatcherOf = (target: Target): Dispatcher => {
    const key = JSON.stringify([target.caPem, target.insecure === true]);
    const known = dispatchers.get(key) ?? createDispatcher(target, options);
    dispatchers.set(key, known);
    return known;
  };
  return {
    open: (target, signal) => {
      const base = parseBase(target.api);
      const reason = target.isConfigured === true ? undefined : options.whyRefused(base.origin);
      if (reason !== undefined) throw new FleetError('Forbidden', reason);
      const identity = target.identity ?? 'anonymous';
      const connection: Connection = {
        deps,
        options,
        target,
        base,
        identity,
        signal,
        lane: laneOf(`${base.origin} ${identity}`),
        dispatcher: dispatcherOf(target),
      };
      return createClient(connection);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...dispatchers.values()].map(async (dispatcher) => await dispatcher.close()));
    },
  };
}

function parseBase(api: string): URL {
  const url = URL.canParse(api) ? new URL(api) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new FleetError('Invalid', `api "${api}" is not an http or https URL`);
  if (url.username || url.password)
    throw new FleetError('Invalid', `api of ${url.host}: put the credential into a Secret, not into the URL`);
  return url;
}

function createDispatcher({ caPem, insecure }: Target, { proxy = {} }: HttpOptions): Dispatcher {
  const tls = { ...(caPem ? { ca: caPem } : {}), rejectUnauthorized: insecure !== true };
  return new EnvHttpProxyAgent({
    httpProxy: proxy.http ?? '',
    httpsProxy: proxy.https ?? '',
    noProxy: proxy.none ?? '',
    connect: tls,
    requestTls: tls,
    connections: 8,
  });
}

export interface Connection {
  deps: HttpDeps;
  options: HttpOptions;
  target: Target;
  base: URL;
  identity: string;
  lane: Lane;
  dispatcher: Dispatcher;
  signal: AbortSignal;
}

function createClient(connection: Connection): HostClient {
  const ask = async (path: string, request: HostRequest = {}) => await askWithRetries(connection, path, request);
  const check = <T>(path: string, schema: z.ZodType<T>, body: unknown): T => {
    const { data, error } = schema.safeParse(body);
    if (error === undefined) return data;
    const [issue] = error.issues;
    throw new FleetError(
      'GeneratorFailed',
      `host ${connection.base.host} answered ${path.split('?')[0]} with something else than its API says (${issue?.path.join('.')}: ${issue?.message}); is api right?`,
    );
  };
  return {
    ask,
    get: async (path, schema, request) => check(path, schema, (await ask(path, request)).body),
    find: async (path, schema, request) => {
      try {
        return check(path, schema, (await ask(path, request)).body);
      } catch (error) {
        if (error instanceof FleetError && error.code === 'NotFound') return undefined;
        throw error;
      }
    },
  };
}

async function askWithRetries(connection: Connection, path: string, request: HostRequest): Promise<HostAnswer> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await askOnce(connection, path, request);
    } catch (error) {
      connection.signal.throwIfAborted();
      const again = error instanceof FleetError && error.code === 'HostUnreachable' && attempt < retries;
      if (!again) throw error;
      await wait(backoffMs(attempt, { baseMs: 500, maxMs: 5_000 }), undefined, { signal: connection.signal });
    }
  }
}

async function askOnce(connection: Connection, path: string, request: HostRequest): Promise<HostAnswer> {
  const { deps, lane, signal, identity } = connection;
  const url = resolve(connection.base, path, request.query);
  await waitForTurn(connection);
  await lane.bucket.take(signal);
  const isGet = (request.method ?? 'GET') === 'GET';
  const key = createHash('sha256').update(`${identity}\n${url.href}`).digest('hex').slice(0, 40);
  const kept = isGet ? await deps.responses.find(key) : undefined;
  const started = performance.now();
  const answer = await exchange(connection, url, { ...request, etag: kept?.etag });
  deps.observe?.({ host: url.host, status: String(answer.status), seconds: (performance.now() - started) / 1_000 });
  lane.blockedUntil = blockedUntil(answer, deps.now()) ?? lane.blockedUntil;
  if (answer.status === 304 && kept)
    return { status: 200, headers: answer.headers, ...parse(connection, kept.body, kept.link) };
  if (answer.status >= 300) throw failure(connection, url, answer);
  if (isGet) await keep(connection, key, answer);
  return {
    status: answer.status,
    headers: answer.headers,
    ...parse(connection, answer.text, first(answer.headers['link'])),
  };
}

async function keep({ deps }: Connection, key: string, { headers, text }: RawAnswer): Promise<void> {
  const etag = first(headers['etag']);
  const link = first(headers['link']);
  if (etag !== undefined) await deps.responses.keep(key, { etag, body: text, ...(link === undefined ? {} : { link }) });
}

/** Appends to the base, or takes the URL of a next page, which may lead nowhere else. */
function resolve(base: URL, path: string, query: HostRequest['query'] = {}): URL {
  const url = /^https?:/.test(path)
    ? new URL(path)
    : new URL(`${base.href.replace(/\/$/, '')}/${path.replace(/^\//, '')}`);
  if (url.origin !== base.origin)
    throw new FleetError('Forbidden', `host ${base.host} names a next page on ${url.host}; it is not followed there`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

async function waitForTurn({ lane, deps, options, base, signal }: Connection): Promise<void> {
  const delayMs = lane.blockedUntil - deps.now();
  if (delayMs <= 0) return;
  if (delayMs > (options.maxWaitMs ?? 20_000)) throw rateLimited(base, lane.blockedUntil);
  await wait(delayMs, undefined, { signal });
}

function parse({ base }: Connection, text: string, link: string | undefined): Pick<HostAnswer, 'body' | 'next'> {
  const next = nextLink(link);
  if (text === '') return { body: undefined };
  try {
    return { body: JSON.parse(text) as unknown, ...(next === undefined ? {} : { next }) };
  } catch (cause) {
    throw new FleetError(
      'GeneratorFailed',
      `host ${base.host} answers with something that is not JSON; is api right?`,
      {
        cause,
      },
    );
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
