/**
 * What an agent says under a name that its cluster has no longer counts for the present one, until the agent has followed.
 * Inputs: records of clusters, and what was heard under which name. It never lets anything count for two clusters.
 */

import type { Statuses } from '../status/statuses.ts';
import type { StatusFeed } from '../store/status-stream.ts';
import type { Heard, Presence } from './presence.ts';
import type { ClusterChange, ClusterRecord, FleetRecords } from './records.ts';

export interface FormerNamesDeps {
  records: Pick<FleetRecords, 'clusters'>;
  presence: Pick<Presence, 'find'>;
}

/** By its name or by one that it had; a name in use wins. */
export function findCluster(records: Pick<FleetRecords, 'clusters'>, name: string): ClusterRecord | undefined {
  return records.clusters.find(name) ?? records.clusters.list().find((record) => record.formerNames?.includes(name));
}

/**
 * The last heartbeat of a cluster: under its name, or, before its agent has followed a renaming, under one before. What was
 * carried over from there counts until that says something newer.
 */
export function heardFrom(
  { name, formerNames = [] }: Pick<ClusterRecord, 'name' | 'formerNames'>,
  presence: Pick<Presence, 'find'>,
): Heard | undefined {
  const own = presence.find(name);
  if (own?.heartbeat.cluster === name) return own;
  const heard = [own, ...formerNames.map(presence.find)].filter((one) => one !== undefined);
  return heard.reduce<Heard | undefined>((last, one) => (last && last.at >= one.at ? last : one), undefined);
}

/** As `heardFrom`, by name. */
export function findHeard(name: string, { records, presence }: FormerNamesDeps): Heard | undefined {
  const record = records.clusters.find(name);
  return record ? heardFrom(record, presence) : presence.find(name);
}

/** For whom a status counts that was sent under this name. */
export function presentName(name: string, { records, presence }: FormerNamesDeps): string {
  const present = findCluster(records, name)?.name ?? name;
  const hasFollowed = present !== name && presence.find(present)?.heartbeat.cluster === present;
  return hasFollowed ? name : present;
}

/** What was heard of a cluster that has another name now is no less true. Its agent reports anew under that name. */
export function forgetOrCarry(
  { name, before }: ClusterChange,
  { presence, feed, statuses, records }: Remembering,
): void {
  const successor = records.clusters
    .list()
    .find(({ formerNames, publicKey }) => formerNames?.includes(name) && publicKey === before?.publicKey);
  feed.forget(name);
  for (const memory of [presence, statuses])
    if (successor) memory.carry(name, successor.name);
    else memory.forget(name);
}

interface Remembering {
  presence: Pick<Presence, 'forget' | 'carry'>;
  feed: Pick<StatusFeed, 'forget'>;
  statuses: Pick<Statuses, 'forget' | 'carry'>;
  records: Pick<FleetRecords, 'clusters'>;
}
