import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { formatList, listOf, noQuery } from '../schema.ts';

const path = '/api/v1/fleet/tokens';
const tags = ['fleet'];

const labelValues = z.record(z.string(), z.array(z.string()));

const tokenRecord = z
  .object({
    id: z.string(),
    cluster: z.string(),
    labels: z.record(z.string(), z.string()),
    createdAt: z.string(),
    expiresAt: z.string(),
    usedAt: z.string().exactOptional(),
    usedFor: z.string().exactOptional(),
    allowedLabels: labelValues.exactOptional(),
    approval: z.boolean().exactOptional(),
    by: z.string(),
  })
  .meta({ id: 'EnrolmentToken' });

/** Enrolment tokens: shown once, when they are made; used once; gone by themselves. */
export function fleetTokenRoutes(app: ApiServer, deps: ApiDeps): void {
  app.get(path, { schema: { tags, querystring: noQuery, response: { 200: listOf(tokenRecord) } } }, async (request) => {
    permit(request, 'get', { kind: 'tokens', name: '*' });
    return formatList(await deps.tokens.list());
  });

  const body = z.strictObject({
    cluster: z.string().describe("A name, or a pattern such as 'eu-*' of which the agent chooses one"),
    labels: z.record(z.string(), z.string()).default({}),
    allowedLabels: labelValues
      .exactOptional()
      .describe("Labels that the agent may choose: name and values, '*' for any value"),
    approval: z.boolean().default(false).describe('The cluster gets nothing before a person has approved it'),
    expiresInMs: z
      .number()
      .int()
      .min(1_000)
      .max(30 * 24 * 3_600_000)
      .optional(),
    replace: z
      .boolean()
      .default(false)
      .describe('Lets another installation take the place of a cluster of this name that is enrolled'),
  });
  const schema = { tags, querystring: noQuery, body, response: { 200: tokenRecord.extend({ token: z.string() }) } };
  app.post(path, { schema }, async (request) => {
    const { expiresInMs, ...asked } = request.body;
    const by = permit(request, 'create', { kind: 'tokens', name: asked.cluster });
    return await deps.tokens.create({ ...asked, by, ...(expiresInMs === undefined ? {} : { expiresInMs }) });
  });

  const params = z.strictObject({ id: z.string() });
  app.delete(
    `${path}/:id`,
    { schema: { tags, params, querystring: noQuery, response: { 200: z.object({}) } } },
    async (request) => {
      const by = permit(request, 'delete', { kind: 'tokens', name: request.params.id });
      await deps.tokens.revoke(request.params.id, by);
      return {};
    },
  );
}
