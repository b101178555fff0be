import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Registry, registries, registryHeaders } from '../../source/webhook/registry-call.ts';
import { readBodies } from '../body-budget.ts';
import type { ApiDeps } from '../deps.ts';
import { limitedPublic as config } from '../public-limit.ts';

/** GitHub sends at most 25 MB. */
const bodyLimit = 25 * 1024 * 1024;
/** Of all calls that are being received: anybody may call. */
const maxBytes = 8 * bodyLimit;

/** Push events of Git hosts. The body stays as it came, because signatures are over its bytes. A scope of its own. */
export function webhookRoutes(scope: FastifyInstance, deps: ApiDeps): void {
  readBodies(scope, { maxBytes, bodyLimit });
  const schema = {
    tags: ['webhook'],
    summary: 'Push event of GitHub, GitLab, Bitbucket Server, Gitea or Gogs, signed as the host signs',
    security: [],
  };
  scope.post('/api/webhook', { config, bodyLimit, schema }, async (request) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    await deps.webhook(request.headers, body);
    return {};
  });
  for (const registry of registries) registryRoute(scope, { registry, deps });
}

/** Calls of registries that are known by nothing but the address that they are sent to, and the token in it. */
function registryRoute(scope: FastifyInstance, { registry, deps }: { registry: Registry; deps: ApiDeps }): void {
  const schema = {
    tags: ['webhook'],
    summary: `Push notification of ${registry}`,
    security: [],
    querystring: z.strictObject({ token: z.string().default('').describe('The secret set for it, where one is') }),
  };
  scope.post(`/api/webhook/${registry}`, { config, bodyLimit, schema }, async (request) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { token } = request.query as { token: string };
    await deps.webhook({ ...request.headers, ...registryHeaders(registry, token) }, body);
    return {};
  });
}
