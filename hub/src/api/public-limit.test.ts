import { describe, expect, it } from 'vitest';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps } from './testing/fake-deps.ts';

const limit = 1_000;

describe('routes that anybody may call', () => {
  it('answer one address so often, before they read its body, and others still', async () => {
    const app = await createApiServer(createFakeDeps());
    const ask = async (remoteAddress: string) =>
      await app.inject({ method: 'POST', url: '/api/v1/fleet/renew', remoteAddress, payload: { cluster: 'x' } });
    const statuses = new Set<number>();
    for (let count = 0; count < limit; count += 1) statuses.add((await ask('10.0.0.1')).statusCode);
    expect([...statuses]).toEqual([400]);
    const refused = await ask('10.0.0.1');
    expect(refused.statusCode).toBe(429);
    expect(refused.json()).toMatchObject({ reason: 'RateLimited', code: 8 });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('10.0.0.2')).statusCode).toBe(400);
    const people = { url: '/api/v1/applications', remoteAddress: '10.0.0.1', headers: { authorization } };
    expect((await app.inject(people)).statusCode).toBe(200);
    await app.close();
  });

  it('count the addresses of one IPv6 network together', async () => {
    const app = await createApiServer(createFakeDeps());
    const ask = async (host: number) =>
      (await app.inject({ url: '/api/v1/fleet/ca', remoteAddress: `2001:db8::${host.toString(16)}` })).statusCode;
    for (let host = 1; host <= limit; host += 1) expect(await ask(host)).toBe(200);
    expect(await ask(limit + 1)).toBe(429);
    await app.close();
  });
});
