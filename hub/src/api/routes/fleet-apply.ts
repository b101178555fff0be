import { setImmediate } from 'node:timers/promises';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Applied, type ApplyVerb, applyDocument, applyResult } from '../apply.ts';
import type { ApiDeps } from '../deps.ts';
import { queryBoolean, resourceBody } from '../schema.ts';
import { splitDocuments } from '../yaml-documents.ts';

const bodyLimit = 32 * 1024 * 1024;
const consumes = ['application/yaml', 'application/json', 'text/plain'];

/** Apply and delete by YAML text, every document answered on its own. A scope of its own: the body stays text. */
export function fleetApplyRoutes(scope: FastifyInstance, deps: ApiDeps): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit }, (_request, body, done) => done(null, body));
  const schema = {
    tags: ['fleet'],
    consumes,
    body: resourceBody(z.string()),
    querystring: z.strictObject({ dryRun: queryBoolean.optional() }),
    response: { 200: z.object({ results: z.array(applyResult) }) },
  };
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.post('/api/v1/fleet/apply', { bodyLimit, schema }, async (request) => ({
    results: await applyAll(deps, request, { verb: 'apply', dryRun: request.query.dryRun ?? false }),
  }));
  app.post('/api/v1/fleet/delete', { bodyLimit, schema }, async (request) => ({
    results: await applyAll(deps, request, { verb: 'delete', dryRun: request.query.dryRun ?? false }),
  }));
}

async function applyAll(
  deps: ApiDeps,
  request: FastifyRequest,
  options: { verb: ApplyVerb; dryRun: boolean },
): Promise<Applied[]> {
  const text = typeof request.body === 'string' ? request.body : '';
  if (text.trim() === '') throw new FleetError('Malformed', 'the body is empty; send one or more YAML documents');
  const results: Applied[] = [];
  for (const document of splitDocuments(text)) {
    // so that many documents do not hold up other requests
    await setImmediate();
    results.push(...(await applyDocument(deps, document, { ...options, request })));
  }
  return results;
}
