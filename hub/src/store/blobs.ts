import type { StoredMsg } from '@nats-io/jetstream';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { digestOf } from '@wheelhouse/shared/kube/canonical';
import { blobName, formatBlob, parseBlob, partCountOf } from '@wheelhouse/shared/protocol/blob';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import { apiErrorCode, type HubNats } from './nats.ts';
import { streams } from './streams.ts';

/** Rendered manifests and document pages by digest. Write-once: what a digest names never changes. */
export interface BlobStore {
  /** Stores content under its digest; storing it again is free. Throws DigestMismatch, TooLarge. */
  put(digest: string, content: Uint8Array): Promise<void>;
  /** Throws NotFound, DigestMismatch. */
  get(digest: string): Promise<Buffer>;
  has(digest: string): Promise<boolean>;
  /** Says of any digest whether it was stored when this was called. */
  stored(): Promise<(digest: string) => boolean>;
  /** Names (see `blobName`) of what was stored before a time. */
  storedBefore(time: Date, signal: AbortSignal): Promise<Set<string>>;
  /** By name. What is named again is to be stored again. */
  delete(name: string): Promise<void>;
}

const maxPerSubjectExceeded = 10_077;
const parallelParts = 4;
const attempts = 3;

export function createBlobStore({ nats }: { nats: HubNats }): BlobStore {
  const readPart = async (digest: string, part: number): Promise<Uint8Array> => {
    const message = await findPart(nats, digest, part);
    if (message) return message.data;
    throw new FleetError('NotFound', `bundle ${digest} is not stored (part ${part}); render it again`, {
      retryable: true,
    });
  };
  return {
    put: async (digest, content) => {
      if (digestOf(content) !== digest)
        throw new FleetError('DigestMismatch', `the content to store is not that of ${digest}`, { retryable: false });
      const parts = await formatBlob(digest, content);
      // the first part goes last: whoever finds it can count on the others
      const rest = parts.map((bytes, part) => ({ bytes, part })).slice(1);
      await mapLimit(rest, parallelParts, ({ bytes, part }) =>
        putPart(nats, subjects.blobStored(blobName(digest), part), bytes),
      );
      await putPart(nats, subjects.blobStored(blobName(digest), 0), parts[0] ?? Buffer.alloc(0));
    },
    get: async (digest) => {
      const first = await readPart(digest, 0);
      const rest = Array.from({ length: partCountOf(first) - 1 }, (_, index) => index + 1);
      return await parseBlob(digest, [
        first,
        ...(await mapLimit(rest, parallelParts, (part) => readPart(digest, part))),
      ]);
    },
    has: async (digest) => (await findPart(nats, digest, 0)) !== null,
    stored: async () => {
      const filter = { subjects_filter: subjects.blobStored('*', 0) };
      const { state } = await nats.run(() => nats.manager.streams.info(streams.blobs, filter), attempts);
      const names = new Set(Object.keys(state.subjects ?? {}).map((subject) => subject.split('.')[3]));
      return (digest) => names.has(blobName(digest));
    },
    storedBefore: async (time, signal) => await listBefore(nats, time, signal),
    delete: async (name) => {
      await nats.run(() => nats.manager.streams.purge(streams.blobs, { filter: subjects.blobParts(name) }), attempts);
    },
  };
}

async function listBefore(nats: HubNats, time: Date, signal: AbortSignal): Promise<Set<string>> {
  const names = new Set<string>();
  const filter = { filter_subjects: subjects.blobStored('*', 0), headers_only: true };
  const consumer = await nats.run(() => nats.jetstream.consumers.get(streams.blobs, filter));
  const { num_pending: pending } = await consumer.info(true);
  if (pending === 0) return names;
  const messages = await consumer.consume({ max_messages: 2_000 });
  const stop = () => void messages.close();
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    for await (const { subject, time: storedAt, info } of messages) {
      if (storedAt >= time) break;
      names.add(subject.split('.')[3] ?? '');
      if (info.pending === 0) break;
    }
    signal.throwIfAborted();
    return names;
  } finally {
    signal.removeEventListener('abort', stop);
    await messages.close();
  }
}

async function findPart(nats: HubNats, digest: string, part: number): Promise<StoredMsg | null> {
  const subject = subjects.blobStored(blobName(digest), part);
  return await nats.run(() => nats.manager.direct.getMessage(streams.blobs, { last_by_subj: subject }), attempts);
}

async function putPart(nats: HubNats, subject: string, bytes: Uint8Array): Promise<void> {
  try {
    await nats.run(() => nats.jetstream.publish(subject, bytes), attempts);
  } catch (error) {
    if (apiErrorCode(error) !== maxPerSubjectExceeded) throw error;
  }
}
