import { Histogram, type Registry } from 'prom-client';
import type { ApiServer } from './api-server.ts';

/** Times every request. Labels are bounded: the route's pattern, never a path that a client made up. */
export function addHttpMetrics(app: ApiServer, registry: Registry): void {
  const duration = new Histogram({
    name: 'wheelhouse_http_request_duration_seconds',
    help: 'Time to answer an HTTP request, by route pattern',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers: [registry],
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    duration.observe(labels, reply.elapsedTime / 1000);
  });
}
