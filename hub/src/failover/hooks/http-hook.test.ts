import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hookOf, planOf } from '../testing/plan.ts';
import { callHttpHook, originsOf, sign } from './http-hook.ts';
import { messageOf } from './message.ts';

const now = new Date('2026-01-01T00:00:00Z');
const dispatcher = new Agent();
const hook = hookOf({ attempt: 1 });
const plan = planOf();

let answer: (request: IncomingMessage, response: ServerResponse) => void;
let bodies: string[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    bodies.push(body);
    answer(request, response);
  });
});
let origin = '';

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await dispatcher.destroy();
});

async function call(more: { url?: string; allowed?: string[]; timeoutMs?: number; signal?: AbortSignal } = {}) {
  const { url = `${origin}/dns?zone=eu`, allowed = [origin], timeoutMs = 5_000 } = more;
  bodies = [];
  return await callHttpHook(
    { url, secret: 'hush', message: messageOf(plan, hook), timeoutMs },
    { dispatcher, origins: originsOf(allowed), now: () => now },
    more.signal ?? new AbortController().signal,
  );
}

it('is signed, says what happens, and is done by any success', async () => {
  let headers: IncomingMessage['headers'] = {};
  answer = (request, response) => {
    headers = request.headers;
    response.writeHead(204).end();
  };
  expect(await call()).toEqual({ state: 'succeeded', message: `${origin.slice(7)} answers 204` });
  const t = now.getTime() / 1_000;
  const v1 = createHmac('sha256', 'hush').update(`${t}.${bodies[0]}`).digest('hex');
  expect(headers['x-wheelhouse-signature']).toBe(`t=${t},v1=${v1}`);
  expect(sign(bodies[0] ?? '', 'other', now)).not.toContain(v1);
  expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
    id: headers['x-wheelhouse-delivery'],
    hook: 'argocd/dns',
    when: 'before',
    step: 'Withdrawing',
    plan: { id: 'p1', kind: 'failover' },
    from: ['eu-west'],
    to: ['us-east'],
    leaves: { total: 1, items: [{ app: 'shop-eu-west', cluster: 'eu-west' }] },
  });
});

it.each<[string, (response: ServerResponse) => void, RegExp]>([
  ['an error', (response) => void response.writeHead(500).end('the database is at 10.0.0.7'), /answers 500$/],
  [
    'a redirect, which is not followed',
    (response) => void response.writeHead(307, { location: 'http://169.254.169.254/latest' }).end(),
    /answers 307; redirects are not followed$/,
  ],
  ['a connection that is cut', (response) => void response.destroy(), /cannot be reached/],
])('fails by %s', async (...[_what, respond, message]) => {
  answer = (_request, response) => respond(response);
  expect(await call()).toEqual({ state: 'failed', message: expect.stringMatching(message) });
  expect(bodies).toHaveLength(1);
});

it('fails when nothing is answered in time', async () => {
  answer = () => undefined;
  const outcome = await call({ timeoutMs: 50 });
  expect(outcome).toEqual({ state: 'failed', message: expect.stringMatching(/did not answer within 0.05 s/) });
});

it('reads no more of an answer that does not end than it has to', async () => {
  answer = (_request, response) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(16 * 1024);
    const go = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', go);
    go();
  };
  expect(await call()).toMatchObject({ state: 'succeeded' });
});

it('calls nobody whom the settings do not name', async () => {
  for (const allowed of [[], ['https://127.0.0.1'], ['127.0.0.1']])
    expect(await call({ allowed })).toEqual({
      state: 'failed',
      message: `host ${origin} is not one that hooks may call; add it to WHEELHOUSE_HOOK_HOSTS of the hub`,
    });
  expect(bodies).toEqual([]);
  expect(() => originsOf(['not a host'])).toThrow('WHEELHOUSE_HOOK_HOSTS: not a host is no host');
});

it('that is cut off has neither succeeded nor failed', async () => {
  const stop = new AbortController();
  answer = () => stop.abort();
  expect(await call({ signal: stop.signal })).toEqual({ state: 'running' });
});
