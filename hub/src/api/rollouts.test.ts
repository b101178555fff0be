import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps, refusalOf } from './testing/fake-deps.ts';

let deps: FakeDeps;
let app: ApiServer;
const url = '/api/v1/fleet/rollouts';
const headers = { authorization };

beforeEach(async () => {
  deps = createFakeDeps();
  app = await createApiServer(deps);
  return async () => await app.close();
});

const post = async (path: string, payload?: object) =>
  await app.inject({ method: 'POST', url: `${url}/${path}`, headers, ...(payload ? { payload } : {}) });

describe('rollouts', () => {
  it.each([
    ['', 1],
    ['?kind=FleetRollout', 1],
    ['?namespace=argocd', 1],
    ['?kind=RollingSync', 0],
    ['?namespace=team', 0],
  ])('are listed%s', async (query, count) => {
    const reply = await app.inject({ url: url + query, headers });
    expect(reply.json<{ items: object[] }>().items).toHaveLength(count);
  });

  it('are shown by name, and one that there is not is not found', async () => {
    expect((await app.inject({ url: `${url}/shop`, headers })).json()).toMatchObject({ name: 'shop', clusters: [] });
    const missing = await app.inject({ url: `${url}/shop?kind=RollingSync`, headers });
    expect(refusalOf(missing)).toBe('404 NotFound: rollout argocd/shop does not exist');
  });

  it.each([
    ['pause', { reason: 'freeze' }, 'pause rollout.argocd.shop {"reason":"freeze","by":"admin","ends":false}'],
    ['pause', { reason: 'x', for: '2h' }, 'pause rollout.argocd.shop {"reason":"x","by":"admin","ends":true}'],
    ['resume', undefined, 'resume rollout.argocd.shop {"by":"admin"}'],
    ['abort', { reason: 'bad' }, 'abort rollout.argocd.shop {"reason":"bad","by":"admin"}'],
    ['undo', { reason: 'slow' }, 'undo rollout.argocd.shop {"reason":"slow","by":"admin"}'],
  ])('take %s %j as who asks', async (verb, payload, call) => {
    const reply = await post(`shop/${verb}`, payload);
    expect([reply.statusCode, deps.calls]).toEqual([200, [call]]);
  });

  it('are approved with the roles of who asks', async () => {
    expect((await post('shop/approve', { step: 'rest', comment: 'seen' })).statusCode).toBe(200);
    expect(deps.calls.join()).toMatch(
      /^approve rollout\.argocd\.shop \{"step":"rest","comment":"seen","by":"admin","roles":\[/,
    );
  });

  it.each([
    ['a pause without a reason', 'shop/pause', {}, 400],
    ['a pause for no duration', 'shop/pause', { reason: 'x', for: 'soon' }, 400],
    ['a pause until no time', 'shop/pause', { reason: 'x', until: 'tomorrow' }, 400],
    ['an empty reason', 'shop/undo', { reason: '' }, 400],
    ['an unknown field', 'shop/abort', { reason: 'x', force: true }, 400],
    ['one that there is not', 'web/abort', { reason: 'x' }, 404],
  ])('refuse %s', async (...[, path, payload, status]) => {
    expect((await post(path, payload)).statusCode).toBe(status);
    expect(deps.calls).toEqual([]);
  });

  it('are for nobody without a token', async () => {
    expect((await app.inject({ url })).statusCode).toBe(401);
    expect((await app.inject({ method: 'POST', url: `${url}/shop/resume` })).statusCode).toBe(401);
  });
});
