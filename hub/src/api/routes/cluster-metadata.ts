import { isLabelKey } from '@wheelhouse/shared/kube/label-syntax';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { fleetCluster, getCluster, reason } from '../fleet-cluster-schema.ts';
import { formatList, listOf, noQuery } from '../schema.ts';

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
    summary: 'Set annotations; null removes one',
    params,
    querystring: noQuery,
    body: z.strictObject({
      annotations: z.record(z.string().refine(isLabelKey, 'not an annotation key'), z.string().nullable()),
      reason,
    }),
    response: { 200: fleetCluster },
  };
  app.patch(`${path}/:name/annotations`, { schema }, async (request) => {
    const cluster = getCluster(deps, request.params.name);
    const by = permit(request, 'update', { kind: 'clusters', name: cluster.server });
    const { annotations, reason } = request.body;
    return await deps.clusters.setAnnotations(cluster.name, annotations, { by, reason });
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
