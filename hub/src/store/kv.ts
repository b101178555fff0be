import { type KV, Kvm } from '@nats-io/kv';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Bucket, BucketChange } from './bucket.ts';
import { type Follower, follow } from './follow.ts';
import { apiErrorCode, type HubNats } from './nats.ts';

const wrongLastSequence = new Set([10_071, 10_164]);

const attempts = 3;

/** A watch delivers in milliseconds; a server that comes back takes some seconds. */
const caughtUpMs = 60_000;

export interface BucketOptions {
  /** `spec`, `fleet`, `derived`… */
  name: string;
  /** Default 1. */
  replicas?: number;
  /** Entries go after this long; default never. */
  ttlMs?: number;
  /** NATS lost the bucket and it was made anew: copies of it are of something that no longer exists. */
  onReplaced?(): void;
}

/** Opens a last-value table in JetStream, made if it is not there. The signal ends its watches. */
export async function openBucket(
  deps: { nats: HubNats; logger: Logger },
  options: BucketOptions,
  signal: AbortSignal,
): Promise<Bucket> {
  const { nats, logger } = deps;
  const settings = { history: 1, replicas: options.replicas ?? 1, ...(options.ttlMs ? { ttl: options.ttlMs } : {}) };
  const create = async () => await nats.run(() => new Kvm(nats.jetstream).create(options.name, settings), attempts);
  const kv = await create();
  // a server may come back without its data
  const reconnected = nats.onReconnect(() => {
    create().catch((error: unknown) => logger.error({ err: error, bucket: options.name }, 'cannot check a bucket'));
  });
  signal.addEventListener('abort', () => reconnected[Symbol.dispose]());
  const prefix = `$KV.${options.name}.`;
  let follower: Follower | undefined;
  return {
    get: async (key) => {
      const entry = await nats.run(() => kv.get(key), attempts);
      if (!entry || entry.operation !== 'PUT') return undefined;
      return { key, value: entry.value, revision: entry.revision };
    },
    put: async (key, value, expectedRevision) =>
      await nats.run(() => write(kv, { bucket: options.name, key, value, expectedRevision })),
    delete: async (key, expectedRevision) =>
      // one that is asked for again after it was done would look like a conflict
      await nats.run(
        () => remove(kv, { bucket: options.name, key, expectedRevision }),
        expectedRevision === undefined ? attempts : 1,
      ),
    watchAll: async (onEntry) => {
      const seen = new Set<string>();
      const emit = (change: BucketChange) => {
        if (change.value) seen.add(change.key);
        else seen.delete(change.key);
        onEntry(change);
      };
      follower = follow(
        { nats, logger },
        {
          stream: `KV_${options.name}`,
          ...(options.onReplaced ? { onReplaced: options.onReplaced } : {}),
          onMessage: (message) => {
            const isDeleted = ['DEL', 'PURGE'].includes(message.headers?.get('KV-Operation') ?? '');
            const key = message.subject.slice(prefix.length);
            if (!isDeleted || seen.has(key))
              emit({ key, value: isDeleted ? undefined : message.data, revision: message.seq });
          },
        },
        signal,
      );
      await follower.loaded();
    },
    caughtUp: async (revision) => {
      if (!follower) throw new FleetError('Internal', `bucket ${options.name} is not watched`);
      await awaitRevision(follower, { bucket: options.name, revision });
    },
  };
}

async function awaitRevision(
  follower: Follower,
  { bucket, revision }: { bucket: string; revision: number },
): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), caughtUpMs);
  try {
    await follower.reached(revision, late.signal);
  } catch (cause) {
    if (!late.signal.aborted) throw cause;
    const message = `${bucket} has revision ${revision}, which did not come back to this hub within ${caughtUpMs / 1_000} s: it is stored, read it before writing it again`;
    throw new FleetError('Timeout', message, { cause });
  } finally {
    // writes are many, and each would leave a timer for as long
    clearTimeout(timer);
  }
}

interface Removal {
  bucket: string;
  key: string;
  expectedRevision: number | undefined;
}

interface Write extends Removal {
  value: Uint8Array;
}

async function write(kv: KV, { bucket, key, value, expectedRevision }: Write): Promise<number> {
  try {
    if (expectedRevision === undefined) return await kv.put(key, value);
    return expectedRevision === 0 ? await kv.create(key, value) : await kv.update(key, value, expectedRevision);
  } catch (error) {
    throw conflictOr(error, bucket, key);
  }
}

async function remove(kv: KV, { bucket, key, expectedRevision }: Removal): Promise<void> {
  try {
    await kv.delete(key, expectedRevision === undefined ? {} : { previousSeq: expectedRevision });
  } catch (error) {
    throw conflictOr(error, bucket, key);
  }
}

function conflictOr(error: unknown, bucket: string, key: string): unknown {
  if (!wrongLastSequence.has(apiErrorCode(error))) return error;
  return new FleetError('Conflict', `${bucket} ${key} was changed by somebody else meanwhile; read it again`, {
    cause: error,
    retryable: true,
  });
}
