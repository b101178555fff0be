/**
 * The signed document of each cluster, in stream DESIRED. Written with compare-and-set, so that two replicas never
 * overwrite each other; publishing is also what sends it to the spoke. It never decides what a document says.
 */
import { createHash } from 'node:crypto';
import { headers } from '@nats-io/transport-node';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { type DocumentKeys, parseDocumentKeys, type SigningKey } from '@wheelhouse/shared/protocol/document-key';
import { openDocument, signDocument } from '@wheelhouse/shared/protocol/envelope';
import { subjects } from '@wheelhouse/shared/protocol/subjects';
import type { BlobStore } from './blobs.ts';
import { follow } from './follow.ts';
import { apiErrorCode, type HubNats } from './nats.ts';
import { streams } from './streams.ts';

/** What every replica knows of a cluster's document without reading it. */
export interface DocumentHead {
  gen: number;
  /** Stream sequence, for compare-and-set. */
  seq: number;
}

export interface StoredDocument {
  document: AssignmentDocument;
  seq: number;
  /** Digest of the blob that holds it, when it is a big one. */
  page?: string;
}

export interface DocumentStore {
  /** The newest document. Throws SignatureInvalid when it is not signed by a key of this hub. */
  find(cluster: string): Promise<StoredDocument | undefined>;
  /** Signs and publishes; `expectedSeq` is that of the document it replaces, 0 for none. Returns the new sequence. Throws Conflict. */
  publish(document: AssignmentDocument, expectedSeq: number): Promise<number>;
  /** By watch; undefined for a cluster without document. */
  head(cluster: string): DocumentHead | undefined;
  /** Those that have a document, by watch. */
  clusters(): string[];
  /** Resolves once all heads are known. */
  loaded(): Promise<void>;
}

export interface DocumentStoreDeps {
  nats: HubNats;
  blobs: BlobStore;
  logger: Logger;
  authority: { documentKey: SigningKey; documentKeys: DocumentKeys };
}

const generationHeader = 'Wheelhouse-Generation';
const wrongLastSequence = new Set([10_071, 10_164]);
const attempts = 4;

/** The signal ends the watch of heads. */
export function createDocumentStore(deps: DocumentStoreDeps, signal: AbortSignal): DocumentStore {
  const { nats, blobs, authority } = deps;
  const keys = parseDocumentKeys(authority.documentKeys);
  const heads = new Map<string, DocumentHead>();
  const follower = follow(
    deps,
    {
      stream: streams.desired,
      headersOnly: true,
      onMessage: ({ subject, headers: found, seq }) =>
        void heads.set(clusterOf(subject), { gen: Number(found?.get(generationHeader)), seq }),
      onReplaced: () => heads.clear(),
    },
    signal,
  );
  return {
    find: async (cluster) => {
      const last = { last_by_subj: subjects.desired(cluster) };
      const stored = await nats.run(() => nats.manager.direct.getMessage(streams.desired, last), attempts);
      if (!stored) return undefined;
      const pages: { page?: string } = {};
      const document = await openDocument(stored.data, {
        cluster,
        keys,
        appliedGen: -1,
        page: (page) => {
          pages.page = page;
          return blobs.get(page);
        },
      });
      return { document, seq: stored.seq, ...pages };
    },
    publish: async (document, expectedSeq) => {
      const { envelope, page } = signDocument(document, authority.documentKey);
      if (page) await blobs.put(page.digest, page.content);
      const seq = await publish(nats, { document, envelope, expectedSeq });
      if (seq > (heads.get(document.cluster)?.seq ?? 0)) heads.set(document.cluster, { gen: document.gen, seq });
      return seq;
    },
    head: (cluster) => heads.get(cluster),
    clusters: () => [...heads.keys()],
    loaded: () => follower.loaded(),
  };
}

function clusterOf(subject: string): string {
  return subject.split('.')[3] ?? '';
}

interface Publication {
  document: AssignmentDocument;
  envelope: Buffer;
  expectedSeq: number;
}

/** A retry carries the same message id, so that a publication whose acknowledgement was lost is not taken for a conflict. */
async function publish(nats: HubNats, { document, envelope, expectedSeq }: Publication): Promise<number> {
  const { cluster, gen } = document;
  const msgID = `${cluster}.${gen}.${createHash('sha256').update(envelope).digest('hex').slice(0, 16)}`;
  const carried = headers();
  carried.set(generationHeader, String(gen));
  const options = { msgID, headers: carried, expect: { lastSubjectSequence: expectedSeq } };
  try {
    const { seq } = await nats.run(
      () => nats.jetstream.publish(subjects.desired(cluster), envelope, options),
      attempts,
    );
    return seq;
  } catch (cause) {
    if (!wrongLastSequence.has(apiErrorCode(cause))) throw cause;
    throw new FleetError('Conflict', `another replica published a document of ${cluster} first; read it again`, {
      retryable: true,
      cause,
    });
  }
}
