import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { formatJson } from '@wheelhouse/shared/kube/json';
import { application } from '@wheelhouse/shared/resources/application';
import { z } from 'zod';
import type { ApplicationFilter } from '../../status/application-filter.ts';
import type { ApiServer } from '../api-server.ts';
import { filterQuery, toFilter } from '../application-query.ts';
import { accessOf, applicationAnswer, formatApplication, permitTaking } from '../application-view.ts';
import { walkApplications } from '../application-walk.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { applyFieldMask, type FieldMask, parseFieldMask } from '../field-mask.ts';
import { listOf, queryBoolean, resourceBody } from '../schema.ts';
import { createSpec, readBody } from '../stored-resource.ts';

const listQuery = filterQuery.extend({
  limit: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe('Rows a page; all rows in one answer when absent'),
  continue: z.string().optional(),
  resourceVersion: z.string().optional().describe('Taken for compatibility; a list is always the newest'),
});

const defaultLimit = 500;

export function applicationRoutes(app: ApiServer, deps: ApiDeps): void {
  app.get(
    '/api/v1/applications',
    { schema: { tags: ['applications'], querystring: listQuery, response: { 200: listOf(applicationAnswer) } } },
    async (request, reply) => {
      permit(request, 'get', { kind: 'applications', name: '*' });
      const { limit, continue: start, fields } = request.query;
      const filter = toFilter(request.query);
      const mask = parseFieldMask(fields, 'items');
      void reply.type('application/json');
      if (!limit && !start) return await reply.send(Readable.from(listAll(deps, filter, mask)) as never);
      return await reply.send(
        formatJson(listPage(deps, { filter, mask, limit: limit || defaultLimit, start })) as never,
      );
    },
  );

  app.post(
    '/api/v1/applications',
    {
      schema: {
        tags: ['applications'],
        querystring: z.strictObject({
          upsert: queryBoolean.optional(),
          validate: queryBoolean.optional().describe('Taken for compatibility; a bad spec is always refused'),
        }),
        body: resourceBody(application),
        response: { 200: application },
      },
    },
    async (request) => {
      const read = readBody(request.body, 'Application');
      const upsert = request.query.upsert ?? false;
      permitTaking(request, deps, read);
      const existing = upsert ? deps.specs.find('Application', read.namespace, read.name) : undefined;
      if (existing) permit(request, 'update', accessOf(existing.resource));
      const by = permit(request, upsert ? 'update' : 'create', accessOf(read.resource));
      const spec = await createSpec(deps, { read, by, upsert });
      return spec.resource as never;
    },
  );
}

interface PageRequest {
  filter: ApplicationFilter;
  mask: FieldMask | undefined;
  limit: number;
  start: string | undefined;
}

function listPage(deps: ApiDeps, { filter, mask, limit, start }: PageRequest) {
  const resourceVersion = deps.applications.revision();
  const {
    items,
    total,
    continue: next,
  } = deps.applications.list(filter, { limit, ...(start ? { continue: start } : {}) });
  const remaining = start ? {} : { remainingItemCount: total - items.length };
  return {
    metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next, ...remaining }) },
    items: items.map((view) => applyFieldMask(formatApplication(view), mask)),
  };
}

/** The whole list as text, made piece by piece: 100,000 rows neither fill memory nor hold up other requests. */
async function* listAll(deps: ApiDeps, filter: ApplicationFilter, mask: FieldMask | undefined): AsyncGenerator<string> {
  let before = `{"metadata":{"resourceVersion":${formatJson(deps.applications.revision())}},"items":[`;
  for (const views of walkApplications(deps.applications, filter)) {
    yield before + views.map((view) => formatJson(applyFieldMask(formatApplication(view), mask))).join(',');
    before = ',';
    await setImmediate();
  }
  yield before === ',' ? ']}' : `${before}]}`;
}
