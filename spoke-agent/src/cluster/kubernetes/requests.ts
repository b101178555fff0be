import type { Readable } from 'node:stream';
import { sleep } from '@wheelhouse/shared/async/abort';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { Dispatcher } from 'undici';
import type { Connection } from './connection.ts';
import { errorOfStatus, type KubeStatus } from './status-error.ts';

export interface KubeRequest {
  method: 'GET' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  body?: string;
  contentType?: string;
  accept?: string;
  /** Kubernetes: user impersonation. A service account is given the groups of its own by the API server. */
  actAs?: string | undefined;
  signal: AbortSignal;
  /** What is being done, for messages: `apply Deployment shop/web`. */
  what: string;
}

export interface Requests {
  /** The answer as JSON. */
  send<T>(request: KubeRequest): Promise<T>;
  /** The answer as it arrives; not counted against the limit. `idleMs`: give up after that long without a byte. */
  stream(request: KubeRequest, idleMs: number): Promise<Readable>;
}

const requestTimeoutMs = 60_000;
const maxTries = 4;

/**
 * Requests to one API server, at most `concurrency` at a time. What it sends can all be repeated safely, so a broken
 * connection and refused credentials are tried again once, and 429 as the server says (Retry-After).
 */
export function createRequests(connection: Connection, concurrency: number): Requests {
  const limit = createLimit(concurrency);

  async function attempt(request: KubeRequest, idleMs: number): Promise<Dispatcher.ResponseData> {
    for (let tries = 1; ; tries += 1) {
      let response: Dispatcher.ResponseData;
      try {
        response = await requestOnce(connection, request, idleMs);
      } catch (cause) {
        if (tries === 1 && !request.signal.aborted) continue;
        throw unavailable(request, cause);
      }
      if (response.statusCode < 300) return response;
      if (!(await shouldRepeat(response, tries, request.signal))) throw await refusal(response, request);
    }
  }

  async function shouldRepeat(response: Dispatcher.ResponseData, tries: number, signal: AbortSignal): Promise<boolean> {
    if (response.statusCode === 401 && tries === 1) {
      connection.expire();
      await response.body.dump();
      return true;
    }
    if (response.statusCode !== 429 || tries >= maxTries) return false;
    await response.body.dump();
    const seconds = Number(response.headers['retry-after'] ?? 1);
    return await sleep(Math.min(10, Number.isFinite(seconds) ? seconds : 1) * 1_000, signal);
  }

  return {
    async send<T>(request: KubeRequest) {
      return await limit(async () => {
        request.signal.throwIfAborted();
        const response = await attempt(request, requestTimeoutMs);
        try {
          return parseJson(await response.body.text()) as T;
        } catch (cause) {
          throw unavailable(request, cause);
        }
      }).catch((error: unknown) => {
        throw request.signal.aborted ? new FleetError('Aborted', `${request.what}: stopped`, { cause: error }) : error;
      });
    },
    stream: async (request, idleMs) => (await attempt(request, idleMs)).body,
  };
}

async function requestOnce(
  connection: Connection,
  request: KubeRequest,
  idleMs: number,
): Promise<Dispatcher.ResponseData> {
  const { dispatcher, headers } = await connection.access();
  return await dispatcher.request({
    origin: connection.origin,
    path: connection.basePath + request.path,
    method: request.method,
    headers: {
      accept: request.accept ?? 'application/json',
      ...headers,
      ...(request.actAs === undefined ? {} : { 'impersonate-user': request.actAs }),
      ...(request.contentType ? { 'content-type': request.contentType } : {}),
    },
    ...(request.query ? { query: request.query } : {}),
    ...(request.body === undefined ? {} : { body: request.body }),
    signal: request.signal,
    headersTimeout: requestTimeoutMs,
    bodyTimeout: idleMs,
  });
}

function unavailable(request: KubeRequest, cause: unknown): FleetError {
  if (request.signal.aborted) return new FleetError('Aborted', `${request.what}: stopped`, { cause });
  if (cause instanceof FleetError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FleetError('ClusterUnavailable', `${request.what}: the API server cannot be reached: ${reason}`, {
    cause,
  });
}

async function refusal(response: Dispatcher.ResponseData, request: KubeRequest): Promise<FleetError> {
  const text = await response.body.text();
  return errorOfStatus(response.statusCode, parseStatus(text), request.what);
}

function parseStatus(text: string): KubeStatus {
  try {
    const body = JSON.parse(text) as KubeStatus;
    if (body.kind === 'Status') return body;
  } catch {
    // Proxies and the API server's own mux answer in plain text; that text is the message.
  }
  return { message: text.trim().slice(0, 500) };
}
