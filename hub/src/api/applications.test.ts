import { Registry } from 'prom-client';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

interface List {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: { metadata: { name: string }; fleet?: { stale: boolean; ageMs: number; cluster: string } }[];
}

async function list(query = ''): Promise<List> {
  return (await app.inject({ url: `/api/v1/applications${query}`, headers })).json<List>();
}

const guestbook = {
  metadata: { name: 'guestbook' },
  spec: { destination: { name: 'us-east' }, source: { repoURL: 'https://git.example/apps', path: 'guestbook' } },
};

async function post(payload: object, query = '') {
  return await app.inject({ method: 'POST', url: `/api/v1/applications${query}`, headers, payload });
}

describe('listing Applications', () => {
  beforeEach(() => {
    deps.applications.set(fakeView({ name: 'a', project: 'shop', labels: { tier: 'web' } }));
    deps.applications.set(fakeView({ name: 'b', health: 'Degraded', cluster: 'eu-west', stale: true, ageMs: 840_000 }));
    deps.applications.set(fakeView({ name: 'c', namespace: 'team', sync: 'OutOfSync' }));
  });

  it.each([
    ['nothing', '', ['a', 'b', 'c']],
    ['a name', '?name=b', ['b']],
    ['a project', '?projects=shop', ['a']],
    ['projects', '?projects=shop&projects=default', ['a', 'b', 'c']],
    ['the old name of projects', '?project=shop', ['a']],
    ['a selector', '?selector=tier%20in%20(web)', ['a']],
    ['a repository', '?repo=https://git.example/apps', ['a', 'b', 'c']],
    ['another repository', '?repo=https://git.example/other', []],
    ['a namespace', '?appNamespace=team', ['c']],
    ['a cluster', '?cluster=eu-west', ['b']],
    ['health', '?health=Degraded', ['b']],
    ['several healths', '?health=Degraded&health=Healthy', ['a', 'b', 'c']],
    ['sync', '?sync=OutOfSync', ['c']],
    ['two conditions', '?sync=Synced&health=Healthy', ['a']],
    ['an empty value', '?name=&repo=', ['a', 'b', 'c']],
  ])('filters by %s', async (_name, query, names) => {
    expect((await list(query)).items.map((item) => item.metadata.name)).toEqual(names);
  });

  it('says of each how old its status is', async () => {
    const [b] = (await list('?name=b')).items;
    expect(b?.fleet).toEqual({ cluster: 'eu-west', observedAt: '2026-01-01T00:00:00Z', ageMs: 840_000, stale: true });
  });

  it.each([
    [
      'the fields asked for',
      'items.metadata.name,items.status.sync',
      [{ metadata: { name: 'a' }, status: { sync: { status: 'Synced', revision: 'abc123' } } }],
    ],
    ['fields within lists', 'items.status.resources.kind', [{ status: { resources: [{ kind: 'Deployment' }] } }]],
  ])('answers only %s', async (_name, fields, items) => {
    expect((await list(`?name=a&fields=${fields}`)).items).toEqual(items);
  });

  it('leaves out what a leading minus names', async () => {
    const [item] = (await list('?name=a&fields=-items.status,items.spec,items.fleet')).items;
    expect(item).toEqual({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'a', namespace: 'argocd', labels: { tier: 'web' } },
    });
  });
});

describe('100,000 Applications', () => {
  // made once, because making them takes longer than the tests
  let many: FakeDeps;
  beforeAll(() => {
    many = createFakeDeps();
    for (let index = 0; index < 100_000; index += 1)
      many.applications.set(fakeView({ name: `app-${String(index).padStart(6, '0')}`, cluster: `c-${index % 1000}` }));
  });
  beforeEach(async () => {
    await app.close();
    app = await createApiServer({ ...many, metrics: new Registry() });
  });

  it('come in pages that miss none and repeat none', async () => {
    const names = new Set<string>();
    let query = '?limit=10000&fields=items.metadata.name';
    for (let page = 0; page < 10; page += 1) {
      const { items, metadata } = await list(query);
      for (const item of items) names.add(item.metadata.name);
      expect(items).toHaveLength(10_000);
      expect(metadata.continue === undefined).toBe(page === 9);
      expect(metadata.remainingItemCount).toBe(page === 0 ? 90_000 : undefined);
      query = `?limit=10000&fields=items.metadata.name&continue=${encodeURIComponent(metadata.continue ?? '')}`;
    }
    expect(names.size).toBe(100_000);
  });

  it('come whole without a limit, while other requests get their turn', async () => {
    let answered = 0;
    const whole = list('?fields=items.metadata.name').finally(() => {
      answered = -answered;
    });
    while (answered >= 0 && answered < 5) {
      await app.inject({ url: '/healthz' });
      answered += 1;
    }
    expect((await whole).items).toHaveLength(100_000);
    expect(answered).toBe(-5);
  });

  it('filter to the few of a cluster', async () => {
    expect((await list('?cluster=c-7&limit=500')).items).toHaveLength(100);
  });
});

describe('creating an Application', () => {
  it('fills in defaults and keeps who asked', async () => {
    const reply = await post(guestbook);
    expect(reply.json()).toMatchObject({
      kind: 'Application',
      metadata: { namespace: 'argocd' },
      spec: { project: 'default' },
    });
    expect(deps.specs.find('Application', 'argocd', 'guestbook')).toMatchObject({ by: 'admin', revision: 1 });
  });

  it('answers the same again, refuses a different one, and replaces it with upsert', async () => {
    await post(guestbook);
    expect((await post(guestbook)).statusCode).toBe(200);
    const other = { ...guestbook, spec: { ...guestbook.spec, project: 'shop' } };
    const refused = await post(other);
    expect([refused.statusCode, refused.json<{ message: string }>().message]).toEqual([
      400,
      expect.stringContaining('exists and differs'),
    ]);
    expect((await post(other, '?upsert=true')).json()).toMatchObject({ spec: { project: 'shop' } });
    expect(deps.specs.find('Application', 'argocd', 'guestbook')?.revision).toBe(2);
  });

  it('keeps integers that no double holds, in bodies, patches and answers', async () => {
    const id = '9007199254740993';
    const values = (value: string) => `{"source":{"helm":{"valuesObject":{"id":${value}}}}}`;
    const url = '/api/v1/applications';
    const json = { ...headers, 'content-type': 'application/json' };
    const text = JSON.stringify(guestbook).replace('"path"', `"helm":{"valuesObject":{"id":${id}}},"path"`);
    const created = await app.inject({ method: 'POST', url, headers: json, payload: text });
    expect(created.body).toContain(`"valuesObject":{"id":${id}}`);
    const patch = JSON.stringify({
      name: 'guestbook',
      patchType: 'merge',
      patch: `{"spec":${values('9007199254740995')}}`,
    });
    const patched = await app.inject({ method: 'PATCH', url: `${url}/guestbook`, headers: json, payload: patch });
    expect(patched.body).toContain('"valuesObject":{"id":9007199254740995}');
  });

  it('refuses a body that would change the prototype of objects', async () => {
    const payload = '{"metadata":{"name":"x"},"__proto__":{"admin":true}}';
    const json = { ...headers, 'content-type': 'application/json' };
    const reply = await app.inject({ method: 'POST', url: '/api/v1/applications', headers: json, payload });
    expect(reply.statusCode).toBe(400);
  });

  it('takes back what it answered, status and all', async () => {
    const { metadata, ...rest } = guestbook;
    await post(guestbook);
    const again = {
      ...rest,
      metadata: { ...metadata, uid: 'u', resourceVersion: '7', managedFields: [] },
      status: { health: { status: 'Healthy' } },
    };
    expect((await post(again)).statusCode).toBe(200);
    expect(deps.specs.find('Application', 'argocd', 'guestbook')?.revision).toBe(1);
  });

  it('refuses the name of a generated one, naming its ApplicationSet', async () => {
    deps.applications.set(fakeView({ name: 'guestbook', set: 'fleet' }));
    const reply = await post(guestbook);
    expect(reply.statusCode).toBe(409);
    expect(reply.json<{ message: string }>().message).toContain('generated by ApplicationSet fleet');
    expect(deps.specs.all.size).toBe(0);
  });
});

describe('changing an Application', () => {
  const url = '/api/v1/applications/guestbook';
  beforeEach(async () => void (await post(guestbook)));

  it.each([
    [
      'a merge patch',
      { patchType: 'merge', patch: '{"spec":{"project":"shop","revisionHistoryLimit":3,"source":{"path":null}}}' },
      { project: 'shop', revisionHistoryLimit: 3, source: { repoURL: 'https://git.example/apps' } },
    ],
    [
      'a JSON patch',
      { patch: '[{"op":"replace","path":"/spec/project","value":"shop"}]' },
      { ...guestbook.spec, project: 'shop' },
    ],
  ])('by %s', async (_name, payload, spec) => {
    const reply = await app.inject({ method: 'PATCH', url, headers, payload });
    expect(reply.json<{ spec: object }>().spec).toEqual({ destination: guestbook.spec.destination, ...spec });
  });

  it.each([
    ['a patch that is not JSON', { patch: '{' }, /^400 Malformed: .*not valid JSON/],
    [
      'a JSON patch that does not fit',
      { patch: '[{"op":"remove","path":"/spec/none"}]' },
      /^400 Invalid: .*operation 0/,
    ],
    [
      'a JSON patch with an unknown operation',
      { patch: '[{"op":"frobnicate","path":"/spec"}]' },
      /^400 Malformed: .*\[0\]\.op/,
    ],
    [
      'an unknown field in the result',
      { patchType: 'merge', patch: '{"spec":{"sorce":{}}}' },
      /^400 UnknownField: .*spec\.sorce/,
    ],
    [
      'a new name',
      { patchType: 'merge', patch: '{"metadata":{"name":"other"}}' },
      /^400 Invalid: .*cannot change the kind, name or namespace/,
    ],
  ])('refuses %s and changes nothing', async (_name, payload, refusal) => {
    const reply = await app.inject({ method: 'PATCH', url, headers, payload });
    expect(refusalOf(reply)).toMatch(refusal);
    expect(deps.specs.find('Application', 'argocd', 'guestbook')?.revision).toBe(1);
  });

  it('by PUT, and refuses one that was made from an older state', async () => {
    const changed = { ...guestbook, spec: { ...guestbook.spec, project: 'shop' } };
    expect((await app.inject({ method: 'PUT', url, headers, payload: changed })).statusCode).toBe(200);
    const old = { ...changed, metadata: { ...guestbook.metadata, resourceVersion: '1' } };
    expect((await app.inject({ method: 'PUT', url, headers, payload: old })).json()).toMatchObject({
      reason: 'Conflict',
    });
    const renamed = await app.inject({ method: 'PUT', url: `${url}2`, headers, payload: changed });
    expect(renamed.json<{ message: string }>().message).toContain('cannot be renamed');
  });

  it('refuses to change a generated one', async () => {
    deps.applications.set(fakeView({ name: 'made', set: 'fleet' }));
    const reply = await app.inject({
      method: 'PATCH',
      url: '/api/v1/applications/made',
      headers,
      payload: { patch: '[]' },
    });
    expect(reply.json<{ message: string }>().message).toContain('generated by ApplicationSet fleet; change that');
  });
});

describe('acting on an Application', () => {
  const url = '/api/v1/applications/guestbook';
  beforeEach(() => deps.applications.set(fakeView({ name: 'guestbook' })));

  it.each([
    [
      'a sync',
      { method: 'POST', path: '/sync', payload: {} },
      'sync guestbook by admin: {"prune":false,"dryRun":false,"force":false,"syncOptions":[]}',
    ],
    [
      'a sync with options',
      {
        method: 'POST',
        path: '/sync',
        payload: {
          prune: true,
          dryRun: true,
          strategy: { apply: { force: true } },
          syncOptions: { items: ['Replace=true'] },
          resources: [{ kind: 'Service', name: 'a' }],
          revision: 'abc123',
        },
      },
      'sync guestbook by admin: {"prune":true,"dryRun":true,"force":true,"syncOptions":["Replace=true"],"resources":[{"group":"","kind":"Service","name":"a","namespace":""}]}',
    ],
    ['the end of an operation', { method: 'DELETE', path: '/operation' }, 'terminate guestbook by admin'],
    ['a refresh', { method: 'GET', path: '?refresh=normal' }, 'refresh guestbook hard=false by admin'],
    ['a hard refresh', { method: 'GET', path: '?refresh=hard' }, 'refresh guestbook hard=true by admin'],
    ['a deletion', { method: 'DELETE', path: '' }, 'delete guestbook cascade=true by admin'],
    [
      'a deletion that leaves its resources',
      { method: 'DELETE', path: '?cascade=false' },
      'delete guestbook cascade=false by admin',
    ],
  ] as const)('asks for %s', async (_name, { path, ...request }, call) => {
    const reply = await app.inject({ ...request, url: url + path, headers });
    expect(reply.statusCode).toBe(200);
    expect(deps.calls).toEqual([call]);
  });

  it.each([
    ['another revision', { revision: 'v2' }, /^422 Unsupported: .*set spec\.source\.targetRevision/],
    ['local manifests', { manifests: ['x'] }, /^400 UnknownField: .*manifests/],
  ])('refuses a sync with %s', async (_name, payload, refusal) => {
    const reply = await app.inject({ method: 'POST', url: `${url}/sync`, headers, payload });
    expect(refusalOf(reply)).toMatch(refusal);
    expect(deps.calls).toEqual([]);
  });

  it('shows resources as a tree, and their differences in Argo CD’s form and ours', async () => {
    const ref = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'a' };
    deps.diffs.push(
      { ref, kind: 'changed', live: { x: 2 }, desired: { x: 1 }, text: '-x: 2\n+x: 1\n' },
      { ref: { ...ref, name: 'b' }, kind: 'removed', live: {}, text: '-{}\n' },
    );
    const get = async (path: string) =>
      (await app.inject({ url: url + path, headers })).json<Record<string, object[]>>();
    expect((await get('/resource-tree'))['nodes']).toMatchObject([
      { kind: 'Deployment', name: 'guestbook', health: { status: 'Healthy' } },
    ]);
    expect((await get('/managed-resources'))['items']).toMatchObject([
      { name: 'a', targetState: '{"x":1}', liveState: '{"x":2}', predictedLiveState: '{"x":1}' },
      { name: 'b' },
    ]);
    expect((await get('/diff'))['items']).toMatchObject([
      { name: 'a', change: 'changed', live: { x: 2 }, text: '-x: 2\n+x: 1\n' },
      { name: 'b', change: 'removed' },
    ]);
  });
});
