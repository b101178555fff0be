import rateLimit from '@fastify/rate-limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApiServer } from './api-server.ts';

/** Far above what a site of agents behind one address needs; whoever is refused waits and comes again. */
const perAddress = { max: 1_000, timeWindow: 10_000 };
/** So many addresses are remembered for each route; beyond that, the one that was silent for longest is forgotten. */
const addresses = 5_000;

/** `config` of a route that anybody may call and that costs something: limited by IPv4 address or IPv6 network (/64). */
export const limitedPublic = { public: true, rateLimit: perAddress };

/** Must be called before routes are declared. Requests beyond the limit are answered RateLimited before their body is read. */
export async function addPublicLimit(app: ApiServer): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    cache: addresses,
    errorResponseBuilder: (_request, { after }) =>
      new FleetError('RateLimited', `too many requests from this address; try again in ${after}`),
  });
}
