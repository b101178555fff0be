import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { application } from '@wheelhouse/shared/resources/application';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { applicationParams, applicationQuery, keyOf } from '../application-query.ts';
import {
  accessOf,
  applicationAnswer,
  formatApplication,
  getApplication,
  permitApplication,
  permitReading,
} from '../application-view.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, ObjectKey } from '../deps.ts';
import { patchSpec, patchTypes } from '../patch.ts';
import { queryBoolean, resourceBody } from '../schema.ts';
import { findSpec, readBody, refuseGenerated, writeSpec } from '../stored-resource.ts';

const path = '/api/v1/applications/:name';
const tags = ['applications'];

export function applicationDetailRoutes(app: ApiServer, deps: ApiDeps): void {
  readRoute(app, deps);
  replaceRoute(app, deps);
  patchRoute(app, deps);
  deleteRoute(app, deps);
}

function readRoute(app: ApiServer, deps: ApiDeps): void {
  const querystring = applicationQuery.extend({
    refresh: z.enum(['normal', 'hard']).optional().describe('Look at the source again; hard: and render again'),
    resourceVersion: z.string().optional().describe('Taken for compatibility'),
  });
  app.get(
    path,
    { schema: { tags, params: applicationParams, querystring, response: { 200: applicationAnswer } } },
    async (request) => {
      const key = keyOf(request.params, request.query);
      const { by } = permitApplication(request, deps, { key, verb: 'get' });
      const { refresh } = request.query;
      if (refresh) await deps.actions.refresh(key, { hard: refresh === 'hard' }, by);
      return formatApplication(getApplication(deps, key));
    },
  );
}

function replaceRoute(app: ApiServer, deps: ApiDeps): void {
  const querystring = z.strictObject({ validate: queryBoolean.optional(), project: z.string().optional() });
  const schema = {
    tags,
    params: applicationParams,
    querystring,
    body: resourceBody(application),
    response: { 200: application },
  };
  app.put(path, { schema }, async (request) => {
    const read = readBody(request.body, 'Application');
    if (read.name !== request.params.name)
      throw new FleetError(
        'Invalid',
        `the path names ${request.params.name}, the body ${read.name}; an Application cannot be renamed`,
      );
    const by = permit(request, 'update', accessOf(read.resource));
    permitReading(request, deps, read);
    refuseGenerated(deps, read);
    const existing = findSpec(deps, 'Application', read);
    permit(request, 'update', accessOf(existing.resource));
    const seen = (request.body as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;
    const expected = seen && /^\d+$/.test(seen) ? { expectedRevision: Number(seen) } : {};
    return (await writeSpec(deps, read, { by, existing, ...expected })).resource as never;
  });
}

function patchRoute(app: ApiServer, deps: ApiDeps): void {
  const body = z.strictObject({
    name: z.string().optional(),
    patch: z.string().describe('The patch as JSON text'),
    patchType: patchTypes.default('json').describe('RFC 6902 (json) or RFC 7396 (merge)'),
    appNamespace: z.string().optional(),
    project: z.string().optional(),
  });
  const schema = {
    tags,
    params: applicationParams,
    querystring: applicationQuery,
    body,
    response: { 200: application },
  };
  app.patch(path, { schema }, async (request) => {
    const { patch, patchType, appNamespace } = request.body;
    const key: ObjectKey = keyOf(request.params, { appNamespace: appNamespace ?? request.query.appNamespace });
    permitReading(request, deps, key);
    refuseGenerated(deps, key);
    const existing = findSpec(deps, 'Application', key);
    const by = permit(request, 'update', accessOf(existing.resource));
    const read = patchSpec(existing.resource, { patch, patchType });
    permit(request, 'update', accessOf(read.resource));
    return (await writeSpec(deps, read, { by, existing, expectedRevision: existing.revision })).resource as never;
  });
}

function deleteRoute(app: ApiServer, deps: ApiDeps): void {
  const querystring = applicationQuery.extend({
    cascade: queryBoolean.optional().describe('Also delete its resources; true unless given'),
    propagationPolicy: z.enum(['foreground', 'background', '']).optional().describe('Taken for compatibility'),
  });
  const schema = { tags, params: applicationParams, querystring, response: { 200: z.object({}) } };
  app.delete(path, { schema }, async (request) => {
    const key = keyOf(request.params, request.query);
    const { by } = permitApplication(request, deps, { key, verb: 'delete' });
    await deps.actions.deleteApplication(key, { cascade: request.query.cascade ?? true, by });
    return {};
  });
}
