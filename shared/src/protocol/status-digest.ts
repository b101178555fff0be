import { createHash } from 'node:crypto';
import type { AppStatus } from './status.ts';

/**
 * One number for everything a cluster reported, in any order: both sides compute it, and a difference means that
 * a status was lost. Applications that are gone do not count.
 */
export function statusDigest(statuses: Iterable<Pick<AppStatus, 'app' | 'gen' | 'seq' | 'removed'>>): string {
  const lines: string[] = [];
  for (const { app, gen, seq, removed } of statuses) if (!removed) lines.push(`${app} ${gen} ${seq}`);
  return createHash('sha256').update(lines.sort().join('\n')).digest('base64url');
}

/** Whether `next` replaces `known`: generation first, then sequence. */
export function isNewer(
  next: Pick<AppStatus, 'gen' | 'seq'>,
  known: Pick<AppStatus, 'gen' | 'seq'> | undefined,
): boolean {
  if (!known) return true;
  return next.gen > known.gen || (next.gen === known.gen && next.seq > known.seq);
}
