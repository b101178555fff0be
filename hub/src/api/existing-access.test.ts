import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { beforeEach, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps } from './testing/fake-deps.ts';

const headers = { authorization };
let deps: FakeDeps;
let app: ApiServer;

/** A caller who may do anything except touch what project `theirs` has. */
beforeEach(async () => {
  deps = createFakeDeps();
  const access = {
    ...deps.access,
    require: (_principal: unknown, verb: string, { name }: { name: string }) => {
      if (name.startsWith('theirs/')) throw new FleetError('Forbidden', `may not ${verb} ${name}`);
    },
  };
  app = await createApiServer({ ...deps, access });
  return async () => await app.close();
});

const specOf = (project: string) => ({
  project,
  destination: { name: 'east' },
  source: { repoURL: 'https://git.example/apps', path: 'shop' },
});
const metadata = { name: 'shop', namespace: 'argocd' };
const apiVersion = 'argoproj.io/v1alpha1';
const applicationOf = (project: string) => ({ apiVersion, kind: 'Application', metadata, spec: specOf(project) });
const setOf = (project: string) => ({
  apiVersion,
  kind: 'ApplicationSet',
  metadata,
  spec: { generators: [{ list: { elements: [{}] } }], template: { metadata: { name: 'one' }, spec: specOf(project) } },
});

it.each<[string, 'PUT' | 'POST', string, (project: string) => KubeObject]>([
  ['PUT of an Application', 'PUT', '/api/v1/applications/shop', applicationOf],
  ['upsert of an Application', 'POST', '/api/v1/applications?upsert=true', applicationOf],
  ['upsert of an ApplicationSet', 'POST', '/api/v1/applicationsets?upsert=true', setOf],
])('%s takes nothing out of a project that the caller may not touch', async (...[, method, url, objectOf]) => {
  await deps.specs.put(objectOf('theirs'), { by: 'them' });
  const answer = await app.inject({ method, url, headers, payload: objectOf('mine') });
  expect(answer.statusCode).toBe(403);
  expect(deps.specs.find(objectOf('theirs').kind, 'argocd', 'shop')?.by).toBe('them');
  await deps.specs.put(objectOf('mine'), { by: 'me' });
  const allowed = { ...objectOf('mine'), metadata: { ...metadata, labels: { tier: 'web' } } };
  expect((await app.inject({ method, url, headers, payload: allowed })).statusCode).toBe(200);
});

it('applying takes nothing out of a project that the caller may not touch', async () => {
  await deps.specs.put(applicationOf('theirs'), { by: 'them' });
  const payload = JSON.stringify(applicationOf('mine'));
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/fleet/apply',
    headers: { ...headers, 'content-type': 'application/yaml' },
    payload,
  });
  expect(answer.body).toContain('Forbidden');
  expect(deps.specs.find('Application', 'argocd', 'shop')?.by).toBe('them');
});
