import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createClient } from './client.ts';

it('gives up on an answer after the usual time, or after that of the request', async () => {
  const held: ServerResponse[] = [];
  await using server = createServer((_request, response) => void held.push(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using client = createClient({ server: url, token: undefined, ca: undefined }, new AbortController().signal, 50);
  const slow = client.request('/slow', { answerMs: 60_000 });
  await expect.poll(() => held.length).toBe(1);
  await expect(client.request('/never')).rejects.toMatchObject({
    code: 'TransportUnavailable',
    message: `the hub at ${url} cannot be reached: it gave no answer in time, and may still do what it was asked to`,
  });
  held[0]?.end('{"late":true}');
  expect(await slow).toEqual({ late: true });
});
