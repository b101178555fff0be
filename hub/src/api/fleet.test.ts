import { readdirSync, readFileSync } from 'node:fs';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import type { Applied } from './apply.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps, fakeView, refusalOf } from './testing/fake-deps.ts';
import { fakePlan } from './testing/fake-plans.ts';

let deps: FakeDeps;
let app: ApiServer;
const headers = { authorization };
const seed = new URL('../../../../shared/fixtures/seed/', import.meta.url);

beforeEach(async () => {
  deps = createFakeDeps();
  app = await createApiServer(deps);
  return async () => await app.close();
});

async function send(verb: 'apply' | 'delete', payload: string, query = ''): Promise<Applied[]> {
  const reply = await app.inject({
    method: 'POST',
    url: `/api/v1/fleet/${verb}${query}`,
    headers: { ...headers, 'content-type': 'application/yaml' },
    payload,
  });
  expect(reply.statusCode).toBe(200);
  return reply.json<{ results: Applied[] }>().results;
}

const project =
  'apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata:\n  name: shop\nspec:\n  sourceRepos: ["*"]\n';
const application = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: guestbook
spec:
  project: shop
  source: { repoURL: https://git.example/apps, path: guestbook }
  destination: { name: us-east }
`;

describe('apply', () => {
  it('creates, then leaves alone, then configures', async () => {
    const stream = `${project}---\n${application}`;
    expect(
      (await send('apply', stream)).map((each) => `${each.kind} ${each.namespace}/${each.name} ${each.result}`),
    ).toEqual(['AppProject argocd/shop created', 'Application argocd/guestbook created']);
    expect((await send('apply', stream)).map((each) => each.result)).toEqual(['unchanged', 'unchanged']);
    expect(
      (await send('apply', stream.replace('project: shop', 'project: default'))).map((each) => each.result),
    ).toEqual(['unchanged', 'configured']);
    expect(deps.specs.find('Application', 'argocd', 'guestbook')?.revision).toBe(2);
  });

  it('keeps what was written, comments and all, but not of a Secret', async () => {
    const secret =
      'apiVersion: v1\nkind: Secret\nmetadata: {name: c, labels: {argocd.argoproj.io/secret-type: cluster}}\nstringData: {server: https://c, config: hunter2}\n';
    await send('apply', `# first\n${project}---\n${application}# why\n---\n${secret}`);
    expect(deps.specs.list().map((spec) => spec.yaml)).toEqual([`# first\n${project}`, `${application}# why\n`, '']);
    expect(JSON.stringify(deps.specs.list())).not.toContain('hunter2');
  });

  it.each(readdirSync(seed))('accepts %s as it is', async (file) => {
    const results = await send('apply', readFileSync(new URL(file, seed), 'utf8'));
    expect(results.length).toBeGreaterThan(0);
    expect(results.map((each) => each.error ?? each.result)).toEqual(results.map(() => 'created'));
  });

  it('answers every document of a batch, good or bad, each with its line', async () => {
    const results = await send(
      'apply',
      [
        project,
        'kind: [broken',
        application.replace('path:', 'pth:'),
        '# nothing',
        'just text',
        'apiVersion: v1\nmetadata: {name: x}',
        application,
      ].join('\n---\n'),
    );
    expect(results.map(({ line, name, result, error }) => [line, name, result, error?.reason])).toEqual([
      [1, 'shop', 'created', undefined],
      [8, undefined, 'error', 'Malformed'],
      [10, 'guestbook', 'error', 'UnknownField'],
      [22, undefined, 'error', 'Malformed'],
      [24, 'x', 'error', 'Malformed'],
      [27, 'guestbook', 'created', undefined],
    ]);
    expect(results[1]?.error?.message).toMatch(/line (9|10)/);
    expect(results[2]?.error?.message).toContain(
      'Application argocd/guestbook: spec.source.pth: unknown field, did you mean "path"?',
    );
    expect(deps.specs.list().map((spec) => spec.resource.kind)).toEqual(['AppProject', 'Application']);
  });

  it('goes on after a write that failed, and hides why from nobody but the curious', async () => {
    const put = deps.specs.put.bind(deps.specs);
    deps.specs.put = async (resource, options) => {
      if (resource.kind === 'AppProject') throw new TypeError('secret insides');
      return await put(resource, options);
    };
    const results = await send('apply', `${project}---\n${application}`);
    expect(results.map((each) => each.result)).toEqual(['error', 'created']);
    expect(JSON.stringify(results)).not.toContain('secret insides');
    expect(deps.logLines.join('')).toContain('secret insides');
  });

  it('changes nothing in a dry run, but says what it would', async () => {
    expect((await send('apply', application, '?dryRun=true')).map((each) => each.result)).toEqual(['created']);
    expect(deps.specs.all.size).toBe(0);
  });

  it('keeps the parent of what an App of Apps created', async () => {
    await send('apply', application);
    const spec = deps.specs.find('Application', 'argocd', 'guestbook');
    if (spec) deps.specs.all.set('Application/argocd/guestbook', { ...spec, owner: 'root' });
    await send('apply', application.replace('guestbook }', 'other }'));
    expect(deps.specs.find('Application', 'argocd', 'guestbook')).toMatchObject({ owner: 'root', revision: 2 });
  });

  it.each([
    [
      'a kind that is not built',
      'apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\n',
      'not built yet',
    ],
    ['an operation', `${application}operation: { sync: {} }\n`, '"operation" was left out'],
  ])('warns of %s', async (_name, text, warning) => {
    const [applied] = await send('apply', text);
    expect(applied).toMatchObject({ result: 'created', warnings: [expect.stringContaining(warning)] });
  });

  it.each([
    ['a kind of a cluster', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n', 'Invalid'],
    ['a project that could never be meant so', project.replace('["*"]', '["!*"]'), 'Invalid'],
    [
      'a raw Secret',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2}\n',
      'RawSecretRefused',
    ],
    ['a 20 MB document', `${application}# ${'x'.repeat(20_000_000)}\n`, 'TooLarge'],
  ])('refuses %s', async (_name, text, reason) => {
    const [applied] = await send('apply', text);
    expect(applied?.error?.reason).toBe(reason);
    expect(JSON.stringify(applied)).not.toContain('hunter2');
    expect(deps.specs.all.size).toBe(0);
  });

  it('refuses the name of a generated Application', async () => {
    deps.applications.set(fakeView({ name: 'guestbook', set: 'fleet' }));
    expect((await send('apply', application))[0]?.error).toMatchObject({ reason: 'DuplicateApplication' });
  });

  it('refuses an empty body', async () => {
    const reply = await app.inject({ method: 'POST', url: '/api/v1/fleet/apply', headers, payload: '\n' });
    expect([reply.statusCode, reply.json<{ reason: string }>().reason]).toEqual([400, 'Malformed']);
  });
});

describe('delete by YAML', () => {
  it('deletes what is named; an Application’s finalizer decides on its resources', async () => {
    await send(
      'apply',
      `${project}---\n${application}---\n${application.replace('name: guestbook', 'name: other\n  finalizers: [resources-finalizer.argocd.argoproj.io]')}`,
    );
    const results = await send(
      'delete',
      `${project}---\n${application}---\n${application.replace('name: guestbook', 'name: other')}---\n${application}`,
    );
    expect(results.map((each) => each.error?.reason ?? each.result)).toEqual([
      'deleted',
      'deleted',
      'deleted',
      'NotFound',
    ]);
    expect(deps.calls).toEqual(['delete guestbook cascade=false by admin', 'delete other cascade=true by admin']);
  });
});

describe('clusters', () => {
  const get = async (url: string) =>
    (await app.inject({ url, headers })).json<Record<string, unknown> & { items: { name: string }[] }>();

  it.each([
    ['all', '/api/v1/fleet/clusters', ['us-east', 'eu-west']],
    ['a label', '/api/v1/fleet/clusters?selector=region', ['us-east']],
    ['a state', '/api/v1/fleet/clusters?state=Expected', ['eu-west']],
    ['Argo CD’s by server', '/api/v1/clusters?server=https://eu-west.example', ['eu-west']],
  ])('are listed: %s', async (_name, url, names) => {
    expect((await get(url)).items.map((each) => each.name)).toEqual(names);
  });

  it('are found by name and by server, and carry no credential', async () => {
    const byName = await get('/api/v1/clusters/us-east');
    expect(byName).toMatchObject({
      server: 'https://us-east.example',
      config: {},
      connectionState: { status: 'Successful' },
      info: { applicationsCount: 3 },
    });
    expect(await get(`/api/v1/clusters/${encodeURIComponent('https://us-east.example')}`)).toEqual(byName);
  });

  it('are labelled, and unlabelled by null', async () => {
    const reply = await app.inject({
      method: 'PATCH',
      url: '/api/v1/fleet/clusters/us-east/labels',
      headers,
      payload: { labels: { region: null, tier: 'gold' } },
    });
    expect(reply.json()).toMatchObject({ labels: { tier: 'gold' } });
    expect(deps.calls).toEqual(['label us-east {"region":null,"tier":"gold"} by admin']);
  });

  it('are annotated, with a reason, and tell their history', async () => {
    const reply = await app.inject({
      method: 'PATCH',
      url: '/api/v1/fleet/clusters/us-east/annotations',
      headers,
      payload: { annotations: { owner: 'any text' }, reason: 'moved' },
    });
    expect(reply.json()).toMatchObject({ annotations: { owner: 'any text' } });
    expect(deps.calls).toEqual(['annotate us-east {"owner":"any text"} by admin: moved']);
    expect((await get('/api/v1/fleet/clusters/us-east/history')).items).toHaveLength(2);
  });

  it.each<['labels' | 'annotations', object, number, object]>([
    ['labels', { labels: { role: 'x' }, apps: 'team=a' }, 202, { id: 'p1', apps: 'team=a' }],
    ['labels', { labels: { role: 'x' }, planOnly: true }, 202, { id: 'p1' }],
    ['labels', { labels: { tier: 'x' }, planOnly: true }, 200, { labels: { region: 'us-east' } }],
    ['annotations', { annotations: { role: 'x' } }, 202, { id: 'p1', phase: 'Planned' }],
    ['annotations', { annotations: { owner: 'x' }, planOnly: true }, 200, { annotations: {} }],
  ])('of %s: what %j moves is planned, and nothing is done', async (...[what, payload, status, answer]) => {
    const url = `/api/v1/fleet/clusters/us-east/${what}`;
    const reply = await app.inject({ method: 'PATCH', url, headers, payload });
    expect([reply.statusCode, reply.json(), deps.calls]).toMatchObject([status, answer, []]);
  });

  it.each([
    ['PATCH', '/api/v1/fleet/clusters/us-east/annotations', { annotations: { 'a b': 'c' } }, 400],
    ['PATCH', '/api/v1/fleet/clusters/us-east/labels', { labels: {}, reason: 'x'.repeat(501) }, 400],
    ['PATCH', '/api/v1/fleet/clusters/nowhere/annotations', { annotations: {} }, 404],
    ['GET', '/api/v1/fleet/clusters/nowhere/history', undefined, 404],
    ['GET', '/api/v1/fleet/clusters/eu-west/history', undefined, 404],
  ] as const)('%s %s is refused when it is wrong', async (...[method, url, payload, status]) => {
    const reply = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) });
    expect([reply.statusCode, deps.calls]).toEqual([status, []]);
  });

  it.each([
    ['a bad key', { 'a b': 'c' }],
    ['a bad value', { a: 'b c' }],
    ['a value that is no text', { a: 1 }],
  ])('refuse %s', async (_name, labels) => {
    const reply = await app.inject({
      method: 'PATCH',
      url: '/api/v1/fleet/clusters/us-east/labels',
      headers,
      payload: { labels },
    });
    expect([reply.statusCode, deps.calls]).toEqual([400, []]);
  });
});

describe('plans', () => {
  const plans = '/api/v1/fleet/plans';
  const send = async (url: string, payload: object = {}) =>
    await app.inject({ method: 'POST', url: `${plans}${url}`, headers, payload });

  it('answer a relabel that would move Applications, which is not done', async () => {
    const url = '/api/v1/fleet/clusters/us-east/labels';
    const reply = await app.inject({ method: 'PATCH', url, headers, payload: { labels: { role: 'active' } } });
    expect([reply.statusCode, reply.json()]).toEqual([202, expect.objectContaining({ id: 'p1', phase: 'Planned' })]);
    expect(deps.calls).toEqual([]);
  });

  it('are made of a failover or of labels, listed, and lived through', async () => {
    expect((await send('', { from: 'region=eu', to: 'region=us', soakMs: 5 })).json()).toMatchObject({ id: 'p1' });
    expect((await send('', { clusters: { 'us-east': { role: 'active' } } })).json()).toMatchObject({ kind: 'relabel' });
    const list = await app.inject({ url: plans, headers });
    expect(list.json()).toMatchObject({
      items: [{ id: 'p1', progress: 0, counts: { incoming: 1 }, waits: ['not started yet'] }],
    });
    for (const verb of ['start', 'pause', 'resume', 'abort', 'fail-back', 'withdraw'])
      expect([verb, (await send(`/p1/${verb}`)).statusCode]).toEqual([verb, 200]);
    expect(deps.calls.slice(1)).toEqual([
      'start p1 by admin',
      'pause p1 by admin: ',
      'resume p1 by admin',
      'abort p1 by admin: ',
      'fail back p1 by admin',
      'withdraw  of p1 by admin',
    ]);
  });

  it.each<[string, string, object, string]>([
    ['a plan that is not there', '/p9/start', {}, '404 NotFound'],
    ['a field that is not known', '', { from: 'a=b', to: 'c=d', soak: 1 }, '400 '],
    ['labels that are none', '', { clusters: { 'us-east': { 'a b': 'c' } } }, '400 '],
    [
      'labels that move nothing',
      '',
      { clusters: { 'us-east': { tier: 'gold' } } },
      '400 Invalid: these labels change no placement',
    ],
    ['a soak that never ends', '', { from: 'a=b', to: 'c=d', soakMs: 1e12 }, '400 '],
  ])('refuse %s', async (...[_what, url, payload, expected]) => {
    expect(refusalOf(await send(url, payload))).toMatch(new RegExp(`^${expected}`));
  });

  it('are not started over a finding that blocks', async () => {
    const findings = [{ severity: 'blocks' as const, code: 'Overload' as const, message: 'too much' }];
    deps.plans.all.set('p1', fakePlan({ findings }));
    expect(refusalOf(await send('/p1/start'))).toBe('409 PlanBlocked: plan p1 is not started: too much');
    expect((await send('/p1/start', { accept: ['Overload'] })).statusCode).toBe(200);
  });
});

describe('enrolment', () => {
  const enrol = { tokenId: 't', secret: 's', publicKey: `U${'A'.repeat(55)}`, uid: 'u', agentVersion: '1', proof: 'p' };

  it('makes tokens for those who may', async () => {
    const payload = { cluster: 'us-east', labels: { a: 'b' }, expiresInMs: 60_000 };
    expect((await app.inject({ method: 'POST', url: '/api/v1/fleet/tokens', headers, payload })).json()).toMatchObject({
      token: 'wh1.secret',
      by: 'admin',
    });
    expect((await app.inject({ method: 'DELETE', url: '/api/v1/fleet/tokens/token-1', headers })).statusCode).toBe(200);
    expect(deps.calls).toEqual(['revoke token-1 by admin']);
  });

  it('makes a token for a cluster that was installed anew', async () => {
    const payload = { cluster: 'us-east', replace: true };
    const reply = await app.inject({ method: 'POST', url: '/api/v1/fleet/tokens', headers, payload });
    expect([reply.statusCode, deps.calls]).toEqual([200, ['token that replaces us-east by admin']]);
  });

  it('answers a bad enrolment token with the reason, without a bearer token', async () => {
    const reply = await app.inject({ method: 'POST', url: '/api/v1/fleet/enrol', payload: enrol });
    expect([reply.statusCode, reply.json<{ reason: string }>().reason]).toEqual([401, 'TokenInvalid']);
  });

  it.each([
    ['an unknown field', { ...enrol, admin: true }, 400],
    ['a missing field', { tokenId: 't' }, 400],
    ['a body that is too large', { ...enrol, proof: 'p'.repeat(20_000) }, 413],
  ])('refuses %s', async (_name, payload, status) => {
    expect((await app.inject({ method: 'POST', url: '/api/v1/fleet/enrol', payload })).statusCode).toBe(status);
  });

  it('gives the CA to anybody', async () => {
    expect((await app.inject({ url: '/api/v1/fleet/ca' })).body).toContain('BEGIN CERTIFICATE');
  });
});

describe('the identity of a cluster', () => {
  const url = '/api/v1/fleet/clusters/us-east';
  it.each([
    ['POST', `${url}/approve`, undefined, 'approve us-east by admin'],
    ['POST', `${url}/revoke`, { reason: 'stolen' }, 'revoke us-east by admin: stolen'],
    ['POST', `${url}/rotate-key`, undefined, 'new key of us-east by admin'],
    ['POST', `${url}/rename`, { name: 'us-1' }, 'rename us-east us-1 force=false by admin'],
    ['DELETE', `${url}?workloads=keep`, undefined, 'remove us-east {"removeWorkloads":false,"force":false} by admin'],
    ['DELETE', `${url}?workloads=remove`, undefined, 'remove us-east {"removeWorkloads":true,"force":false} by admin'],
    [
      'DELETE',
      `${url}?workloads=keep&force=true`,
      undefined,
      'remove us-east {"removeWorkloads":false,"force":true} by admin',
    ],
  ] as const)('%s %s', async (...[method, path, payload, call]) => {
    const reply = await app.inject({ method, url: path, headers, ...(payload ? { payload } : {}) });
    expect([reply.statusCode, deps.calls]).toEqual([200, [call]]);
  });

  it.each([
    ['without a token', 'POST', `${url}/approve`, {}, undefined, 401],
    ['of a cluster that is not there', 'POST', '/api/v1/fleet/clusters/nobody/approve', undefined, undefined, 404],
    ['revoked without a reason', 'POST', `${url}/revoke`, undefined, { reason: '' }, 400],
    ['removed without a word on its workloads', 'DELETE', url, undefined, undefined, 400],
  ] as const)('is not changed: %s', async (...[, method, path, other, payload, status]) => {
    const reply = await app.inject({ method, url: path, headers: other ?? headers, ...(payload ? { payload } : {}) });
    expect([reply.statusCode, deps.calls]).toEqual([status, []]);
  });
});

describe.each([
  ['repositories', 'repository'],
  ['write-repositories', 'repository-write'],
])('%s', (kind, type) => {
  const url = `/api/v1/${kind}`;
  const payload = { repo: 'https://git.example/apps', username: 'robot', password: 'hunter2' };

  it('are kept with credentials that are never answered', async () => {
    const replies = [
      await app.inject({ method: 'POST', url, headers, payload }),
      await app.inject({ url, headers }),
      await app.inject({ url: `${url}/${encodeURIComponent(payload.repo)}`, headers }),
      await app.inject({ url: '/api/v1/fleet/resources', headers }),
    ];
    for (const reply of replies) {
      expect(reply.statusCode).toBe(200);
      expect(reply.body).not.toMatch(/hunter2|robot/);
    }
    expect(replies[2]?.json()).toMatchObject({
      repo: payload.repo,
      type: 'git',
      connectionState: { status: 'Unknown' },
    });
    expect(JSON.stringify(deps.specs.list('Secret'))).toContain('hunter2');
    const labels = deps.specs.list('Secret').map(({ resource }) => resource.metadata.labels);
    expect(labels).toEqual([{ 'argocd.argoproj.io/secret-type': type }]);
  });

  it('are none of the other kind', async () => {
    await app.inject({ method: 'POST', url, headers, payload });
    const other = kind === 'repositories' ? '/api/v1/write-repositories' : '/api/v1/repositories';
    expect((await app.inject({ url: other, headers })).json()).toMatchObject({ items: [] });
    const gone = await app.inject({ method: 'DELETE', url: `${other}/${encodeURIComponent(payload.repo)}`, headers });
    expect([gone.statusCode, deps.specs.all.size]).toEqual([404, 1]);
  });

  it('refuse to be overwritten but by upsert, and go', async () => {
    await app.inject({ method: 'POST', url, headers, payload });
    const other = { ...payload, password: 'new' };
    expect((await app.inject({ method: 'POST', url, headers, payload: other })).statusCode).toBe(400);
    expect((await app.inject({ method: 'POST', url: `${url}?upsert=true`, headers, payload: other })).statusCode).toBe(
      200,
    );
    expect(
      (await app.inject({ method: 'DELETE', url: `${url}/${encodeURIComponent(payload.repo)}`, headers })).statusCode,
    ).toBe(200);
    expect(deps.specs.all.size).toBe(0);
  });
});

describe('details of a source', () => {
  const repoURL = 'https://git.example/apps';
  const url = `/api/v1/repositories/${encodeURIComponent(repoURL)}/appdetails`;
  const source = { repoURL, path: 'shop', plugin: { name: 'words' } };
  const ask = async (payload: object) => await app.inject({ method: 'POST', url, headers, payload });
  beforeEach(() => deps.applications.set(fakeView({ name: 'shop', project: 'team' })));

  it('are answered in Argo CD’s shape', async () => {
    const reply = await ask({ source, appName: 'argocd/shop', appProject: 'team', sourceIndex: 1 });
    const parametersAnnouncement = [{ name: 'tag', required: true, string: 'latest' }];
    expect(reply.json()).toEqual({ type: 'Plugin', plugin: { parametersAnnouncement } });
    expect(deps.calls).toEqual([`describe source 1 of argocd/shop: ${repoURL}`]);
  });

  it('are for readers of the Application where the source is its own, otherwise for who may change it', async () => {
    const require = (_principal: unknown, verb: string, { name }: { name: string }) => {
      if (verb !== 'get') throw new FleetError('Forbidden', `may not ${verb} ${name}`);
    };
    const others = createFakeDeps();
    const own = await createApiServer({ ...others, access: { ...others.access, require } });
    const ask = async (asked: object) =>
      await own.inject({ method: 'POST', url, headers, payload: { source: asked, appName: 'shop' } });
    const view = fakeView({ name: 'shop', project: 'team' });
    const spec = { ...view.application.spec, source };
    others.applications.set({ ...view, application: { ...view.application, spec } });
    expect((await ask({ plugin: { name: 'words' }, path: 'shop', repoURL })).statusCode).toBe(200);
    const dry = { repoURL, targetRevision: 'main', path: 'dry' };
    const sourceHydrator = { drySource: dry, syncSource: { targetBranch: 'east', path: 'shop' } };
    others.applications.set({ ...view, application: { ...view.application, spec: { ...spec, sourceHydrator } } });
    expect((await ask(dry)).statusCode).toBe(200);
    for (const plugin of [{ name: 'other' }, { name: 'words', env: [{ name: 'A', value: 'b' }] }])
      expect(refusalOf(await ask({ ...source, plugin }))).toBe('403 Forbidden: may not update team/shop');
    expect(others.calls).toHaveLength(2);
    await own.close();
  });

  it.each([
    ['no Application', { source, appName: 'other' }, /^404 NotFound: .*other does not exist/],
    [
      'another repository than the path',
      { source: { ...source, repoURL: 'x' }, appName: 'shop' },
      /^400 Invalid: .*not https/,
    ],
    ['another project', { source, appName: 'shop', appProject: 'x' }, /^400 Invalid: .*is of project team/],
    ['a field that is not built', { source, appName: 'shop', versionId: 1 }, /^400 UnknownField: .*versionId/],
  ])('are refused of %s', async (_name, payload, refusal) => {
    expect(refusalOf(await ask(payload))).toMatch(refusal);
    expect(deps.calls).toEqual([]);
  });
});

describe('projects', () => {
  const body = { project: { metadata: { name: 'shop' }, spec: { sourceRepos: ['*'] } } };

  it('are made, read, replaced, and deleted once no Application uses them', async () => {
    const url = '/api/v1/projects';
    expect((await app.inject({ method: 'POST', url, headers, payload: body })).statusCode).toBe(200);
    expect((await app.inject({ url: `${url}/shop`, headers })).json()).toMatchObject({ spec: { sourceRepos: ['*'] } });
    const replaced = { project: { ...body.project, spec: { sourceRepos: [] } } };
    expect((await app.inject({ method: 'PUT', url: `${url}/shop`, headers, payload: replaced })).json()).toMatchObject({
      spec: { sourceRepos: [] },
    });
    deps.applications.set(fakeView({ name: 'a', project: 'shop' }));
    const used = await app.inject({ method: 'DELETE', url: `${url}/shop`, headers });
    expect(used.json<{ message: string }>().message).toContain('is used by 1 Applications');
    deps.applications.remove(fakeView({ name: 'a' }));
    expect((await app.inject({ method: 'DELETE', url: `${url}/shop`, headers })).statusCode).toBe(200);
  });

  it('refuse an unknown field, naming it', async () => {
    const payload = { project: { ...body.project, spec: { sourceRepo: [] } } };
    const reply = await app.inject({ method: 'POST', url: '/api/v1/projects', headers, payload });
    expect(reply.json()).toMatchObject({
      reason: 'UnknownField',
      message: expect.stringContaining('spec.sourceRepo') as string,
    });
  });
});

describe('ApplicationSets', () => {
  const url = '/api/v1/applicationsets';
  const payload = {
    metadata: { name: 'fleet', labels: { team: 'a' } },
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
    },
  };

  it('are made, listed with their status, released and deleted', async () => {
    expect((await app.inject({ method: 'POST', url: `${url}?dryRun=true`, headers, payload })).statusCode).toBe(200);
    expect(deps.specs.all.size).toBe(0);
    expect((await app.inject({ method: 'POST', url, headers, payload })).statusCode).toBe(200);
    for (const query of ['', '?selector=team=a', '?projects=shop', '?appsetNamespace=argocd'])
      expect((await app.inject({ url: url + query, headers })).json()).toMatchObject({
        items: [{ metadata: { name: 'fleet' }, status: { conditions: [{ type: 'ParametersGenerated' }] } }],
      });
    expect((await app.inject({ url: `${url}?projects=other`, headers })).json()).toMatchObject({ items: [] });
    expect((await app.inject({ method: 'POST', url: `${url}/fleet/release`, headers })).statusCode).toBe(200);
    const reject = { method: 'POST' as const, url: `${url}/fleet/reject`, headers };
    expect((await app.inject({ ...reject, payload: {} })).statusCode).toBe(400);
    expect((await app.inject({ ...reject, payload: { reason: 'mistake' } })).statusCode).toBe(200);
    expect(deps.calls).toEqual(['release fleet by admin', 'reject fleet by admin: mistake']);
    expect((await app.inject({ method: 'DELETE', url: `${url}/fleet`, headers })).statusCode).toBe(200);
    expect((await app.inject({ url: `${url}/fleet`, headers })).statusCode).toBe(404);
  });
});
