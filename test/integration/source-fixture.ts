import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createGitSource, type GitSource, type GitSourceOptions } from '@wheelhouse/hub/source/source';
import { createLogger } from '@wheelhouse/shared/logging/logger';

/** A source whose log goes nowhere. */
export function createTestSource(options: Partial<GitSourceOptions> & { directory: string }): GitSource {
  const logger = createLogger({ name: 'test', level: 'silent' });
  const environment = { PATH: process.env['PATH'] };
  return createGitSource({ logger }, { engine: 'auto', rewrites: [], timeoutMs: 30_000, environment, ...options });
}

export interface Front extends AsyncDisposable {
  url: string;
  requests: IncomingMessage[];
}

export interface FrontRequest {
  incoming: IncomingMessage;
  body: Buffer;
  /** The client asks for objects, not for refs. */
  wantsPack: boolean;
}

/** A server in front of a Git server; `answer` returns true when it answered a request itself, and may do so late or never. */
export async function startFront(
  target: string,
  answer: (request: FrontRequest, response: ServerResponse) => boolean = () => false,
  tls?: { key: string; cert: string },
): Promise<Front> {
  const requests: IncomingMessage[] = [];
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    requests.push(incoming);
    const body = await buffer(incoming);
    const wantsPack = incoming.method === 'POST' && !body.includes('command=ls-refs');
    if (answer({ incoming, body, wantsPack }, response)) return;
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url ?? '/', target), { method, headers: { ...headers, host: 'front' } });
    onward.on('response', (got) => {
      response.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(response);
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  };
  const listener = (incoming: IncomingMessage, response: ServerResponse) => {
    serve(incoming, response).catch(() => response.destroy());
  };
  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
