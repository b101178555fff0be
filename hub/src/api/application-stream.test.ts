import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps, fakeView } from './testing/fake-deps.ts';

let deps: FakeDeps;
let app: ApiServer;
let port: number;

beforeEach(async () => {
  deps = createFakeDeps();
  app = await createApiServer(deps, { streamBacklog: 100 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
});
afterEach(async () => await app.close());

interface Line {
  result?: { type: string; application: { metadata: { name: string } } };
  error?: object;
}

async function open(query = ''): Promise<{ response: IncomingMessage; next(): Promise<Line>; close(): void }> {
  const url = `http://127.0.0.1:${port}/api/v1/stream/applications${query}`;
  const request = get(url, { headers: { authorization } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const lines = createInterface({ input: response })[Symbol.asyncIterator]();
  return {
    response,
    next: async () => JSON.parse((await lines.next()).value ?? '{}') as Line,
    close: () => request.destroy(),
  };
}

function summary({ result }: Line): string {
  return `${result?.type} ${result?.application.metadata.name}`;
}

describe('the stream of Applications', () => {
  it('sends what there is, then every change', async () => {
    deps.applications.set(fakeView({ name: 'a' }));
    const stream = await open();
    expect(summary(await stream.next())).toBe('ADDED a');
    deps.applications.set(fakeView({ name: 'b' }));
    expect(summary(await stream.next())).toBe('ADDED b');
    deps.applications.set(fakeView({ name: 'a', health: 'Degraded' }));
    expect(summary(await stream.next())).toBe('MODIFIED a');
    deps.applications.remove(fakeView({ name: 'b' }));
    expect(summary(await stream.next())).toBe('DELETED b');
    stream.close();
  });

  it('sends only changes to whoever has listed at the same revision', async () => {
    deps.applications.set(fakeView({ name: 'a' }));
    const { resourceVersion } = (await app.inject({ url: '/api/v1/applications', headers: { authorization } })).json<{
      metadata: { resourceVersion: string };
    }>().metadata;
    const stream = await open(`?resourceVersion=${resourceVersion}`);
    deps.applications.set(fakeView({ name: 'b' }));
    expect(summary(await stream.next())).toBe('ADDED b');
    stream.close();
  });

  it('says DELETED of what the filter no longer matches, and nothing of what it never matched', async () => {
    deps.applications.set(fakeView({ name: 'a', health: 'Degraded' }));
    const stream = await open('?health=Degraded&fields=result.type,result.application.metadata.name');
    const first = await stream.next();
    expect(first).toEqual({ result: { type: 'ADDED', application: { metadata: { name: 'a' } } } });
    deps.applications.set(fakeView({ name: 'other' }));
    deps.applications.set(fakeView({ name: 'a', health: 'Healthy' }));
    expect(summary(await stream.next())).toBe('DELETED a');
    stream.close();
  });

  it('cuts off a client that does not read, and holds nothing for it', async () => {
    const labels = { filler: 'x'.repeat(10_000) };
    for (let index = 0; index < 1_000; index += 1) deps.applications.set(fakeView({ name: `a-${index}`, labels }));
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET /api/v1/stream/applications HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`);
    await expect.poll(() => deps.applications.listeners.size).toBe(1);
    for (let index = 0; index < 1_000; index += 1) deps.applications.set(fakeView({ name: `b-${index}`, labels }));
    const connections = async () => await promisify(app.server.getConnections.bind(app.server))();
    await expect.poll(connections).toBe(0);
    await expect.poll(() => deps.applications.listeners.size).toBe(0);
    socket.destroy();
  });

  it('tells a client that fell behind but reads again what happened', async () => {
    const labels = { filler: 'x'.repeat(10_000) };
    for (let index = 0; index < 500; index += 1) deps.applications.set(fakeView({ name: `a-${index}`, labels }));
    const stream = await open();
    for (let index = 0; index < 200; index += 1) deps.applications.set(fakeView({ name: `b-${index}` }));
    let last = await stream.next();
    while (!last.error) last = await stream.next();
    expect(last.error).toMatchObject({ http_code: 429, grpc_code: 8, reason: 'TooSlow' });
    expect((await stream.next()).result).toBeUndefined();
  });

  it('lets go of a client that went away', async () => {
    const stream = await open();
    expect(deps.applications.listeners.size).toBe(1);
    stream.response.on('error', () => {});
    stream.close();
    await expect.poll(() => deps.applications.listeners.size).toBe(0);
  });
});
