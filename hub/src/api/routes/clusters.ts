import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, FleetCluster } from '../deps.ts';
import { formatList, listOf } from '../schema.ts';

const path = '/api/v1/clusters';
const tags = ['clusters'];

const connectionState = z.object({
  status: z.enum(['Successful', 'Failed', 'Unknown']),
  message: z.string(),
  attemptedAt: z.string().exactOptional(),
});

const argoCluster = z
  .object({
    name: z.string(),
    server: z.string(),
    project: z.string().exactOptional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    config: z.object({}).describe('Always empty: the hub holds no cluster credential'),
    serverVersion: z.string(),
    connectionState,
    info: z.object({ applicationsCount: z.number(), serverVersion: z.string(), connectionState }),
  })
  .meta({ id: 'Cluster' });

/** Clusters as Argo CD shows them; /api/v1/fleet/clusters has all that we know. */
export function clusterRoutes(app: ApiServer, deps: ApiDeps): void {
  const listQuery = z.strictObject({
    server: z.string().optional(),
    name: z.string().optional(),
    'id.type': z.string().optional(),
    'id.value': z.string().optional(),
  });
  app.get(
    path,
    { schema: { tags, querystring: listQuery, response: { 200: listOf(argoCluster) } } },
    async (request) => {
      permit(request, 'get', { kind: 'clusters', name: '*' });
      const { server, name } = request.query;
      const clusters = deps.clusters
        .list()
        .filter((cluster) => (!server || cluster.server === server) && (!name || cluster.name === name));
      return formatList(clusters.map(formatCluster));
    },
  );

  const schema = {
    tags,
    params: z.strictObject({ id: z.string().describe('Server URL, encoded; or the name') }),
    querystring: z.strictObject({ 'id.type': z.enum(['name', 'url', 'name_escaped', 'url_escaped', '']).optional() }),
    response: { 200: argoCluster },
  };
  app.get(`${path}/:id`, { schema }, async (request) => {
    const { id } = request.params;
    const cluster = deps.clusters.find(id) ?? deps.clusters.list().find(({ server }) => server === id);
    if (!cluster) throw new FleetError('NotFound', `cluster ${id} is not in the inventory`);
    permit(request, 'get', { kind: 'clusters', name: cluster.server });
    return formatCluster(cluster);
  });
}

function formatCluster(cluster: FleetCluster): z.infer<typeof argoCluster> {
  const serverVersion = cluster.kubernetesVersion ?? '';
  const state = connectionOf(cluster);
  return {
    name: cluster.name,
    server: cluster.server,
    ...(cluster.project === undefined ? {} : { project: cluster.project }),
    labels: cluster.labels,
    annotations: cluster.annotations,
    config: {},
    serverVersion,
    connectionState: state,
    info: { applicationsCount: cluster.applications?.total ?? 0, serverVersion, connectionState: state },
  };
}

const connections: Record<FleetCluster['state'], Pick<z.infer<typeof connectionState>, 'status' | 'message'>> = {
  Connected: { status: 'Successful', message: 'its agent is connected' },
  Stale: { status: 'Unknown', message: 'its agent missed heartbeats; its status is old' },
  Lost: { status: 'Failed', message: 'its agent has been silent for long' },
  Expected: { status: 'Unknown', message: 'its agent has not enrolled yet' },
  Pending: { status: 'Unknown', message: 'a person has to approve it first' },
  Revoked: { status: 'Failed', message: 'its identity was revoked' },
  Leaving: { status: 'Unknown', message: 'it is being removed' },
};

function connectionOf({ state, lastSeenAt }: FleetCluster): z.infer<typeof connectionState> {
  return { ...connections[state], ...(lastSeenAt === undefined ? {} : { attemptedAt: lastSeenAt }) };
}
