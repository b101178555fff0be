import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { noQuery } from '../schema.ts';

const path = '/api/v1/fleet/clusters/:name';
const tags = ['fleet'];
const params = z.strictObject({ name: z.string() });
const response = { 200: z.object({}) };
const reason = z.string().min(1).max(500);

/** Approve, revoke, change the key, rename and remove: what people do to the identity of a cluster. */
export function fleetIdentityRoutes(app: ApiServer, deps: ApiDeps): void {
  const { identities } = deps;
  const common = { tags, params, querystring: noQuery, response };
  const approve = { ...common, summary: 'Let a pending cluster have its assignment' };
  app.post(`${path}/approve`, { schema: approve }, async (request) => {
    await identities.approve(request.params.name, permit(request, 'update', resourceOf(deps, request.params.name)));
    return {};
  });

  const revoke = {
    ...common,
    summary: 'End its connection and let it in no more, until a token replaces it',
    body: z.strictObject({ reason }),
  };
  app.post(`${path}/revoke`, { schema: revoke }, async (request) => {
    const by = permit(request, 'update', resourceOf(deps, request.params.name));
    await identities.revoke(request.params.name, { by, reason: request.body.reason });
    return {};
  });

  const rekey = { ...common, summary: 'Have its agent take a new key, at its next heartbeat' };
  app.post(`${path}/rotate-key`, { schema: rekey }, async (request) => {
    await identities.requestKey(request.params.name, permit(request, 'update', resourceOf(deps, request.params.name)));
    return {};
  });

  moveRoutes(app, deps);
}

function moveRoutes(app: ApiServer, deps: ApiDeps): void {
  const { identities } = deps;
  const rename = {
    tags,
    params,
    querystring: noQuery,
    summary: 'Give it another name; destinations that use the old one still mean it',
    body: z.strictObject({
      name: z.string(),
      force: z.boolean().default(false).describe('Even though generated Applications hold the old name in theirs'),
    }),
    response,
  };
  app.post(`${path}/rename`, { schema: rename }, async (request) => {
    const by = permit(request, 'update', resourceOf(deps, request.params.name));
    const { name, force } = request.body;
    await identities.rename(request.params.name, name, { by, force });
    return {};
  });

  const remove = {
    tags,
    params,
    summary: 'Have it leave the fleet; done when it has confirmed that it let go of everything',
    querystring: z.strictObject({
      workloads: z.enum(['keep', 'remove']),
      force: z.stringbool().default(false).describe('Forget one that does not answer; its workloads are kept'),
    }),
    response,
  };
  app.delete(path, { schema: remove }, async (request) => {
    const by = permit(request, 'delete', resourceOf(deps, request.params.name));
    const { workloads, force } = request.query;
    await identities.remove(request.params.name, { by, removeWorkloads: workloads === 'remove', force });
    return {};
  });
}

function resourceOf(deps: ApiDeps, name: string): { kind: 'clusters'; name: string } {
  const cluster = deps.clusters.find(name);
  if (cluster) return { kind: 'clusters', name: cluster.server };
  throw new FleetError('NotFound', `cluster ${name} is not in the inventory`);
}
