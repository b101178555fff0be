import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { fleetCluster, getCluster, states } from '../fleet-cluster-schema.ts';
import { appSelector, definite, pace, planOnly, planView } from '../plan-schema.ts';
import { formatList, labelChanges, listOf, manyOf, noQuery } from '../schema.ts';
import { clusterMetadataRoutes } from './cluster-metadata.ts';
import { planningSignal } from './fleet-plans.ts';

const path = '/api/v1/fleet/clusters';
const tags = ['fleet'];
const params = z.strictObject({ name: z.string() });
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
  clusterMetadataRoutes(app, deps);
}

function labelRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    tags,
    summary: 'Set labels; null removes one. What would move Applications is planned instead, and has to be started',
    params,
    querystring: noQuery,
    body: z.strictObject({ labels: labelChanges, apps: appSelector, planOnly, ...pace }),
    response: { 200: fleetCluster, 202: planView },
  };
  app.patch(`${path}/:name/labels`, { schema }, async (request, reply) => {
    const cluster = getCluster(deps, request.params.name);
    const owner = permit(request, 'update', { kind: 'clusters', name: cluster.server });
    const { labels, apps, ...options } = definite(request.body);
    const change = { labels: new Map([[cluster.name, labels]]), ...(apps === undefined ? {} : { apps }) };
    const plan = await deps.plans.relabel(change, { ...options, owner }, planningSignal());
    if (plan) return await reply.status(202).send(plan);
    return getCluster(deps, cluster.name);
  });
}
