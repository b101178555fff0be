import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { limitedPublic as config } from '../public-limit.ts';

/** For a load balancer, a kubelet and Prometheus. */
export function probeRoutes(app: ApiServer, deps: ApiDeps): void {
  const healthz = { tags: ['probes'], summary: 'The process answers', security: [], response: { 200: z.string() } };
  app.get('/healthz', { config: { public: true }, schema: healthz }, async (_request, reply) =>
    reply.type('text/plain').send('ok'),
  );

  const check = z.object({ name: z.string(), ready: z.boolean(), problem: z.string().exactOptional() });
  const answer = z.object({ ready: z.boolean(), checks: z.array(check) });
  const readyz = {
    tags: ['probes'],
    summary: 'What the hub waits for, by name',
    security: [],
    response: { 200: answer, 503: answer },
  };
  app.get('/readyz', { config, schema: readyz }, async (_request, reply) => {
    const checks = (await deps.readiness()).map(({ name, problem }) => ({
      name,
      ready: problem === undefined,
      ...(problem === undefined ? {} : { problem }),
    }));
    const ready = checks.every((each) => each.ready);
    return await reply.code(ready ? 200 : 503).send({ ready, checks });
  });

  const metrics = { tags: ['probes'], summary: 'Prometheus text format', response: { 200: z.string() } };
  app.get('/metrics', { schema: metrics }, async (request, reply) => {
    permit(request, 'get', { kind: 'metrics', name: '*' });
    return await reply.type(deps.metrics.contentType).send(await deps.metrics.metrics());
  });
}
