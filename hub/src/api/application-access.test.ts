import { once } from 'node:events';
import { request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ApiServer } from './api-server.ts';
import type { ApiDeps } from './deps.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps, fakeView, refusalOf } from './testing/fake-deps.ts';

const headers = { authorization };
const repoURL = 'https://git.example/apps';
const source = { repoURL, path: 'shop', plugin: { name: 'words' } };
const appdetails = `/api/v1/repositories/${encodeURIComponent(repoURL)}/appdetails`;
let deps: FakeDeps;
let app: ApiServer;

async function start(change: Partial<ApiDeps> = {}): Promise<void> {
  app = await createApiServer({ ...deps, ...change });
}

beforeEach(() => {
  deps = createFakeDeps();
  deps.applications.set(fakeView({ name: 'shop', project: 'theirs' }));
  return async () => await app.close();
});

type Request = [
  name: string,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  urlOf: (app: string) => string,
  payload?: object,
];
const ofApplication: Request[] = [
  ['the Application', 'GET', (name) => `/api/v1/applications/${name}`],
  ['a refresh', 'GET', (name) => `/api/v1/applications/${name}?refresh=hard`],
  ['a patch', 'PATCH', (name) => `/api/v1/applications/${name}`, { patch: '[]' }],
  ['a deletion', 'DELETE', (name) => `/api/v1/applications/${name}`],
  ['a sync', 'POST', (name) => `/api/v1/applications/${name}/sync`, {}],
  ['the end of an operation', 'DELETE', (name) => `/api/v1/applications/${name}/operation`],
  ['its resources', 'GET', (name) => `/api/v1/applications/${name}/resource-tree`],
  ['its diff', 'GET', (name) => `/api/v1/applications/${name}/diff`],
  ['its windows', 'GET', (name) => `/api/v1/applications/${name}/syncwindows`],
];

describe('whoever may read only some Applications', () => {
  let mayCreate: boolean;
  /** May do anything but with project `theirs`, and with all Applications together. */
  beforeEach(async () => {
    mayCreate = true;
    const require = (_principal: unknown, verb: string, { kind, name }: { kind: string; name: string }) => {
      if (kind === 'applications' && (name === '*' || name.startsWith('theirs/')))
        throw new FleetError('Forbidden', `may not ${verb} ${name}`);
      if (verb === 'create' && !mayCreate) throw new FleetError('Forbidden', `may not create ${name}`);
    };
    await start({ access: { ...deps.access, require } });
  });

  it.each(ofApplication)('does not learn by %s whether another exists', async (...[, method, urlOf, payload]) => {
    const ask = async (name: string) =>
      refusalOf(await app.inject({ method, url: urlOf(name), headers, ...(payload ? { payload } : {}) }));
    const refusal = await ask('shop');
    expect(refusal).toMatch(/^403 Forbidden: admin may not get Application argocd\/shop, whether it exists or not$/u);
    expect(await ask('none')).toBe(refusal.replace('shop', 'none'));
    expect(deps.calls).toEqual([]);
  });

  it('does not learn it of what would replace it either', async () => {
    const destination = { name: 'here', namespace: 'shop' };
    const ask = async (name: string) => {
      const payload = { metadata: { name }, spec: { project: 'mine', source: { repoURL, path: 'shop' }, destination } };
      return refusalOf(await app.inject({ method: 'PUT', url: `/api/v1/applications/${name}`, headers, payload }));
    };
    const refusal = await ask('shop');
    expect(refusal).toMatch(/^403 Forbidden: admin may not get Application argocd\/shop, whether it exists or not$/u);
    expect(await ask('none')).toBe(refusal.replace('shop', 'none'));
  });

  const bodyOf = (name: string, project = 'mine') => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name },
    spec: { project, source: { repoURL, path: 'shop' }, destination: { name: 'here', namespace: 'shop' } },
  });
  const post = async (url: string, payload: object): Promise<string> => {
    const type = url.includes('/fleet/') ? 'application/yaml' : 'application/json';
    const sent = { ...headers, 'content-type': type };
    const reply = await app.inject({ method: 'POST', url, headers: sent, payload: JSON.stringify(payload) });
    const { results } = reply.json<{ results?: { error?: { reason: string; message: string } }[] }>();
    const error = results ? results[0]?.error : reply.statusCode === 200 ? undefined : reply.json<never>();
    return error ? `${error.reason}: ${error.message}` : 'done';
  };
  const unread = 'Forbidden: admin may not get Application argocd/shop, whether it exists or not';

  it('does not learn it of a deletion by YAML either', async () => {
    deps.applications.set(fakeView({ name: 'shop', project: 'theirs', set: 'fleet' }));
    const url = '/api/v1/fleet/delete?dryRun=true';
    expect(await post(url, bodyOf('shop'))).toBe(unread);
    expect(await post(url, bodyOf('none'))).toBe(unread.replace('shop', 'none'));
  });

  it.each(['/api/v1/applications', '/api/v1/applications?upsert=true', '/api/v1/fleet/apply'])(
    'creates by %s, and does not learn whose a name is that is taken',
    async (url) => {
      expect(await post(url, bodyOf('shop'))).toBe(unread);
      deps.applications.set(fakeView({ name: 'shop', project: 'theirs', set: 'fleet' }));
      expect(await post(url, bodyOf('shop'))).toBe(unread);
      await deps.specs.put({ ...bodyOf('new', 'theirs'), metadata: { name: 'new', namespace: 'argocd' } }, { by: 'x' });
      expect(await post(url, bodyOf('new'))).toBe(unread.replace('shop', 'new'));
      expect(await post(url, bodyOf('none'))).toBe('done');
      expect(deps.specs.find('Application', 'argocd', 'none')?.by).toBe('admin');
    },
  );

  it.each(['/api/v1/applications', '/api/v1/fleet/apply'])(
    'does not learn by %s what is there where it may not create',
    async (url) => {
      const refusal = await post(url, bodyOf('shop', 'theirs'));
      expect(refusal).toBe('Forbidden: may not create theirs/shop');
      expect(await post(url, bodyOf('none', 'theirs'))).toBe(refusal.replace('shop', 'none'));
    },
  );

  it.each(['/api/v1/applications?upsert=true', '/api/v1/fleet/apply'])(
    'may change by %s what they may read without being one who may create',
    async (url) => {
      const metadata = { name: 'own', namespace: 'argocd', labels: { tier: 'web' } };
      await deps.specs.put({ ...bodyOf('own'), metadata }, { by: 'x' });
      mayCreate = false;
      expect(await post(url, bodyOf('own'))).toBe('done');
    },
  );

  it('does not learn it of details of a source either', async () => {
    const ask = async (appName: string) =>
      refusalOf(await app.inject({ method: 'POST', url: appdetails, headers, payload: { source, appName } }));
    const refusal = await ask('shop');
    expect(refusal).toMatch(/^403 Forbidden: /u);
    expect(await ask('none')).toBe(refusal.replace('shop', 'none'));
    expect(deps.calls).toEqual([]);
  });
});

it.each(ofApplication)('tells whoever may read all that there is none: %s', async (...[, method, urlOf, payload]) => {
  await start();
  const reply = await app.inject({ method, url: urlOf('none'), headers, ...(payload ? { payload } : {}) });
  expect(refusalOf(reply)).toBe('404 NotFound: Application argocd/none does not exist');
});

it('says when something took longer than it may', async () => {
  await start({
    preview: async () => {
      const limit = AbortSignal.timeout(0);
      await once(limit, 'abort');
      throw limit.reason;
    },
  });
  const payload = { repoURL, revision: 'next' };
  const reply = await app.inject({ method: 'POST', url: '/api/v1/fleet/preview', headers, payload });
  expect(refusalOf(reply)).toBe('504 Timeout: the hub gave it up: it took longer than it may');
});

describe('what is made for one answer is given up when the client leaves', () => {
  const waiting = () => Promise.withResolvers<AbortSignal>();
  let asked: ReturnType<typeof waiting>;
  const hang = async (signal: AbortSignal): Promise<never> => {
    asked.resolve(signal);
    await once(signal, 'abort');
    throw new FleetError('Aborted', 'given up');
  };
  beforeEach(async () => {
    asked = waiting();
    await start({
      describeSource: async (_application, _wanted, signal) => await hang(signal),
      actions: { ...deps.actions, diff: async (_key, signal) => await hang(signal) },
      preview: async (_request, signal) => await hang(signal),
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });

  it.each([
    ['details of a source', 'POST', appdetails, { source, appName: 'shop' }],
    ['a diff', 'GET', '/api/v1/applications/shop/diff', undefined],
    ['a preview', 'POST', '/api/v1/fleet/preview', { repoURL, revision: 'next' }],
  ])('%s', async (...[, method, path, payload]) => {
    deps.applications.set(fakeView({ name: 'shop', project: 'team' }));
    const { port } = app.server.address() as AddressInfo;
    const leaving = send({ port, method, path, headers: { ...headers, 'content-type': 'application/json' } });
    leaving.on('error', () => undefined).end(payload && JSON.stringify(payload));
    const signal = await asked.promise;
    expect(signal.aborted).toBe(false);
    leaving.destroy();
    if (!signal.aborted) await once(signal, 'abort');
    expect(signal.reason).toMatchObject({ name: 'AbortError' });
  });
});

describe('what is given up is nothing that the hub has to explain', () => {
  const waits: [string, (signal: AbortSignal) => Promise<never>][] = [
    [
      'one that looks',
      async (signal) => {
        if (!signal.aborted) await once(signal, 'abort');
        signal.throwIfAborted();
        throw new Error('not aborted');
      },
    ],
    ['one of Node', async (signal) => await setTimeout(1_000_000, undefined as never, { signal })],
  ];
  const payload = { repoURL, revision: 'next' };
  const request = { method: 'POST', url: '/api/v1/fleet/preview', headers, payload } as const;

  it.each(waits)('after the time that it may take: %s', async (_name, wait) => {
    const limits = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort(lateness()));
    onTestFinished(() => limits.mockRestore());
    await start({ preview: async (_request, signal) => await wait(signal) });
    expect(refusalOf(await app.inject(request))).toBe('504 Timeout: the hub gave it up: it took longer than it may');
    expect(deps.logLines.join('')).not.toContain('request failed');
    expect(limits).toHaveBeenCalledWith(120_000);
  });

  it.each(waits)('when the client left: %s', async (_name, wait) => {
    await start({ preview: async () => await wait(AbortSignal.abort()) });
    expect(refusalOf(await app.inject(request))).toBe('499 Aborted: stopped');
    expect(deps.logLines.join('')).not.toContain('request failed');
  });

  it('unlike a library that waited for something in vain', async () => {
    await start({
      preview: async () => {
        throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
      },
    });
    expect(refusalOf(await app.inject(request))).toMatch(/^500 Internal: /u);
    expect(deps.logLines.join('')).toContain('request failed');
  });
});

function lateness(): DOMException {
  return new DOMException('The operation was aborted due to timeout', 'TimeoutError');
}
