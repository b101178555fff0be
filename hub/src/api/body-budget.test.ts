import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { beforeEach, describe, expect, it } from 'vitest';
import { readBodies } from './body-budget.ts';

let app: FastifyInstance;
let done: PromiseWithResolvers<void>;
let url: string;

beforeEach(async () => {
  app = Fastify();
  done = Promise.withResolvers();
  readBodies(app, { maxBytes: 1_000, bodyLimit: 600 });
  app.setErrorHandler((error: { code: string }, _request, reply) => reply.code(400).send({ reason: error.code }));
  app.post('/slow', async () => await done.promise);
  app.post('/quick', async (request) => String(request.body));
  url = await app.listen({ port: 0, host: '127.0.0.1' });
  return async () => await app.close();
});

async function post(path: string, length: number): Promise<string> {
  const answer = await fetch(url + path, { method: 'POST', body: 'x'.repeat(length) });
  return answer.status === 200
    ? `${(await answer.text()).length}`
    : ((await answer.json()) as { reason: string }).reason;
}

describe('bodies', () => {
  it('come as they are, up to the limit of one', async () => {
    expect(await post('/quick', 600)).toBe('600');
    expect(await post('/quick', 601)).toBe('TooLarge');
  });

  it('are so much at once, and as much again when that is done', async () => {
    const slow = post('/slow', 600);
    await expect.poll(async () => await post('/quick', 500)).toBe('RateLimited');
    expect(await post('/quick', 400)).toBe('400');
    done.resolve();
    expect(await slow).toBe('0');
    expect(await post('/quick', 600)).toBe('600');
  });

  it('that are announced and not sent keep nobody out', async () => {
    const { port } = app.server.address() as AddressInfo;
    const idle = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
    for (const socket of idle) socket.write('POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\nx');
    expect(await post('/quick', 600)).toBe('600');
    for (const socket of idle) socket.destroy();
  });
});
