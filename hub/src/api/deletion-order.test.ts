import { beforeEach, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import type { Applied } from './apply.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps } from './testing/fake-deps.ts';

const url = '/api/v1/applicationsets';
const headers = { authorization };
const set = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'ApplicationSet',
  metadata: { name: 'fleet' },
  spec: {
    generators: [{ clusters: {} }],
    template: {
      metadata: { name: '{{name}}' },
      spec: {
        project: 'shop',
        destination: { name: '{{name}}' },
        source: { repoURL: 'https://git.example/apps', path: 'a' },
      },
    },
    strategy: {
      type: 'RollingSync',
      deletionOrder: 'Reverse',
      rollingSync: { steps: [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['one'] }] }] },
    },
  },
};

let deps: FakeDeps;
let app: ApiServer;

beforeEach(async () => {
  deps = createFakeDeps();
  app = await createApiServer(deps);
  await app.inject({ method: 'POST', url, headers, payload: set });
  return async () => await app.close();
});

async function send(verb: 'apply' | 'delete'): Promise<Applied[]> {
  const typed = { ...headers, 'content-type': 'application/yaml' };
  const reply = await app.inject({
    method: 'POST',
    url: `/api/v1/fleet/${verb}`,
    headers: typed,
    payload: JSON.stringify(set),
  });
  return reply.json<{ results: Applied[] }>().results;
}

it('a set that is deleted step by step is there until then, and shows since when', async () => {
  expect((await app.inject({ method: 'DELETE', url: `${url}/fleet`, headers })).statusCode).toBe(200);
  expect((await app.inject({ url: `${url}/fleet`, headers })).json()).toMatchObject({
    metadata: { name: 'fleet', deletionTimestamp: '2026-01-01T00:00:00Z' },
  });
});

it('takes no change by any way, even of what it is already', async () => {
  await app.inject({ method: 'DELETE', url: `${url}/fleet`, headers });
  for (const query of ['', '?upsert=true']) {
    const reply = await app.inject({ method: 'POST', url: url + query, headers, payload: set });
    expect([reply.statusCode, reply.json<{ message: string }>().message]).toEqual([
      409,
      expect.stringContaining('ApplicationSet argocd/fleet is being deleted'),
    ]);
  }
  expect(await send('apply')).toMatchObject([{ result: 'error', error: { reason: 'Conflict' } }]);
});

it('a document that deletes it says that it is not gone yet', async () => {
  expect(await send('delete')).toMatchObject([
    { result: 'deleted', warnings: [expect.stringContaining('ApplicationSet argocd/fleet: deleted step by step')] },
  ]);
});

it('all at once is gone at once', async () => {
  await app.inject({ method: 'DELETE', url: `${url}/fleet`, headers });
  expect((await app.inject({ method: 'DELETE', url: `${url}/fleet?allAtOnce=true`, headers })).statusCode).toBe(200);
  expect((await app.inject({ url: `${url}/fleet`, headers })).statusCode).toBe(404);
});
