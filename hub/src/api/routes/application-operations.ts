import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatJson } from '@wheelhouse/shared/kube/json';
import type { OrphanedResource } from '@wheelhouse/shared/protocol/orphans';
import type { Application } from '@wheelhouse/shared/resources/application';
import { sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { applicationParams, applicationQuery, keyOf } from '../application-query.ts';
import { applicationAnswer, formatApplication, getApplication, permitApplication } from '../application-view.ts';
import type { ApiDeps, ResourceDiff, SyncOptions } from '../deps.ts';
import { requestSignal } from '../request-signal.ts';

const path = '/api/v1/applications/:name';
const tags = ['applications'];
/** A cluster that does not answer within this is reported as unavailable. */
const diffTimeoutMs = 15_000;

const ref = z.object({ group: z.string(), kind: z.string(), namespace: z.string(), name: z.string() });

const syncBody = z.strictObject({
  name: z.string().optional(),
  appNamespace: z.string().optional(),
  project: z.string().optional(),
  revision: z.string().optional(),
  dryRun: z.boolean().default(false),
  prune: z.boolean().default(false),
  strategy: z
    .strictObject({
      apply: z.strictObject({ force: z.boolean().optional() }).optional(),
      hook: z.strictObject({ force: z.boolean().optional() }).optional(),
    })
    .optional(),
  syncOptions: z.strictObject({ items: z.array(z.string()) }).optional(),
  resources: z
    .array(
      z.strictObject({
        group: z.string().default(''),
        kind: z.string(),
        name: z.string(),
        namespace: z.string().default(''),
      }),
    )
    .optional(),
});

export function applicationOperationRoutes(app: ApiServer, deps: ApiDeps): void {
  syncRoute(app, deps);
  terminateRoute(app, deps);
  resourceTreeRoute(app, deps);
  managedResourcesRoute(app, deps);
  diffRoute(app, deps);
}

function syncRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    tags,
    params: applicationParams,
    querystring: applicationQuery,
    body: syncBody,
    response: { 200: applicationAnswer.extend({ operationId: z.string() }) },
  };
  app.post(`${path}/sync`, { schema }, async (request) => {
    const key = keyOf(request.params, { appNamespace: request.body.appNamespace ?? request.query.appNamespace });
    const { view, by } = permitApplication(request, deps, { key, verb: 'sync' });
    refuseOtherRevision(request.body.revision, view.application);
    const { id } = await deps.actions.sync(key, toSyncOptions(request.body), by);
    return { ...formatApplication(getApplication(deps, key)), operationId: id };
  });
}

function terminateRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = { tags, params: applicationParams, querystring: applicationQuery, response: { 200: z.object({}) } };
  app.delete(`${path}/operation`, { schema }, async (request) => {
    const key = keyOf(request.params, request.query);
    const { by } = permitApplication(request, deps, { key, verb: 'sync' });
    await deps.actions.terminate(key, by);
    return {};
  });
}

function resourceTreeRoute(app: ApiServer, deps: ApiDeps): void {
  const node = ref.extend({
    version: z.string(),
    health: z.looseObject({ status: z.string().exactOptional(), message: z.string().exactOptional() }).exactOptional(),
  });
  const orphan = node.extend({ createdAt: z.string().exactOptional() });
  const response = {
    200: z.object({ nodes: z.array(node), orphanedNodes: z.array(orphan), hosts: z.array(z.unknown()) }),
  };
  const schema = { tags, params: applicationParams, querystring: applicationQuery, response };
  app.get(`${path}/resource-tree`, { schema }, async (request) => {
    const key = keyOf(request.params, request.query);
    const { application, orphans } = permitApplication(request, deps, { key, verb: 'get' }).view;
    const nodes = (application.status?.resources ?? []).map(
      ({ group = '', version = '', kind = '', namespace = '', name = '', health }) => ({
        group,
        version,
        kind,
        namespace,
        name,
        ...(health ? { health } : {}),
      }),
    );
    return { nodes, orphanedNodes: (orphans?.items ?? []).map(formatOrphan), hosts: [] };
  });
}

function formatOrphan({ createdAt, ...resource }: OrphanedResource) {
  return { ...resource, ...(createdAt === undefined ? {} : { createdAt }) };
}

function managedResourcesRoute(app: ApiServer, deps: ApiDeps): void {
  const item = ref.extend({
    targetState: z.string().describe('JSON; empty when not desired'),
    liveState: z.string().describe('JSON; empty when not on the cluster'),
    normalizedLiveState: z.string(),
    predictedLiveState: z.string().describe('What live would be after an apply'),
    modified: z.boolean(),
  });
  const response = { 200: z.object({ items: z.array(item) }) };
  const summary = 'The resources that a sync would change, in Argo CD’s form';
  const schema = { tags, summary, params: applicationParams, querystring: applicationQuery, response };
  app.get(`${path}/managed-resources`, { schema }, async (request, reply) => {
    const diffs = await askDiff(deps, { request, reply });
    return { items: diffs.map(formatManagedResource) };
  });
}

function diffRoute(app: ApiServer, deps: ApiDeps): void {
  const state = z.record(z.string(), z.unknown()).exactOptional();
  const item = ref.extend({
    version: z.string(),
    change: z.enum(['added', 'changed', 'removed']),
    live: state,
    desired: state,
    text: z.string().describe('Unified diff of the YAML, live first'),
  });
  const response = { 200: z.object({ items: z.array(item) }) };
  const summary = 'What a sync would change, asked of the cluster now';
  const schema = { tags, summary, params: applicationParams, querystring: applicationQuery, response };
  app.get(`${path}/diff`, { schema }, async (request, reply) => {
    const diffs = await askDiff(deps, { request, reply });
    return { items: diffs.map(({ ref, kind, ...diff }) => ({ ...ref, change: kind, ...diff })) };
  });
}

async function askDiff(
  deps: ApiDeps,
  { request, reply }: { request: FastifyRequest; reply: Pick<FastifyReply, 'raw'> },
): Promise<ResourceDiff[]> {
  const key = keyOf(request.params as { name: string }, request.query as { appNamespace?: string });
  permitApplication(request, deps, { key, verb: 'get' });
  return await deps.actions.diff(key, requestSignal(reply, diffTimeoutMs));
}

function formatManagedResource({ ref: { version: _version, ...ref }, live, desired }: ResourceDiff) {
  const json = (state: object | undefined) => (state ? formatJson(state) : '');
  const [targetState, liveState] = [json(desired), json(live)];
  return {
    ...ref,
    targetState,
    liveState,
    normalizedLiveState: liveState,
    predictedLiveState: targetState,
    modified: true,
  };
}

function toSyncOptions(body: z.infer<typeof syncBody>): SyncOptions {
  return {
    prune: body.prune,
    dryRun: body.dryRun,
    force: body.strategy?.apply?.force ?? body.strategy?.hook?.force ?? false,
    syncOptions: body.syncOptions?.items ?? [],
    ...(body.resources ? { resources: body.resources } : {}),
  };
}

/** A spoke applies what its document says, so a sync is always to the revision that the source resolved to. */
function refuseOtherRevision(
  revision: string | undefined,
  application: Pick<Application, 'spec'> & { status?: { sync?: { revision?: string } } },
): void {
  const [source] = sourcesOf(application.spec);
  const possible = ['', source?.targetRevision ?? 'HEAD', application.status?.sync?.revision];
  if (revision === undefined || possible.includes(revision)) return;
  throw new FleetError(
    'Unsupported',
    `sync to revision ${revision} is not supported: set spec.source.targetRevision to it instead`,
  );
}
