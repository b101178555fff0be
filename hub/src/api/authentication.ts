import type { FastifyRequest } from 'fastify';
import type { Access, AccessedResource, Principal, Verb } from '../access/access.ts';
import type { ApiServer } from './api-server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: answered without a token (health, enrolment, the signed webhook). */
    public?: boolean;
  }
  interface FastifyRequest {
    /** Set on every route that is not public. */
    principal: Principal | undefined;
    access: Access;
  }
}

/** Authenticates every request, unknown paths included, before its body is read. */
export function addAuthentication(app: ApiServer, access: Access): void {
  app.decorateRequest('principal', undefined);
  app.decorateRequest('access', { getter: () => access });
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.public) return;
    request.principal = await access.authenticate(request.headers.authorization);
  });
}

/** Throws unless the caller may; returns the caller's name for `by`. */
export function permit(request: FastifyRequest, verb: Verb, resource: AccessedResource): string {
  const principal = request.principal ?? { name: 'anonymous' };
  request.access.require(principal, verb, resource);
  return principal.name;
}
