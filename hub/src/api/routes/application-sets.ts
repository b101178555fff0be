import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import { type ApplicationSet, applicationSet } from '@wheelhouse/shared/resources/application-set';
import { controlNamespace, projectNameOf } from '@wheelhouse/shared/resources/defaults';
import { z } from 'zod';
import type { AccessedResource } from '../../access/access.ts';
import type { ApiServer } from '../api-server.ts';
import { accessOf } from '../application-view.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, ObjectKey, StoredSpec } from '../deps.ts';
import { formatList, listOf, manyOf, queryBoolean, resourceBody } from '../schema.ts';
import { createSpec, findSpec, readBody } from '../stored-resource.ts';

const path = '/api/v1/applicationsets';
const tags = ['applicationsets'];
const params = z.strictObject({ name: z.string() });
const setQuery = z.strictObject({ appsetNamespace: z.string().optional() });

export function applicationSetRoutes(app: ApiServer, deps: ApiDeps): void {
  listRoute(app, deps);
  readRoute(app, deps);
  createRoute(app, deps);
  deleteRoute(app, deps);
  verdictRoutes(app, deps);
}

function listRoute(app: ApiServer, deps: ApiDeps): void {
  const querystring = setQuery.extend({ projects: manyOf(z.string()).optional(), selector: z.string().optional() });
  app.get(path, { schema: { tags, querystring, response: { 200: listOf(applicationSet) } } }, async (request) => {
    permit(request, 'get', { kind: 'applicationsets', name: '*' });
    const { appsetNamespace, projects, selector } = request.query;
    const labels = parseSelector(selector ?? '');
    const sets = deps.specs
      .list('ApplicationSet')
      .filter(({ resource: { metadata } }) => !appsetNamespace || metadata.namespace === appsetNamespace)
      .filter(({ resource }) => !projects || projects.includes(projectOf(resource)))
      .filter(({ resource }) => matchesSelector(labels, resource.metadata.labels));
    return formatList(sets.map((spec) => formatSet(deps, spec)));
  });
}

function readRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = { tags, params, querystring: setQuery, response: { 200: applicationSet } };
  app.get(`${path}/:name`, { schema }, async (request) => {
    const spec = findSpec(deps, 'ApplicationSet', keyOf(request));
    permit(request, 'get', setAccess(spec.resource));
    return formatSet(deps, spec);
  });
}

function createRoute(app: ApiServer, deps: ApiDeps): void {
  const querystring = z.strictObject({ upsert: queryBoolean.optional(), dryRun: queryBoolean.optional() });
  const schema = { tags, querystring, body: resourceBody(applicationSet), response: { 200: applicationSet } };
  app.post(path, { schema }, async (request) => {
    const read = readBody(request.body, 'ApplicationSet');
    const { upsert = false, dryRun = false } = request.query;
    const existing = upsert ? deps.specs.find('ApplicationSet', read.namespace, read.name) : undefined;
    if (existing) permit(request, 'update', setAccess(existing.resource));
    const by = permit(request, upsert ? 'update' : 'create', setAccess(read.resource));
    if (dryRun) return read.resource as ApplicationSet;
    return formatSet(deps, await createSpec(deps, { read, by, upsert }));
  });
}

function deleteRoute(app: ApiServer, deps: ApiDeps): void {
  const querystring = setQuery.extend({
    allAtOnce: queryBoolean
      .optional()
      .describe('With deletionOrder: Reverse, also while it is under way: do not wait for one step after the other'),
  });
  const schema = { tags, params, querystring, response: { 200: z.object({}) } };
  app.delete(`${path}/:name`, { schema }, async (request) => {
    const key = keyOf(request);
    // one whose deletion was broken off has no spec any more: whoever may delete any set completes it
    const spec = deps.specs.find('ApplicationSet', key.namespace, key.name);
    const by = permit(request, 'delete', spec ? setAccess(spec.resource) : { kind: 'applicationsets', name: '*' });
    const { allAtOnce = false } = request.query;
    await deps.specs.delete('ApplicationSet', key.namespace, key.name, { by, allAtOnce });
    return {};
  });
}

function verdictRoutes(app: ApiServer, deps: ApiDeps): void {
  const common = { tags, params, querystring: setQuery, response: { 200: applicationSet } };
  const release = {
    ...common,
    summary:
      'Let the deletions go ahead that the budget of this set holds, or with `rejected` those that a person rejected',
    querystring: setQuery.extend({ rejected: z.stringbool().default(false) }),
  };
  app.post(`${path}/:name/release`, { schema: release }, async (request) => {
    const key = keyOf(request);
    const spec = findSpec(deps, 'ApplicationSet', key);
    const by = permit(request, 'override', setAccess(spec.resource));
    await deps.actions.releaseHold(key, { by, rejected: request.query.rejected });
    return formatSet(deps, spec);
  });
  const reject = {
    ...common,
    summary: 'Keep what the budget of this set holds, until it is generated again',
    body: z.strictObject({ reason: z.string().min(1).max(1_000) }),
  };
  app.post(`${path}/:name/reject`, { schema: reject }, async (request) => {
    const key = keyOf(request);
    const spec = findSpec(deps, 'ApplicationSet', key);
    const by = permit(request, 'override', setAccess(spec.resource));
    await deps.actions.rejectHold(key, { by, reason: request.body.reason });
    return formatSet(deps, spec);
  });
}

function formatSet(deps: ApiDeps, { resource, deleting }: StoredSpec): ApplicationSet {
  const set = resource as ApplicationSet;
  const { namespace, name } = set.metadata;
  const status = deps.applicationSetStatus({ namespace, name });
  const metadata = deleting ? { ...set.metadata, deletionTimestamp: deleting.at } : set.metadata;
  return { ...set, metadata, ...(status ? { status } : {}) };
}

function keyOf(request: { params: { name: string }; query: { appsetNamespace?: string | undefined } }): ObjectKey {
  return { namespace: request.query.appsetNamespace || controlNamespace, name: request.params.name };
}

function setAccess(resource: StoredSpec['resource']): AccessedResource {
  const { metadata } = resource;
  return { ...accessOf({ metadata, spec: { project: projectOf(resource) } }), kind: 'applicationsets' };
}

function projectOf(resource: StoredSpec['resource']): string {
  return projectNameOf((resource as ApplicationSet).spec.template.spec);
}
