import type { IncomingMessage } from 'node:http';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Has a scope's routes get bodies of every type as they came, each of at most `bodyLimit` bytes, all at once of at most
 * `maxBytes`: what has arrived counts, so that a caller who announces much and sends nothing holds up nobody. Beyond that a
 * call is answered TooLarge or RateLimited.
 */
export function readBodies(
  scope: FastifyInstance,
  { maxBytes, bodyLimit }: { maxBytes: number; bodyLimit: number },
): void {
  const held = new Map<FastifyRequest, number>();
  let total = 0;
  const take = (request: FastifyRequest, bytes: number) => {
    total += bytes;
    held.set(request, (held.get(request) ?? 0) + bytes);
    if ((held.get(request) ?? 0) > bodyLimit)
      throw new FleetError('TooLarge', `the body has more than the ${bodyLimit} bytes that are taken`);
    if (total > maxBytes)
      throw new FleetError('RateLimited', 'too many large calls at once; send it again in a moment');
  };
  const release = async (request: FastifyRequest) => {
    total -= held.get(request) ?? 0;
    held.delete(request);
  };
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const chunks: Buffer[] = [];
    // a caller who sends too much is to read the answer
    for await (const chunk of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      take(request, chunk.length);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  });
  scope.addHook('onResponse', release);
  scope.addHook('onRequestAbort', release);
}
