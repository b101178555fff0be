// HTTP for what is not Git: chart repositories, registries, files by URL. Bounded in time and size; a login never leaves the
// host that it is for.
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent, request } from 'undici';
import type { RepositoryCredentials } from '../remote.ts';

export interface HttpRequest {
  url: string;
  method?: 'GET' | 'POST';
  /** JSON. */
  body?: string;
  headers?: Record<string, string>;
  /** A larger answer fails with TooLarge. */
  maxBytes: number;
  /** Send the login of `credentials` to whatever host redirects and links lead to. Helm: --pass-credentials. */
  passCredentials?: boolean;
  /** The host that the login is for; default the URL's own. */
  origin?: string;
}

export interface HttpAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Buffer;
  /** After redirects. */
  url: string;
}

export interface HttpClient extends AsyncDisposable {
  /** Any status is an answer. Throws RepositoryUnreachable, TooLarge, Timeout, Aborted. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
}

export interface HttpClientOptions {
  credentials?: RepositoryCredentials | undefined;
  /** Of one request with its redirects. */
  timeoutMs: number;
}

const maxRedirects = 5;

export function createHttpClient({ credentials = {}, timeoutMs }: HttpClientOptions): HttpClient {
  const dispatcher = createDispatcher(credentials);
  const authorization = basicOf(credentials);
  return {
    send: async (get, signal) => {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const home = get.origin ?? new URL(get.url).origin;
      let url = get.url;
      try {
        for (let hops = 0; ; hops += 1) {
          const login = authorization && (get.passCredentials || new URL(url).origin === home) ? { authorization } : {};
          const answer = await send(
            { ...get, url, headers: { ...login, ...headersFor(get, url, home) } },
            dispatcher,
            bounded,
          );
          const next = redirectOf(answer);
          if (next === undefined || hops >= maxRedirects) return answer;
          url = next;
        }
      } catch (error) {
        throw toFailure(error, { url, signal, bounded, timeoutMs });
      }
    },
    [Symbol.asyncDispose]: async () => await dispatcher.destroy(),
  };
}

/** A token of the caller's own stays with the host that it was meant for. */
function headersFor({ headers = {} }: HttpRequest, url: string, home: string): Record<string, string> {
  const { authorization, ...rest } = headers;
  return authorization !== undefined && new URL(url).origin === home ? { ...rest, authorization } : rest;
}

async function send(get: HttpRequest, dispatcher: Dispatcher, signal: AbortSignal): Promise<HttpAnswer> {
  const { statusCode, headers, body } = await request(get.url, {
    dispatcher,
    signal,
    method: get.method ?? 'GET',
    ...(get.body === undefined ? {} : { body: get.body }),
    headers: { 'user-agent': 'wheelhouse', ...get.headers },
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > get.maxBytes) {
      body.destroy();
      throw new FleetError('TooLarge', `${withoutLogin(get.url)} sends more than ${get.maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const flat = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
  return { status: statusCode, headers: Object.fromEntries(flat), body: Buffer.concat(chunks), url: get.url };
}

function redirectOf({ status, headers, url }: HttpAnswer): string | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(status) || !location) return undefined;
  const next = new URL(location, url);
  if (!/^https?:$/u.test(next.protocol))
    throw new FleetError('RepositoryUnreachable', `${withoutLogin(url)} redirects to a ${next.protocol} URL`);
  return next.href;
}

function createDispatcher({
  caPem,
  tlsCertificate,
  tlsKey,
  insecure,
  proxy,
  noProxy,
}: RepositoryCredentials): Dispatcher {
  const connect = {
    ...(caPem ? { ca: caPem } : {}),
    ...(tlsCertificate ? { cert: tlsCertificate } : {}),
    ...(tlsKey ? { key: tlsKey } : {}),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
  const limits = { connections: 8, headersTimeout: 30_000, bodyTimeout: 30_000 };
  if (proxy && !noProxy) return new ProxyAgent({ ...limits, uri: proxy, requestTls: connect });
  if (proxy)
    return new EnvHttpProxyAgent({
      ...limits,
      httpProxy: proxy,
      httpsProxy: proxy,
      noProxy: noProxy ?? '',
      connect,
      requestTls: connect,
    });
  return new Agent({ ...limits, connect });
}

function basicOf({ username, password, bearerToken }: RepositoryCredentials): string | undefined {
  if (bearerToken) return `Bearer ${bearerToken}`;
  if (!username && !password) return undefined;
  return `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}`;
}

interface Circumstances {
  url: string;
  signal: AbortSignal;
  bounded: AbortSignal;
  timeoutMs: number;
}

function toFailure(error: unknown, { url, signal, bounded, timeoutMs }: Circumstances): FleetError {
  if (error instanceof FleetError) return error;
  const where = withoutLogin(url);
  if (signal.aborted) return new FleetError('Aborted', `${where} was not awaited any more`, { cause: error });
  if (bounded.aborted)
    return new FleetError('Timeout', `${where} gave no answer within ${timeoutMs / 1000} s`, { cause: error });
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/u.test(code))
    return new FleetError(
      'RepositoryUnreachable',
      `${where} has a TLS certificate that is not trusted (${code}); add the certificate authority that signed it to argocd-tls-certs-cm or to the repository Secret`,
      { cause: error },
    );
  return new FleetError('RepositoryUnreachable', `${where} cannot be reached (${code || (error as Error).message})`, {
    cause: error,
  });
}

/** Fit for messages: without user and password, and without a query, which may be a signature that opens a store. */
export function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/?#]*@/u, '//').replace(/\?.*$/su, '?…');
}
