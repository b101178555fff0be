import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { getCluster } from '../fleet-cluster-schema.ts';
import { noQuery } from '../schema.ts';

const path = '/api/v1/fleet/adoption';
const tags = ['fleet'];
const everyCluster = { kind: 'clusters', name: '*' } as const;
const reason = z.string().max(500).default('');

const adoptedApplication = z.object({
  app: z.string(),
  ns: z.string().describe('Destination namespace'),
  project: z.string(),
  revision: z.string(),
  bundle: z.string(),
});

const adoption = z
  .object({
    state: z.enum(['Open', 'Closed']).describe('Open: clusters that the hub does not know are taken over'),
    openedAt: z.string().exactOptional(),
    by: z.string().exactOptional(),
    reason: z.string().exactOptional(),
    closedAt: z.string().exactOptional(),
    closedBy: z.string().exactOptional(),
    unknown: z.array(z.string()).describe('Clusters that speak with valid credentials and that the hub does not know'),
    clusters: z.array(
      z.object({
        cluster: z.string(),
        adoptedAt: z.string().exactOptional(),
        generation: z.number().exactOptional(),
        registered: z.literal(true).exactOptional().describe('It was not known to the hub before'),
        problem: z.object({ code: z.string(), message: z.string(), at: z.string() }).exactOptional(),
        unexplained: z.array(adoptedApplication),
      }),
    ),
  })
  .meta({ id: 'Adoption' });

/** What clusters held that the hub did not have, and what of it nothing explains. */
export function adoptionRoutes(app: ApiServer, deps: ApiDeps): void {
  const answer = { 200: adoption };
  app.get(path, { schema: { tags, querystring: noQuery, response: answer } }, async (request) => {
    permit(request, 'get', everyCluster);
    return deps.adoption.view();
  });

  const open = {
    tags,
    summary: 'From now on clusters that the hub does not know, but once signed for, are taken over',
    querystring: noQuery,
    body: z.strictObject({ reason }),
    response: answer,
  };
  app.post(`${path}/open`, { schema: open }, async (request) => {
    const by = permit(request, 'create', everyCluster);
    return await deps.adoption.open({ by, reason: request.body.reason });
  });

  app.post(`${path}/close`, { schema: { tags, querystring: noQuery, response: answer } }, async (request) => {
    const by = permit(request, 'update', everyCluster);
    return await deps.adoption.close(by);
  });

  releaseRoute(app, deps);
}

function releaseRoute(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    tags,
    summary: 'Let go of applications that nothing explains: keep leaves what they run, remove deletes it',
    querystring: noQuery,
    body: z.strictObject({
      cluster: z.string(),
      apps: z.array(z.string()).min(1).optional().describe('All of the cluster when absent'),
      action: z.enum(['keep', 'remove']),
      reason,
      confirm: z.int().optional().describe('How many are removed; needed beyond the budget'),
    }),
    response: { 200: z.object({ released: z.array(adoptedApplication) }) },
  };
  app.post(`${path}/release`, { schema }, async (request) => {
    const cluster = getCluster(deps, request.body.cluster);
    const verb = request.body.action === 'remove' ? 'delete' : 'update';
    const by = permit(request, verb, { kind: 'clusters', name: cluster.server });
    return { released: await deps.adoption.release({ ...request.body, by }) };
  });
}
