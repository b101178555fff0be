import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { appProject } from '@wheelhouse/shared/resources/app-project';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { formatList, listOf, noQuery, resourceBody } from '../schema.ts';
import { createSpec, findSpec, readBody, writeSpec } from '../stored-resource.ts';

const path = '/api/v1/projects';
const tags = ['projects'];
const params = z.strictObject({ name: z.string() });

export function projectRoutes(app: ApiServer, deps: ApiDeps): void {
  readRoutes(app, deps);
  writeRoutes(app, deps);
  deleteRoute(app, deps);
}

function readRoutes(app: ApiServer, deps: ApiDeps): void {
  const querystring = z.strictObject({ name: z.string().optional() });
  app.get(path, { schema: { tags, querystring, response: { 200: listOf(appProject) } } }, async (request) => {
    permit(request, 'get', { kind: 'projects', name: '*' });
    const { name } = request.query;
    const projects = deps.specs.list('AppProject').map((spec) => spec.resource);
    return formatList(projects.filter(({ metadata }) => !name || metadata.name === name)) as never;
  });

  app.get(
    `${path}/:name`,
    { schema: { tags, params, querystring: noQuery, response: { 200: appProject } } },
    async (request) => {
      const { name } = request.params;
      permit(request, 'get', { kind: 'projects', name });
      return findSpec(deps, 'AppProject', { namespace: controlNamespace, name }).resource as never;
    },
  );
}

/** Argo CD wraps the body: `{"project": {…}, "upsert": true}`. */
function writeRoutes(app: ApiServer, deps: ApiDeps): void {
  const body = z.strictObject({
    project: resourceBody(z.looseObject({})).meta({ description: 'An AppProject' }),
    upsert: z.boolean().optional(),
  });
  app.post(path, { schema: { tags, querystring: noQuery, body, response: { 200: appProject } } }, async (request) => {
    const { project, upsert = false } = request.body;
    const read = readBody(project, 'AppProject');
    const by = permit(request, upsert ? 'update' : 'create', { kind: 'projects', name: read.name });
    return (await createSpec(deps, { read, by, upsert })).resource as never;
  });

  app.put(
    `${path}/:name`,
    { schema: { tags, params, querystring: noQuery, body, response: { 200: appProject } } },
    async (request) => {
      const read = readBody(request.body.project, 'AppProject');
      if (read.name !== request.params.name)
        throw new FleetError(
          'Invalid',
          `the path names ${request.params.name}, the body ${read.name}; an AppProject cannot be renamed`,
        );
      const by = permit(request, 'update', { kind: 'projects', name: read.name });
      const existing = findSpec(deps, 'AppProject', read);
      return (await writeSpec(deps, read, { by, existing })).resource as never;
    },
  );
}

function deleteRoute(app: ApiServer, deps: ApiDeps): void {
  app.delete(
    `${path}/:name`,
    { schema: { tags, params, querystring: noQuery, response: { 200: z.object({}) } } },
    async (request) => {
      const { name } = request.params;
      const by = permit(request, 'delete', { kind: 'projects', name });
      findSpec(deps, 'AppProject', { namespace: controlNamespace, name });
      const { total } = deps.applications.list({ projects: [name] }, { limit: 1 });
      if (total > 0)
        throw new FleetError(
          'Invalid',
          `AppProject ${name} is used by ${total} Applications; delete or move them first`,
        );
      await deps.specs.delete('AppProject', controlNamespace, name, { by });
      return {};
    },
  );
}
