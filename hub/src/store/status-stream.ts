/**
 * What clusters report, from stream STATUS. Every hub replica reads all of it, because every replica answers the API;
 * what must happen once in the fleet goes through the durable consumers, which replicas share.
 * Both deliver in order per Application and drop what is older than what they have. Neither decides what a status means.
 */
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppStatus } from '@wheelhouse/shared/protocol/status';
import { isNewer, statusDigest } from '@wheelhouse/shared/protocol/status-digest';
import { parseStatus } from '@wheelhouse/shared/protocol/status-schema';
import { parseToken } from '@wheelhouse/shared/protocol/subjects';
import { follow } from './follow.ts';
import type { HubNats } from './nats.ts';
import { statusConsumer, statusPartitions, streams } from './streams.ts';

export interface StatusOptions {
  /** `at`: when NATS received it, ms since the epoch. */
  onStatus(cluster: string, status: AppStatus, at: number): void;
  /** A status that was not taken: it cannot be read, or is older than what is known. */
  onRefused?(cluster: string, reason: string): void;
}

/** What this replica has seen of each cluster, to be compared with what the spoke says it sent. */
export interface StatusFeed {
  /** Resolves once all stored statuses were delivered. */
  loaded(): Promise<void>;
  isLoaded(): boolean;
  /** `statusDigest` of a cluster's statuses. */
  digest(cluster: string): string;
  /** Highest `seq` of a cluster's statuses, 0 when there are none. */
  highestSeq(cluster: string): number;
  /** The cluster has left: its statuses do not count for one that takes its name. */
  forget(cluster: string): void;
}

type Seen = Pick<AppStatus, 'app' | 'gen' | 'seq' | 'removed'>;

/** Feeds a replica's read model. The signal ends it. */
export function consumeStatus(
  deps: { nats: HubNats; logger: Logger },
  options: StatusOptions,
  signal: AbortSignal,
): StatusFeed {
  const clusters = new Map<string, Map<string, Seen>>();
  const accept = createOrderCheck(clusters);
  let isLoaded = false;
  const follower = follow(
    deps,
    {
      stream: streams.status,
      onMessage: (message) => {
        const taken = readOrRefuse(message, options);
        if (!taken) return;
        const { cluster, status } = taken;
        if (accept(cluster, status)) options.onStatus(cluster, status, message.time.getTime());
        else if (isOlder(status, clusters.get(cluster)?.get(status.app)))
          options.onRefused?.(cluster, `a status of ${status.app} that is older than the one before`);
      },
      // spokes then find that their digest differs, and send everything again
      onReplaced: () => clusters.clear(),
    },
    signal,
  );
  follower.loaded().then(
    () => {
      isLoaded = true;
    },
    () => undefined,
  );
  const seenOf = (cluster: string) => clusters.get(cluster)?.values() ?? [];
  return {
    loaded: () => follower.loaded(),
    isLoaded: () => isLoaded,
    digest: (cluster) => statusDigest(seenOf(cluster)),
    forget: (cluster) => void clusters.delete(cluster),
    highestSeq: (cluster) => Array.from(seenOf(cluster), ({ seq }) => seq).reduce((a, b) => Math.max(a, b), 0),
  };
}

/** Delivers each status to one replica only, and again when that replica dies before `onStatus` is done. The signal ends it. */
export async function consumeStatusOnce(
  deps: { nats: HubNats; logger: Logger },
  options: { onStatus(cluster: string, status: AppStatus): Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const partitions = Array.from({ length: statusPartitions }, (_, partition) => partition);
  await Promise.all(partitions.map((partition) => consumePartition(deps, { ...options, partition }, signal)));
}

async function consumePartition(
  deps: { nats: HubNats; logger: Logger },
  options: { partition: number; onStatus(cluster: string, status: AppStatus): Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      const consumer = await deps.nats.jetstream.consumers.get(streams.status, statusConsumer(options.partition));
      const messages = await consumer.consume({ max_messages: 500 });
      attempt = 0;
      await handleAll(messages, async (message) => await handle(deps.logger, message, options), signal);
    } catch (error) {
      if (!signal.aborted)
        deps.logger.warn({ err: error, partition: options.partition }, 'consuming statuses failed; trying again');
    }
    await sleep(backoffMs(attempt, { baseMs: 200, maxMs: 10_000 }), signal);
  }
}

/** One after the other, until the signal aborts or the server lets go of the consumer. */
async function handleAll(
  messages: ConsumerMessages,
  task: (message: JsMsg) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stop = () => void messages.close();
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) stop();
    for await (const message of messages) await task(message);
  } finally {
    // consuming begins anew with every reconnection, the signal lives as long as the process
    signal.removeEventListener('abort', stop);
  }
}

async function handle(
  logger: Logger,
  message: JsMsg,
  options: { onStatus(cluster: string, status: AppStatus): Promise<void> },
): Promise<void> {
  try {
    const { cluster, status } = read(message);
    await options.onStatus(cluster, status);
    message.ack();
  } catch (error) {
    logger.warn({ err: error, subject: message.subject }, 'a status could not be dealt with');
    // what cannot be read never can; anything else is tried again, unless a newer status replaces it first
    if (message.info.deliveryCount >= 5) message.term();
    else message.nak(1_000);
  }
}

function createOrderCheck(clusters: Map<string, Map<string, Seen>>): (cluster: string, status: AppStatus) => boolean {
  return (cluster, { app, gen, seq, removed }) => {
    let seen = clusters.get(cluster);
    if (!seen) {
      seen = new Map();
      clusters.set(cluster, seen);
    }
    if (!isNewer({ gen, seq }, seen.get(app))) return false;
    seen.set(app, removed ? { app, gen, seq, removed } : { app, gen, seq });
    return true;
  };
}

/** The same again is no attempt: an acknowledgement may have been lost. */
function isOlder(status: Seen, known: Seen | undefined): boolean {
  return known !== undefined && isNewer(known, status);
}

/** What a spoke sent may be anything; what cannot be read is refused, and nothing else. */
function readOrRefuse(
  message: JsMsg,
  { onRefused }: Pick<StatusOptions, 'onRefused'>,
): { cluster: string; status: AppStatus } | undefined {
  try {
    return read(message);
  } catch (error) {
    if (!onRefused) throw error;
    const words = message.subject.split('.');
    onRefused((words[2] === 'st' ? words[4] : words[3]) ?? '', error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** The subject was checked by NATS against the sender's identity; the content must agree with it. */
function read(message: JsMsg): { cluster: string; status: AppStatus } {
  // a subject with a wildcard in it is stored as it was sent, without the transform
  const [, cluster = '', token = ''] = /^fleet\.v1\.st\.\d+\.([^.*>]+)\.([^.*>]+)$/.exec(message.subject) ?? [];
  if (cluster === '') throw new Error(`a status was sent under ${message.subject}`);
  const status = parseStatus(message.string());
  if (status.app === parseToken(token)) return { cluster, status };
  throw new Error(`status of ${status.app} was sent under ${message.subject}`);
}
