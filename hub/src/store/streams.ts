import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
} from '@nats-io/jetstream';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { apiErrorCode, type HubNats } from './nats.ts';

export const streams = {
  desired: 'DESIRED',
  blobs: 'BLOBS',
  status: 'STATUS',
  presence: 'PRESENCE',
  audit: 'AUDIT',
} as const;

/** STATUS is cut into this many partitions by cluster; each has one durable consumer that all hub replicas share. */
export const statusPartitions = 8;

export function statusConsumer(partition: number): string {
  return `hub-${partition}`;
}

export interface StreamOptions {
  /** Copies of every stream: 1, or 3 on a cluster of NATS servers. Default 1. */
  replicas?: number;
}

const streamNotFound = 10_059;
const streamNameInUse = 10_058;
const configInvalid = 10_052;
const attempts = 3;
const dayNs = 86_400_000_000_000;

/**
 * Creates the hub's streams and consumers, or brings them to this version's configuration; and again after each
 * reconnection, for a server may come back without its data. Safe on every replica at once.
 */
export async function ensureStreams(
  deps: { nats: HubNats; logger: Logger },
  options: StreamOptions = {},
): Promise<void> {
  const { nats, logger } = deps;
  const ensure = async () => {
    for (const config of streamConfigs(options.replicas ?? 1)) await ensureStream(nats, config);
    const partitions = Array.from({ length: statusPartitions }, (_, partition) => partition);
    await Promise.all(partitions.map((partition) => ensureStatusConsumer(nats, partition)));
  };
  await ensure();
  nats.onReconnect(() => {
    ensure().catch((error: unknown) => logger.error({ err: error }, 'cannot check the streams after a reconnection'));
  });
}

/** Drops what NATS keeps of a cluster's statuses and heartbeats. */
export async function purgeReports(nats: HubNats, cluster: string): Promise<void> {
  const purge = async (stream: string, filter: string) =>
    await nats.run(() => nats.manager.streams.purge(stream, { filter }), attempts);
  await purge(streams.status, `fleet.v1.st.*.${cluster}.>`);
  await purge(streams.presence, `fleet.v1.up.${cluster}.hb`);
}

/** Adds a stream, or updates the one of that name. */
async function ensureStream(nats: HubNats, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  const { streams: api } = nats.manager;
  try {
    await nats.run(() => api.update(config.name, config), attempts);
  } catch (error) {
    // earlier versions kept heartbeats in memory, and that cannot be changed; they come again within half a minute
    const isOfOldKind = config.name === streams.presence && apiErrorCode(error) === configInvalid;
    if (!isOfOldKind && apiErrorCode(error) !== streamNotFound) throw error;
    if (isOfOldKind) await nats.run(() => api.delete(config.name), attempts);
    try {
      await nats.run(() => api.add(config));
    } catch (raced) {
      if (apiErrorCode(raced) !== streamNameInUse) throw raced;
      await nats.run(() => api.update(config.name, config), attempts);
    }
  }
}

function streamConfigs(replicas: number): (Partial<StreamConfig> & { name: string })[] {
  const base = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    num_replicas: replicas,
    allow_direct: true,
    // NATS 2.15 allows 1,000 by default; an explicit number says what the hub needs
    max_consumers: 200,
  };
  const lastValue = { ...base, max_msgs_per_subject: 1, discard: DiscardPolicy.Old };
  return [
    {
      ...lastValue,
      name: streams.desired,
      subjects: ['fleet.v1.desired.*.index'],
      republish: { src: 'fleet.v1.desired.>', dest: 'fleet.v1.live.>' },
    },
    {
      ...base,
      name: streams.blobs,
      subjects: ['fleet.v1.blobs.*.*'],
      max_msgs_per_subject: 1,
      // a part that exists can never be replaced
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
    },
    {
      ...lastValue,
      name: streams.status,
      subjects: ['fleet.v1.up.*.status.*'],
      subject_transform: {
        src: 'fleet.v1.up.*.status.*',
        dest: `fleet.v1.st.{{partition(${statusPartitions},1)}}.{{wildcard(1)}}.{{wildcard(2)}}`,
      },
      compression: StoreCompression.S2,
    },
    {
      ...lastValue,
      name: streams.presence,
      subjects: ['fleet.v1.up.*.hb'],
      // a heartbeat is a request, and its answer comes from a replica of the hub
      no_ack: true,
    },
    {
      ...base,
      name: streams.audit,
      subjects: ['fleet.v1.audit'],
      discard: DiscardPolicy.Old,
      compression: StoreCompression.S2,
      max_age: 90 * dayNs,
      max_bytes: 2 * 1024 ** 3,
    },
  ];
}

async function ensureStatusConsumer(nats: HubNats, partition: number): Promise<void> {
  const config = {
    durable_name: statusConsumer(partition),
    filter_subject: `fleet.v1.st.${partition}.>`,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: 5_000,
  };
  await nats.run(() => nats.manager.consumers.add(streams.status, config), attempts);
}
