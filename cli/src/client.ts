/** Speaks to the hub's API. Inputs: a connection. It never prints. */

import { longestRequestMs } from '@wheelhouse/hub/api/request-signal';
import { catalogue, type ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatJson, parseJson } from '@wheelhouse/shared/kube/json';
import { Agent, type Dispatcher } from 'undici';
import type { Connection } from './context.ts';

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Undefined and empty values are left out. */
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  /** Sent as JSON; text as YAML. */
  body?: object | string;
  signal?: AbortSignal;
  /** How long the hub may take to begin its answer, where that is not as usual. */
  answerMs?: number;
}

export interface Client extends AsyncDisposable {
  /** Throws what the hub answered as FleetError, or TransportUnavailable. */
  request<T>(path: string, options?: RequestOptions): Promise<T>;
  /** Lines of JSON, as they come. Ends when the signal aborts. */
  lines<T>(path: string, options: RequestOptions & { signal: AbortSignal }): AsyncGenerator<T>;
}

/** Beyond the hub's own limit, so that the hub is the one that gives up, and says why. */
const usualAnswerMs = longestRequestMs + 10_000;

/** `stop` ends every request. */
export function createClient({ server, token, ca }: Connection, stop: AbortSignal, usualMs = usualAnswerMs): Client {
  const agent = new Agent({ bodyTimeout: 0, ...(ca ? { connect: { ca } } : {}) });
  const send = async (path: string, options: RequestOptions) => {
    const { method = 'GET', query, body, signal, answerMs = usualMs } = options;
    const response = await agent
      .request({
        origin: new URL(server).origin,
        path: path + formatQuery(query),
        method,
        headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...contentType(body) },
        body: typeof body === 'object' ? formatJson(body) : (body ?? null),
        signal: signal ? AbortSignal.any([signal, stop]) : stop,
        headersTimeout: answerMs,
      })
      .catch((error: NodeJS.ErrnoException) => {
        throw toUnavailable(error, server);
      });
    if (response.statusCode >= 400) throw await toApiError(response);
    return response;
  };
  return {
    request: async <T>(path: string, options: RequestOptions = {}) =>
      parseJson(await (await send(path, options)).body.text()) as T,
    lines: async function* <T>(path: string, options: RequestOptions & { signal: AbortSignal }) {
      const { body } = await send(path, options);
      try {
        for await (const line of splitLines(body)) yield parseLine<T>(line);
      } catch (error) {
        throw toUnavailable(error as Error, server);
      }
    },
    [Symbol.asyncDispose]: async () => await agent.destroy(),
  };
}

async function* splitLines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

function parseLine<T>(line: string): T {
  const parsed = parseJson(line) as { error?: { message: string; reason?: string } };
  if (parsed.error) throw new FleetError(knownCode(parsed.error.reason), parsed.error.message);
  return parsed as T;
}

function contentType(body: RequestOptions['body']): { 'content-type'?: string } {
  if (body === undefined) return {};
  return { 'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json' };
}

function formatQuery(query: RequestOptions['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value ?? []].flat()) if (one !== '') parameters.append(name, String(one));
  return parameters.size > 0 ? `?${parameters.toString()}` : '';
}

interface ErrorBody {
  message?: string;
  reason?: string;
  details?: Record<string, unknown>;
}

async function toApiError({ statusCode, body }: Dispatcher.ResponseData): Promise<FleetError> {
  const text = await body.text();
  const { message, reason, details } = parseErrorBody(text);
  const hint = statusCode === 401 ? '; see --token, --token-file and --context' : '';
  const options = { details: { status: statusCode, ...details } };
  return new FleetError(knownCode(reason), (message ?? `the hub answered ${statusCode}`) + hint, options);
}

function parseErrorBody(text: string): ErrorBody {
  try {
    return JSON.parse(text) as ErrorBody;
  } catch {
    return { details: { body: text.slice(0, 500) } };
  }
}

function knownCode(reason: string | undefined): ErrorCode {
  return reason !== undefined && Object.hasOwn(catalogue, reason) ? (reason as ErrorCode) : 'Internal';
}

const connectionErrors: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there; is the hub running?',
  ENOTFOUND: 'there is no such host',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it gave no answer in time, and may still do what it was asked to',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted; name the CA with --ca-file',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted; name the CA with --ca-file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted; name the CA with --ca-file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted; name the CA with --ca-file',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function toUnavailable(error: NodeJS.ErrnoException, server: string): Error {
  if (isFleetError(error) || error.name === 'AbortError' || error.name === 'TimeoutError') return error;
  const reason = connectionErrors[error.code ?? ''] ?? error.message;
  return new FleetError('TransportUnavailable', `the hub at ${server} cannot be reached: ${reason}`, { cause: error });
}
