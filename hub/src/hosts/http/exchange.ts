import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { request as send } from 'undici';
import type { Connection, HostAnswer, HostRequest } from './http.ts';
import { isRateLimited } from './rate-limit.ts';

export interface RawAnswer {
  status: number;
  headers: HostAnswer['headers'];
  text: string;
}

/** One request and its whole answer, whatever its status. Throws HostUnreachable, and TooLarge for a body beyond the limit. */
export async function exchange(
  { target, base, dispatcher, options, signal }: Connection,
  url: URL,
  request: HostRequest & { etag: string | undefined },
): Promise<RawAnswer> {
  const { maxBytes = 32 * 1_024 * 1_024 } = options;
  const timeoutMs = target.timeoutMs ?? options.timeoutMs ?? 30_000;
  const authorization = await target.authorization?.(signal);
  try {
    const { statusCode, headers, body } = await send(url, {
      method: request.method ?? 'GET',
      dispatcher,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: headersOf(target, request, authorization),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    return { status: statusCode, headers, text: await readText(body, maxBytes, base) };
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof FleetError ? error : unreachable(base, error);
  }
}

function unreachable({ host }: URL, cause: unknown): FleetError {
  const message = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new FleetError('HostUnreachable', `host ${host} cannot be reached: ${message}`, { cause });
}

function headersOf(
  target: Connection['target'],
  request: HostRequest & { etag: string | undefined },
  authorization: string | undefined,
): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'wheelhouse',
    ...target.headers,
    ...request.headers,
    ...(authorization ? { authorization } : {}),
    ...(request.etag ? { 'if-none-match': request.etag } : {}),
  };
}

async function readText(
  body: AsyncIterable<Buffer> & { destroy(): unknown },
  maxBytes: number,
  base: URL,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      body.destroy();
      throw new FleetError('TooLarge', `host ${base.host} answers with more than ${maxBytes >> 20} MiB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What an answer that is no success means to a person. */
export function failure({ base, lane, deps }: Connection, url: URL, answer: RawAnswer): FleetError {
  const { status } = answer;
  const at = `${base.host}${url.pathname}`;
  if (isRateLimited(answer)) return rateLimited(base, Math.max(lane.blockedUntil, deps.now()));
  if (status === 401 || status === 403)
    return new FleetError(
      'HostAuthentication',
      `host ${at} answers ${status}: the credential is missing, expired, or may not read this`,
    );
  if (status === 404)
    return new FleetError('NotFound', `host ${at} answers 404: there is none, or the credential may not see it`);
  if (status < 400)
    return new FleetError(
      'GeneratorFailed',
      `host ${at} redirects to ${locationOf(answer)}; set api to where it is now`,
    );
  if (status >= 500) return new FleetError('HostUnreachable', `host ${at} answers ${status}`);
  return new FleetError('GeneratorFailed', `host ${at} answers ${status}: ${answer.text.slice(0, 200)}`);
}

function locationOf({ headers }: RawAnswer): string {
  const location = first(headers['location']) ?? 'nowhere';
  return URL.canParse(location) ? new URL(location).origin : location;
}

export function rateLimited({ host }: URL, until: number): FleetError {
  return new FleetError(
    'HostRateLimited',
    `host ${host} takes no more requests with this credential until ${new Date(until).toISOString()}; nothing changes meanwhile. Raise requeueAfterSeconds, or use a token of its own`,
    { details: { host, until: new Date(until).toISOString() } },
  );
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
