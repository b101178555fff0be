import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Bounds what all bodies that a scope's routes receive at once may hold, by what their callers announce or, when they do
 * not, by `bodyLimit`. Above `maxBytes` a call is answered RateLimited before its body is read.
 */
export function limitBodies(
  scope: FastifyInstance,
  { maxBytes, bodyLimit }: { maxBytes: number; bodyLimit: number },
): void {
  const held = new Map<FastifyRequest, number>();
  let total = 0;
  const release = async (request: FastifyRequest) => {
    total -= held.get(request) ?? 0;
    held.delete(request);
  };
  scope.addHook('onRequest', async (request) => {
    const bytes = Math.min(Number(request.headers['content-length'] ?? bodyLimit), bodyLimit);
    if (total + bytes > maxBytes)
      throw new FleetError('RateLimited', 'too many large calls at once; send it again in a moment');
    total += bytes;
    held.set(request, bytes);
  });
  scope.addHook('onResponse', release);
  scope.addHook('onRequestAbort', release);
}
