import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, StoredSpec } from '../deps.ts';
import { formatList, listOf } from '../schema.ts';

const storedResource = z
  .object({
    apiVersion: z.string(),
    kind: z.string(),
    namespace: z.string(),
    name: z.string(),
    revision: z.number(),
    updatedAt: z.string(),
    by: z.string(),
    owner: z.string().exactOptional().describe('Application that created it (App of Apps)'),
    warnings: z.array(z.string()).describe('What of it is not acted upon, and why'),
  })
  .meta({ id: 'StoredResource' });

/** Everything that was applied, of every kind, with what of it has no effect. Contents are not shown: some are Secrets. */
export function fleetResourceRoutes(app: ApiServer, deps: ApiDeps): void {
  const querystring = z.strictObject({ kind: z.string().optional() });
  const schema = { tags: ['fleet'], querystring, response: { 200: listOf(storedResource) } };
  app.get('/api/v1/fleet/resources', { schema }, async (request) => {
    permit(request, 'get', { kind: 'settings', name: request.query.kind ?? '*' });
    return formatList(deps.specs.list(request.query.kind).map(formatStored));
  });
}

function formatStored({
  resource,
  revision,
  updatedAt,
  by,
  owner,
  warnings,
}: StoredSpec): z.infer<typeof storedResource> {
  const { apiVersion, kind, metadata } = resource;
  const id = { namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
  return { apiVersion, kind, ...id, revision, updatedAt, by, ...(owner === undefined ? {} : { owner }), warnings };
}
