import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { GitHttpRequest, GitHttpResponse } from 'isomorphic-git';
import type { Remote } from '../../remote.ts';
import { tooLarge } from './too-large.ts';

export interface HttpOptions {
  signal: AbortSignal;
  /** An answer above this fails with TooLarge before it fills the memory. */
  maxResponseBytes: number;
}

interface Answer {
  message: IncomingMessage;
  body: Buffer;
}

/** An answer to isomorphic-git, with its body still whole. */
export interface Exchanged extends Omit<GitHttpResponse, 'body'> {
  body: Buffer;
}

/** Connections to one remote. */
export interface Connection extends Disposable {
  exchange(request: GitHttpRequest, options: HttpOptions): Promise<Exchanged>;
}

/**
 * What isomorphic-git's HTTP port needs, over node:http, for one remote: logs in without waiting for a challenge, trusts the
 * remote's certificate authorities, follows the redirect of the first request as git does (never carrying a login to another
 * host), and hands over whole bodies only, so that a cut connection is an error instead of a short pack.
 */
export function createConnection(remote: Remote): Connection {
  const { caPem, insecure, tlsCertificate, tlsKey } = remote.credentials;
  const agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({
      keepAlive: true,
      rejectUnauthorized: !insecure,
      ...(caPem ? { ca: caPem } : {}),
      ...(tlsCertificate && tlsKey ? { cert: tlsCertificate, key: tlsKey } : {}),
    }),
  };
  const authorization = authorizationOf(remote);
  const origin = new URL(remote.url).origin;
  let base = remote.url;

  const send = async (request: GitHttpRequest, url: URL, options: HttpOptions): Promise<Answer> => {
    const body = request.body ? Buffer.concat(await Array.fromAsync(request.body)) : undefined;
    const headers = {
      ...request.headers,
      'user-agent': 'git/wheelhouse',
      ...(body ? { 'content-length': String(body.length) } : {}),
      ...(authorization && url.origin === origin ? { authorization } : {}),
    };
    const isTls = url.protocol === 'https:';
    const agent = isTls ? agents['https:'] : agents['http:'];
    const begin = isTls ? requestHttps : requestHttp;
    return await new Promise<Answer>((resolve, reject) => {
      const outgoing = begin(url, { method: request.method ?? 'GET', headers, agent, signal: options.signal });
      outgoing.on('error', reject);
      outgoing.on('response', (message) => {
        readBody(message, remote, options.maxResponseBytes).then((read) => resolve({ message, body: read }), reject);
      });
      outgoing.end(body);
    });
  };

  return {
    async exchange(request, options) {
      let url = new URL(base + request.url.slice(remote.url.length));
      let answer = await send(request, url, options);
      for (let hops = 0; hops < 5 && isRedirect(answer.message) && isForRefs(request); hops += 1) {
        url = redirected(url, answer.message, remote);
        base = url.href.slice(0, url.href.lastIndexOf('/info/refs'));
        answer = await send(request, url, options);
      }
      return {
        url: url.href,
        method: request.method ?? 'GET',
        statusCode: answer.message.statusCode ?? 0,
        statusMessage: answer.message.statusMessage ?? '',
        headers: answer.message.headers as Record<string, string>,
        body: answer.body,
      };
    },
    [Symbol.dispose]() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function authorizationOf(remote: Remote): string | undefined {
  const { username, password, bearerToken } = remote.credentials;
  if (bearerToken) return `Bearer ${bearerToken}`;
  if (!username && !password) return undefined;
  return `Basic ${Buffer.from(`${username || 'git'}:${password ?? ''}`).toString('base64')}`;
}

async function readBody(message: IncomingMessage, remote: Remote, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      message.destroy();
      throw tooLarge(remote, `sends more than ${maxBytes >> 20} MiB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isRedirect(message: IncomingMessage): boolean {
  return [301, 302, 303, 307, 308].includes(message.statusCode ?? 0) && message.headers.location !== undefined;
}

/** The first request of whatever is asked; the only one that git follows redirects of (http.followRedirects=initial). */
export function isForRefs({ method = 'GET', url }: GitHttpRequest): boolean {
  return method === 'GET' && new URL(url).pathname.endsWith('/info/refs');
}

function redirected(from: URL, message: IncomingMessage, remote: Remote): URL {
  const to = new URL(message.headers.location ?? '', from);
  const isDowngrade = from.protocol === 'https:' && to.protocol !== 'https:';
  if (isDowngrade || !/^https?:$/.test(to.protocol) || !to.pathname.endsWith('/info/refs'))
    throw new FleetError(
      'RepositoryUnreachable',
      `repository ${remote.display} redirects to ${to.origin}${to.pathname}; use its URL there`,
    );
  to.username = '';
  to.password = '';
  return to;
}
