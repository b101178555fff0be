import type { FastifyReply } from 'fastify';

/** The longest that a request is worked on which has a limit: a client that waits longer hears from the hub why it was given up. */
export const longestRequestMs = 120_000;

/** Aborted when the client is gone before its answer, and after `timeoutMs`: nobody would read what is still being made. */
export function requestSignal({ raw }: Pick<FastifyReply, 'raw'>, timeoutMs: number): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  raw.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, AbortSignal.timeout(timeoutMs)]);
}
