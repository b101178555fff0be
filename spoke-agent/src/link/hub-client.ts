import { createHash } from 'node:crypto';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { withTimeout } from '@wheelhouse/shared/async/abort';
import { catalogue, type ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

const timeoutMs = 20_000;
const maxAnswerBytes = 1_048_576;
const maxChain = 8;

/**
 * The hub's CA certificate (PEM), taken from the chain that the hub shows, and only if its fingerprint is the one that
 * the enrolment token carries. Nothing is sent over this connection. Throws SignatureInvalid, TransportUnavailable.
 */
export async function fetchCa(hub: string, fingerprint: string, signal: AbortSignal): Promise<string> {
  const { hostname, port } = new URL(hub);
  const host = hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve, reject } = Promise.withResolvers<DetailedPeerCertificate>();
  const socket = connect(
    {
      host,
      port: Number(port || 443),
      ...(isIP(host) ? {} : { servername: host }),
      // the chain is judged by the fingerprint; nothing else may come of this connection
      rejectUnauthorized: false,
    },
    () => resolve(socket.getPeerCertificate(true)),
  );
  const stop = withTimeout(signal, timeoutMs);
  stop.addEventListener('abort', () => socket.destroy(new Error('no answer in time')));
  socket.on('error', (cause) =>
    reject(new FleetError('TransportUnavailable', `cannot reach the hub at ${hub}`, { cause })),
  );
  try {
    return findCa(await promise, { hub, fingerprint });
  } finally {
    socket.destroy();
  }
}

export interface PostOptions {
  /** PEM; '' for the system's CAs. */
  ca: string;
  signal: AbortSignal;
}

/** Posts JSON to the hub and returns its JSON. Throws the error that the hub answered with, or TransportUnavailable. */
export async function postJson(url: URL, body: unknown, { ca, signal }: PostOptions): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const call = request(
    url,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(ca ? { ca } : {}),
      signal: withTimeout(signal, timeoutMs),
      agent: false,
    },
    (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxAnswerBytes) response.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    },
  );
  call.on('error', reject);
  call.end(JSON.stringify(body));
  const answer = await promise.catch((cause: unknown) => {
    throw new FleetError('TransportUnavailable', `cannot reach the hub at ${url.origin}`, { cause });
  });
  return read(answer, url);
}

function read({ status, text }: { status: number; text: string }, url: URL): unknown {
  const value = parse(text);
  if (status >= 200 && status < 300 && value !== undefined) return value;
  const { reason, message } = (value ?? {}) as { reason?: unknown; message?: unknown };
  const said = typeof message === 'string' ? message : `status ${status}`;
  const known = typeof reason === 'string' && reason in catalogue ? (reason as ErrorCode) : undefined;
  throw new FleetError(known ?? codeOf(status), `the hub at ${url.origin} refused: ${said}`);
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'TokenInvalid';
  if (status === 403) return 'Forbidden';
  if (status === 409) return 'Conflict';
  if (status === 429) return 'RateLimited';
  return status >= 400 && status < 500 ? 'Invalid' : 'TransportUnavailable';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function findCa(leaf: DetailedPeerCertificate, wanted: { hub: string; fingerprint: string }): string {
  let certificate = leaf;
  for (let depth = 0; depth < maxChain; depth += 1) {
    const found = createHash('sha256').update(certificate.raw).digest('hex');
    if (found === wanted.fingerprint) return formatPem(certificate.raw);
    const issuer = certificate.issuerCertificate;
    if (!issuer || issuer === certificate) break;
    certificate = issuer;
  }
  throw new FleetError(
    'SignatureInvalid',
    `the certificate of ${wanted.hub} does not come from the CA that the token names: this may be another server in the hub's place`,
  );
}

function formatPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
