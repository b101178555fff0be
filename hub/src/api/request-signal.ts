import type { FastifyReply } from 'fastify';

/** Aborted when the client is gone before its answer, and after `timeoutMs`: nobody would read what is still being made. */
export function requestSignal({ raw }: Pick<FastifyReply, 'raw'>, timeoutMs: number): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  raw.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, AbortSignal.timeout(timeoutMs)]);
}
