import { isLabelKey } from '@wheelhouse/shared/kube/label-syntax';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { fleetCluster, getCluster } from '../fleet-cluster-schema.ts';
import { definite, pace, planOnly, planView } from '../plan-schema.ts';
import { formatList, listOf, noQuery } from '../schema.ts';
import { planningSignal } from './fleet-plans.ts';

const path = '/api/v1/fleet/clusters';
const tags = ['fleet'];
const params = z.strictObject({ name: z.string() });
const change = z.record(z.string(), z.tuple([z.string().nullable(), z.string().nullable()]));

const historyEntry = z
  .object({
    at: z.string(),
    by: z.string(),
    reason: z.string().exactOptional(),
    apps: z.string().exactOptional().describe('Only these Applications see the change of labels'),
    labels: change.exactOptional().describe('Value before and after; null for none'),
    annotations: change.exactOptional(),
  })
  .meta({ id: 'FleetClusterChange' });

/** Annotations of a cluster, and who changed what of its labels and annotations. */
export function clusterMetadataRoutes(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    tags,
    summary:
      'Set annotations; null removes one. What would move Applications is planned instead, and has to be started',
    params,
    querystring: noQuery,
    body: z.strictObject({
      annotations: z.record(z.string().refine(isLabelKey, 'not an annotation key'), z.string().nullable()),
      planOnly,
      ...pace,
    }),
    response: { 200: fleetCluster, 202: planView },
  };
  app.patch(`${path}/:name/annotations`, { schema }, async (request, reply) => {
    const cluster = getCluster(deps, request.params.name);
    const owner = permit(request, 'update', { kind: 'clusters', name: cluster.server });
    const { annotations, ...options } = definite(request.body);
    const changes = { labels: new Map(), annotations: new Map([[cluster.name, annotations]]) };
    const plan = await deps.plans.relabel(changes, { ...options, owner }, planningSignal());
    if (plan) return await reply.status(202).send(plan);
    return getCluster(deps, cluster.name);
  });

  app.get(
    `${path}/:name/history`,
    {
      schema: {
        tags,
        summary: 'Changes of labels and annotations, oldest first: who, when and why',
        params,
        querystring: noQuery,
        response: { 200: listOf(historyEntry) },
      },
    },
    async (request) => {
      const cluster = getCluster(deps, request.params.name);
      permit(request, 'get', { kind: 'clusters', name: cluster.server });
      return formatList(deps.clusters.history(cluster.name));
    },
  );
}
