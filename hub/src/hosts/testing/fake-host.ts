import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { Bucket } from '../../store/bucket.ts';
import type { HostAccess } from '../host.ts';
import { createHttp, type HttpOptions } from '../http/http.ts';
import { createResponses } from '../http/responses.ts';

export interface FakeAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What a host answers, by `METHOD /path?query`, or by the X-Amz-Target of AWS. A function sees the URL's origin. */
export type Routes = Record<string, unknown>;

export interface FakeHost extends AsyncDisposable {
  url: string;
  /** `METHOD path?query -> status`. */
  asked: string[];
  /** Of the last request. */
  headers: IncomingMessage['headers'];
  /** Every body that came with a request. */
  bodies: string[];
  routes: Routes;
}

/** A server that answers as a code host does, with ETags, and 404 for what it does not know. */
export async function startFakeHost(routes: Routes): Promise<FakeHost> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const key = String(request.headers['x-amz-target'] ?? `${request.method} ${request.url}`);
      const { status, headers, text } = answerOf(host.routes[key], host.url);
      const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 8)}"`;
      const isSame = status === 200 && request.headers['if-none-match'] === etag;
      host.headers = request.headers;
      host.bodies.push(Buffer.concat(chunks).toString());
      host.asked.push(`${key} -> ${isSame ? 304 : status}`);
      response.writeHead(isSame ? 304 : status, { 'content-type': 'application/json', etag, ...headers });
      response.end(isSame ? undefined : text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host: FakeHost = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    headers: {},
    bodies: [],
    routes,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return host;
}

function answerOf(route: unknown, origin: string): { status: number; headers: Record<string, string>; text: string } {
  const found: unknown = typeof route === 'function' ? (route as (origin: string) => unknown)(origin) : route;
  if (found === undefined) return { status: 404, headers: {}, text: '{"message":"Not Found"}' };
  const { status = 200, headers = {}, body } = (isAnswer(found) ? found : { body: found }) as FakeAnswer;
  return { status, headers, text: body === undefined ? '' : JSON.stringify(body) };
}

/** An answer has nothing but a status, headers and a body. */
function isAnswer(value: unknown): boolean {
  const keys = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  return keys.length > 0 && keys.every((key) => ['status', 'headers', 'body'].includes(key));
}

/** A bucket in memory, without watches. */
export function memoryBucket(): Pick<Bucket, 'get' | 'put'> {
  const entries = new Map<string, Uint8Array>();
  return {
    get: (key) => {
      const value = entries.get(key);
      return Promise.resolve(value && { key, value, revision: 1 });
    },
    put: (key, value) => Promise.resolve(void entries.set(key, value)).then(() => 1),
  };
}

export interface FakeAccess extends HostAccess, AsyncDisposable {}

/** Access to hosts with the secret entry `token` = `s3cret`. */
export function createFakeAccess(
  options: Partial<HttpOptions & { bucket: Pick<Bucket, 'get' | 'put'> }> = {},
): FakeAccess {
  const { bucket = memoryBucket(), ...rest } = options;
  const http = createHttp(
    { logger: createLogger({ name: 'test', level: 'silent' }), responses: createResponses(bucket), now: Date.now },
    { whyRefused: () => undefined, perSecond: 1_000, burst: 10_000, ...rest },
  );
  return {
    http,
    signal: new AbortController().signal,
    secret: ({ key }) => (key === 'token' ? 's3cret' : ''),
    secretEntries: () => ({}),
    configMap: () => '',
    environment: {},
    now: Date.now,
    [Symbol.asyncDispose]: async () => await http[Symbol.asyncDispose](),
  };
}
