import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps, fakeView, refusalOf } from './testing/fake-deps.ts';

let deps: FakeDeps;
let app: ApiServer;
const headers = { authorization };

beforeEach(async () => {
  deps = createFakeDeps();
  app = await createApiServer(deps);
  return async () => await app.close();
});

const webhooks = ['/api/webhook', '/api/webhook/docker-hub', '/api/webhook/quay'];
const open = ['/healthz', '/readyz', '/api/v1/fleet/enrol', '/api/v1/fleet/renew', '/api/v1/fleet/ca', ...webhooks];

describe('authentication', () => {
  it('is asked of every path in the description but the open ones', async () => {
    const { paths } = (await app.inject({ url: '/api/v1/openapi.json', headers })).json<{
      paths: Record<string, object>;
    }>();
    const routes = Object.entries(paths).flatMap(([url, methods]) =>
      Object.keys(methods).map((method) => ({ method, url })),
    );
    expect(routes.length).toBeGreaterThan(40);
    const answered = [];
    for (const { method, url } of routes) {
      const reply = await app.inject({ method: method.toUpperCase() as 'GET', url: url.replaceAll(/\{\w+\}/g, 'x') });
      if (!reply.body.includes('"reason":"Unauthenticated"')) answered.push(url);
    }
    expect(answered.sort()).toEqual(open.toSorted());
  });

  it.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer wrong' }],
    ['a token in another scheme', { authorization: authorization.replace('Bearer', 'Basic') }],
  ])('refuses %s in Argo CD’s shape', async (_name, wrong) => {
    const reply = await app.inject({ url: '/api/v1/applications', headers: wrong });
    expect(reply.statusCode).toBe(401);
    expect(reply.headers['www-authenticate']).toBe('Bearer');
    expect(reply.json()).toMatchObject({ code: 16, reason: 'Unauthenticated' });
    expect(reply.json<{ message: string; error: string }>().error).toBe(reply.json<{ message: string }>().message);
  });

  it('does not tell a stranger which paths exist', async () => {
    expect((await app.inject({ url: '/api/v1/nothing' })).statusCode).toBe(401);
    expect((await app.inject({ url: '/api/v1/nothing', headers })).statusCode).toBe(404);
  });
});

describe('errors', () => {
  it.each([
    ['an unknown query parameter', '/api/v1/applications?colour=red', /^400 UnknownField: .*colour/],
    ['a query value out of its set', '/api/v1/applications?health=Fine', /^400 Invalid: .*query\.health/],
    ['a bad selector', '/api/v1/applications?selector=a%20b', /^400 Invalid: .*is not a label condition/],
    ['a limit out of bounds', '/api/v1/applications?limit=100000', /^400 Invalid: .*query\.limit/],
    [
      'an Application that is not there',
      '/api/v1/applications/none',
      /^404 NotFound: .*Application argocd\/none does not exist/,
    ],
    ['a cluster that is not there', '/api/v1/clusters/none', /^404 NotFound: .*cluster none/],
    [
      'a repository that is not there',
      '/api/v1/repositories/https%3A%2F%2Fx',
      /^404 NotFound: .*repository https:\/\/x/,
    ],
  ])('names %s', async (_name, url, refusal) => {
    expect(refusalOf(await app.inject({ url, headers }))).toMatch(refusal);
  });

  it.each([
    ['a body that is not JSON', '{"metadata":', /^400 Malformed: .*not valid JSON/],
    ['no body', undefined, /^400 Malformed: .*the body/],
    [
      'an unknown field',
      { metadata: { name: 'a' }, spec: { destination: {}, project: 'default', sorce: {} } },
      /^400 UnknownField: .*Application argocd\/a: spec\.sorce: unknown field, did you mean "source"\?/,
    ],
    [
      'a wrong type',
      { metadata: { name: 'a' }, spec: { destination: {}, revisionHistoryLimit: 'ten' } },
      /^400 Invalid: .*spec\.revisionHistoryLimit/,
    ],
    [
      'a body of another kind',
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { name: 'a' }, spec: {} },
      /^400 Invalid: .*this path takes a Application/,
    ],
    ['a body that is too large', { metadata: { name: 'a'.repeat(5_000_000) } }, /^413 TooLarge: .*too large/],
  ])('of a creation names %s', async (_name, payload, refusal) => {
    const reply = await app.inject({
      method: 'POST',
      url: '/api/v1/applications',
      headers: { ...headers, 'content-type': 'application/json' },
      ...(payload === undefined ? {} : { payload }),
    });
    expect(refusalOf(reply)).toMatch(refusal);
    expect(deps.specs.all.size).toBe(0);
  });

  it('says nothing of an unforeseen error but where to look, and logs it', async () => {
    deps.actions.terminate = async () => {
      throw new TypeError('password=hunter2');
    };
    deps.applications.set(fakeView({ name: 'guestbook' }));
    const reply = await app.inject({ method: 'DELETE', url: '/api/v1/applications/guestbook/operation', headers });
    expect(reply.statusCode).toBe(500);
    expect(reply.body).not.toContain('hunter2');
    expect(reply.json()).toMatchObject({ code: 13, reason: 'Internal' });
    expect(deps.logLines.join('')).toContain('request failed');
  });
});

describe('probes', () => {
  it('are open, and readyz names what is not ready', async () => {
    expect((await app.inject({ url: '/healthz' })).body).toBe('ok');
    expect((await app.inject({ url: '/readyz' })).statusCode).toBe(200);
    deps.checks.push({ name: 'streams', problem: 'STATUS does not exist yet' });
    const reply = await app.inject({ url: '/readyz' });
    expect(reply.statusCode).toBe(503);
    expect(reply.json<{ checks: object[] }>().checks).toContainEqual({
      name: 'streams',
      ready: false,
      problem: 'STATUS does not exist yet',
    });
  });

  it('count requests by route pattern, never by path', async () => {
    await app.inject({ url: '/api/v1/applications/some-name', headers });
    await app.inject({ url: '/made/up', headers });
    const { body } = await app.inject({ url: '/metrics', headers });
    expect(body).toContain('route="/api/v1/applications/:name",status="404"');
    expect(body).toContain('route="unmatched"');
    expect(body).not.toMatch(/some-name|made\/up/);
  });
});

describe('version and description', () => {
  it('answers under both paths', async () => {
    for (const url of ['/api/version', '/api/v1/version'])
      expect((await app.inject({ url, headers })).json()).toMatchObject({ Version: '0.1.0' });
  });

  it('describes Applications from their schema, in OpenAPI 3.1', async () => {
    const description = (await app.inject({ url: '/api/v1/openapi.json', headers })).json<{
      openapi: string;
      paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
      components: { schemas: object };
    }>();
    expect(description.openapi).toBe('3.1.0');
    expect(Object.keys(description.components.schemas)).toEqual(
      expect.arrayContaining(['ApplicationView', 'FleetCluster', 'ApplyResult']),
    );
    expect(JSON.stringify(description.paths['/api/v1/applications']?.['post']?.requestBody)).toContain('syncPolicy');
    expect(Object.keys(description.paths['/api/v1/fleet/apply']?.['post']?.requestBody?.content ?? {})).toContain(
      'application/yaml',
    );
  });
});

describe('webhook', () => {
  it('hands over the bytes as they came, without a token', async () => {
    const payload = Buffer.from([0x7b, 0x20, 0xff, 0x7d]);
    const reply = await app.inject({
      method: 'POST',
      url: '/api/webhook',
      headers: { 'x-github-event': 'push', 'content-type': 'application/json' },
      payload,
    });
    expect(reply.statusCode).toBe(200);
    expect(deps.calls).toEqual(['webhook push 7b20ff7d']);
  });
});

describe('webhooks of registries', () => {
  it.each([
    ['docker-hub', '?token=word', 'docker-hub word'],
    ['quay', '', 'quay '],
  ])('%s are known by their address and its token', async (registry, query, told) => {
    const given: string[] = [];
    deps.webhook = async (sent) =>
      void given.push(`${String(sent['x-wheelhouse-registry'])} ${String(sent['x-wheelhouse-registry-token'])}`);
    const forged = { 'x-wheelhouse-registry': 'other', 'x-wheelhouse-registry-token': 'guess' };
    const url = `/api/webhook/${registry}${query}`;
    const reply = await app.inject({ method: 'POST', url, headers: forged, payload: {} });
    expect([reply.statusCode, given]).toEqual([200, [told]]);
    const other = await app.inject({ method: 'POST', url: `/api/webhook/${registry}?tokn=word`, payload: {} });
    expect(other.statusCode).toBe(400);
  });
});

describe('HTTPS', () => {
  it('is served when a certificate is given', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await expect(createApiServer(createFakeDeps(), { tls: { key, cert: 'not a certificate' } })).rejects.toThrow(
      /PEM/i,
    );
  });
});
