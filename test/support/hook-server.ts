// A host that failover hooks call: it keeps what it was told, and answers as the test says.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HookCall {
  signature: string;
  body: string;
  id: string;
  when: string;
  step: string;
  direction: string;
  attempt: number;
}

export interface HookServer extends AsyncDisposable {
  readonly url: string;
  readonly calls: HookCall[];
  /** What the next calls are answered; 204 unless given. */
  answer(respond: (call: HookCall, response: ServerResponse) => void): void;
}

export async function startHookServer(): Promise<HookServer> {
  const calls: HookCall[] = [];
  let respond = (_call: HookCall, response: ServerResponse): void => {
    response.writeHead(204).end();
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const call = { ...JSON.parse(body), signature: String(request.headers['x-wheelhouse-signature']), body };
      calls.push(call);
      respond(call, response);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    answer: (given) => {
      respond = given;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
