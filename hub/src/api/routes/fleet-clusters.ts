import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import { inventorySchema } from '@wheelhouse/shared/protocol/inventory';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, FleetCluster } from '../deps.ts';
import { planView } from '../plan-schema.ts';
import { formatList, labelChanges, listOf, manyOf, noQuery } from '../schema.ts';
import { planningSignal } from './fleet-plans.ts';

const path = '/api/v1/fleet/clusters';
const tags = ['fleet'];
const params = z.strictObject({ name: z.string() });
const states = z.enum(['Expected', 'Pending', 'Connected', 'Stale', 'Lost', 'Revoked', 'Leaving']);
const decided = z.object({ at: z.string(), by: z.string() });

const fleetCluster = z
  .object({
    name: z.string(),
    server: z.string(),
    project: z.string().exactOptional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    state: states,
    lastSeenAt: z.string().exactOptional(),
    agentVersion: z.string().exactOptional(),
    kubernetesVersion: z.string().exactOptional(),
    generation: z.number().exactOptional().describe('Newest document published for it'),
    appliedGeneration: z.number().exactOptional(),
    inventory: inventorySchema
      .exactOptional()
      .describe('What it says that it has, as of lastSeenAt: CPU in thousandths of a core, memory in bytes'),
    inventoryProblem: z.string().exactOptional().describe('Why the inventory is absent, or may be old'),
    applications: z
      .object({ total: z.number(), synced: z.number(), healthy: z.number(), stale: z.number() })
      .exactOptional(),
    clockSkewMs: z.number().exactOptional().describe('How far its clock is ahead, when that is more than 30 s'),
    pending: z.object({ since: z.string() }).exactOptional(),
    approved: decided.exactOptional(),
    revoked: decided.extend({ reason: z.string() }).exactOptional(),
    leaving: decided.extend({ cascade: z.boolean() }).exactOptional(),
    keyedAt: z.string().exactOptional(),
    rekey: decided.exactOptional(),
    allowedLabels: z.record(z.string(), z.array(z.string())).exactOptional(),
    formerNames: z.array(z.string()).exactOptional(),
  })
  .meta({ id: 'FleetCluster' });

/** Clusters with all that we know of them, and their labels, which place Applications. */
export function fleetClusterRoutes(app: ApiServer, deps: ApiDeps): void {
  const querystring = z.strictObject({ selector: z.string().optional(), state: manyOf(states).optional() });
  app.get(path, { schema: { tags, querystring, response: { 200: listOf(fleetCluster) } } }, async (request) => {
    permit(request, 'get', { kind: 'clusters', name: '*' });
    const { selector, state } = request.query;
    const labels = parseSelector(selector ?? '');
    const clusters = deps.clusters.list().filter((cluster) => matchesSelector(labels, cluster.labels));
    return formatList(state ? clusters.filter((cluster) => state.includes(cluster.state)) : clusters);
  });

  app.get(
    `${path}/:name`,
    { schema: { tags, params, querystring: noQuery, response: { 200: fleetCluster } } },
    async (request) => {
      const cluster = getCluster(deps, request.params.name);
      permit(request, 'get', { kind: 'clusters', name: cluster.server });
      return cluster;
    },
  );

  labelRoute(app, deps);
}

function labelRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    tags,
    summary: 'Set labels; null removes one. What would move Applications is planned instead, and has to be started',
    params,
    querystring: noQuery,
    body: z.strictObject({
      labels: labelChanges,
      reason: z.string().max(500).default(''),
      soakMs: z.number().int().min(0).max(86_400_000).optional().describe('Of the plan, if one is made'),
    }),
    response: { 200: fleetCluster, 202: planView },
  };
  app.patch(`${path}/:name/labels`, { schema }, async (request, reply) => {
    const cluster = getCluster(deps, request.params.name);
    const owner = permit(request, 'update', { kind: 'clusters', name: cluster.server });
    const { labels, reason, soakMs } = request.body;
    const options = { owner, reason, ...(soakMs === undefined ? {} : { soakMs }) };
    const plan = await deps.plans.relabel(new Map([[cluster.name, labels]]), options, planningSignal());
    if (plan) return await reply.status(202).send(plan);
    return getCluster(deps, cluster.name);
  });
}

function getCluster(deps: ApiDeps, name: string): FleetCluster {
  const cluster = deps.clusters.find(name);
  if (!cluster) throw new FleetError('NotFound', `cluster ${name} is not in the inventory`);
  return cluster;
}
