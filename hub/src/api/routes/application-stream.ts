import { Readable } from 'node:stream';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { filterQuery, toFilter } from '../application-query.ts';
import { applicationAnswer } from '../application-view.ts';
import { permit } from '../authentication.ts';
import { createChangeFeed } from '../change-feed.ts';
import type { ApiDeps } from '../deps.ts';
import { parseFieldMask } from '../field-mask.ts';

/** Time for the last line to be read by a client that was too slow. */
const lastLineMs = 2_000;

const streamQuery = filterQuery.extend({
  resourceVersion: z.string().optional().describe('Of a list: nothing is sent twice if nothing changed since'),
});

const line = z.object({
  result: z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), application: applicationAnswer }),
});

export function applicationStreamRoutes(app: ApiServer, deps: ApiDeps, backlog = 20_000): void {
  const schema = {
    tags: ['applications'],
    summary: 'Every Application, then every change, as lines of JSON; the last line may be {"error"}',
    querystring: streamQuery,
    response: { 200: line },
  };
  app.get('/api/v1/stream/applications', { schema }, async (request, reply) => {
    permit(request, 'get', { kind: 'applications', name: '*' });
    const { fields, resourceVersion } = request.query;
    const closed = new AbortController();
    reply.raw.once('close', () => closed.abort());
    const feed = createChangeFeed(deps.applications, {
      filter: toFilter(request.query),
      mask: parseFieldMask(fields, 'result.application'),
      snapshot: resourceVersion !== deps.applications.revision(),
      backlog,
      signal: closed.signal,
      onOverflow: () => {
        setTimeout(() => reply.raw.destroy(), lastLineMs).unref();
      },
    });
    void reply.type('application/json').send(Readable.from(feed, { highWaterMark: 1 }) as never);
    reply.raw.flushHeaders();
    return await reply;
  });
}
