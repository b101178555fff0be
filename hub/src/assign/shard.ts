import { createHash } from 'node:crypto';

export const shardCount = 256;

/** The logical shard of a cluster, `s000` to `s255`: the unit of assignment jobs and sweeps. */
export function shardOf(cluster: string): string {
  const first = createHash('sha256').update(cluster).digest()[0] ?? 0;
  return formatShard(first % shardCount);
}

export function formatShard(index: number): string {
  return `s${String(index).padStart(3, '0')}`;
}
