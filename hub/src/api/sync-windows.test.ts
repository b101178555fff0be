import { beforeEach, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps, fakeView } from './testing/fake-deps.ts';

let deps: FakeDeps;
let app: ApiServer;

beforeEach(async () => {
  deps = createFakeDeps();
  app = await createApiServer(deps);
  return async () => await app.close();
});

const always = { kind: 'deny', schedule: '* * * * *', duration: '1h', applications: ['*'] };
const never = { kind: 'allow', schedule: '0 0 30 2 *', duration: '1h', applications: ['*'] };

it("answers an Application's windows in Argo CD's shape, with the reasons beside", async () => {
  deps.applications.set(fakeView({ name: 'shop' }));
  deps.actions.windows = () => ({
    assigned: [always, never],
    active: [always],
    whyNotManual: undefined,
    whyNotAutomated: 'it is denied',
  });
  const reply = await app.inject({ url: '/api/v1/applications/shop/syncwindows', headers: { authorization } });
  const [deny, allow] = [always, never].map(({ applications: _, ...window }) => ({ ...window, manualSync: false }));
  expect(reply.json()).toEqual({
    activeWindows: [deny],
    assignedWindows: [deny, allow],
    canSync: true,
    whyNotAutomated: 'it is denied',
  });
});

it('answers the windows of a project that are open now', async () => {
  const project = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'shop', namespace: 'argocd' },
    spec: { syncWindows: [always, never] },
  };
  await deps.specs.put(project, { by: 'ann' });
  const reply = await app.inject({ url: '/api/v1/projects/shop/syncwindows', headers: { authorization } });
  expect(reply.json()).toEqual({ windows: [always] });
});

it('says which Application or project there is not', async () => {
  for (const url of ['/api/v1/applications/absent/syncwindows', '/api/v1/projects/absent/syncwindows']) {
    const reply = await app.inject({ url, headers: { authorization } });
    expect([reply.statusCode, reply.json<{ message: string }>().message]).toEqual([
      404,
      expect.stringMatching('absent'),
    ]);
  }
});
