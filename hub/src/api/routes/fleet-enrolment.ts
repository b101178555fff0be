import {
  credentialsSchema,
  enrolmentPaths,
  enrolRequestSchema,
  renewRequestSchema,
} from '@wheelhouse/shared/protocol/enrolment';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import type { ApiDeps } from '../deps.ts';
import { limitedPublic as config } from '../public-limit.ts';

const tags = ['fleet'];
/** No agent needs more; these routes are open to anybody. */
const bodyLimit = 16 * 1024;

/** How an agent gets and keeps its identity. Without a bearer token by design: the enrolment token or the old key is the proof. */
export function fleetEnrolmentRoutes(app: ApiServer, deps: ApiDeps): void {
  const enrol = { tags, security: [], body: enrolRequestSchema, response: { 200: credentialsSchema } };
  app.post(
    enrolmentPaths.enrol,
    { config, bodyLimit, schema: enrol },
    async ({ body }) => await deps.enrolment.enrol(body),
  );

  const renew = { tags, security: [], body: renewRequestSchema, response: { 200: credentialsSchema } };
  app.post(
    enrolmentPaths.renew,
    { config, bodyLimit, schema: renew },
    async ({ body }) => await deps.enrolment.renew(body),
  );

  const ca = {
    tags,
    security: [],
    summary: 'PEM of the hub’s CA; compare it with the fingerprint in the token',
    response: { 200: z.string() },
  };
  app.get('/api/v1/fleet/ca', { config, schema: ca }, async (_request, reply) =>
    reply.type('application/x-pem-file').send(deps.enrolment.caPem()),
  );
}
