/**
 * Turns what is desired into one signed document per cluster. A job is a shard of clusters; every document of the
 * shard is drafted anew and published only where it differs. Correctness comes from compare-and-set, not from who runs
 * the job. It never drops an Application without a withdrawal, and never publishes a generation that is not the highest.
 */

import { sleep } from '@wheelhouse/shared/async/abort';
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { formatInline } from '@wheelhouse/shared/protocol/blob';
import type { AssignedApp, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { activeTraceparent, spans, withSpan } from '@wheelhouse/shared/telemetry/tracing';
import { LRUCache } from 'lru-cache';
import type { Derived } from '../store/derived.ts';
import type { Applications } from './applications.ts';
import { type Draft, type DraftDeps, documentVersion, draftDocument, isPublished } from './document.ts';
import { shardOf } from './shard.ts';

export interface PublishedDocument {
  document: AssignmentDocument;
  /** Stream sequence, for compare-and-set. */
  seq: number;
}

export interface AssignDeps extends DraftDeps {
  logger: Logger;
  documents: {
    find(cluster: string): Promise<PublishedDocument | undefined>;
    /** Sequence of the newest one, as this replica has seen it. */
    head(cluster: string): { seq: number } | undefined;
    /** Signs and stores; throws Conflict unless the stored one still has `expectedSeq` (0: none). Returns the new sequence. */
    publish(document: Omit<AssignmentDocument, 'kid'>, expectedSeq: number): Promise<PublishedDocument>;
  };
  blobs: { get(digest: string): Promise<Uint8Array> };
  applications: Pick<Applications, 'byCluster' | 'accountAt' | 'find'>;
  derived: Pick<Derived, 'render'>;
  clusters: {
    /** Clusters whose agents may be given documents. */
    names(): Iterable<string>;
    /** Generation that it says it acts upon; 0 if it was not heard of. */
    reportedGeneration(cluster: string): number;
    /** Highest version of a document that its agent says it reads; undefined if it was not heard of. */
    readsDocuments(cluster: string): number | undefined;
  };
  onPublished?(cluster: string, published: PublishedDocument): void;
  /** Called with what nothing explains, each time a document is drafted. */
  onUnexplained?(cluster: string, apps: readonly AssignedApp[]): Promise<void>;
}

export interface AssignStage {
  /** Publishes what differs for every cluster of a shard. */
  run(shard: string, signal: AbortSignal): Promise<void>;
  /** Newest document that this replica published or read. */
  published(cluster: string): PublishedDocument | undefined;
}

const inlineBytes = 64 * 1024;
const maxInline = 64;
const bigDocument = 200;
const burstPauseMs = 150;
/** Lets the renders of one commit arrive in one document. */
const gatherMs = 15;

export function createAssignStage(deps: AssignDeps): AssignStage {
  const known = new Map<string, PublishedDocument>();
  const pack = createPacker(deps.blobs);
  const shards = new Map<string, string>();
  const isIn = (shard: string, cluster: string) => {
    const known = shards.get(cluster) ?? shardOf(cluster);
    shards.set(cluster, known);
    return known === shard;
  };
  // one that another replica has replaced may by chance be what is wanted again (a rollout's return), and says nothing
  const findKnown = (cluster: string) => {
    const found = known.get(cluster);
    return found && (deps.documents.head(cluster)?.seq ?? 0) <= found.seq ? found : undefined;
  };
  const newest = async (cluster: string, remembered: PublishedDocument | undefined) => {
    const kept = findKnown(cluster);
    const isNewest = kept && !isBehind(cluster, kept, deps);
    const found = isNewest ? kept : ((await deps.documents.find(cluster)) ?? remembered);
    if (found) known.set(cluster, found);
    return found;
  };
  const assign = async (cluster: string, signal: AbortSignal) => {
    // a document that the stream lost goes on from what this replica knows of it
    let remembered: PublishedDocument | undefined;
    for (let attempt = 0; attempt < 5 && !signal.aborted; attempt += 1) {
      const previous = await newest(cluster, remembered);
      if (isBehind(cluster, previous, deps)) return undefined;
      try {
        const published = await publishChange(cluster, previous, { ...deps, pack });
        if (published) {
          known.set(cluster, published);
          deps.onPublished?.(cluster, published);
        }
        return published;
      } catch (error) {
        if (!isFleetError(error, 'Conflict')) throw error;
        remembered = previous && { document: previous.document, seq: 0 };
        known.delete(cluster);
      }
    }
    return undefined;
  };
  return {
    run: async (shard, signal) => {
      await sleep(gatherMs, signal);
      let largest = 0;
      for (const cluster of deps.clusters.names()) {
        if (!isIn(shard, cluster)) continue;
        const published = await assign(cluster, signal);
        largest = Math.max(largest, published?.document.apps.length ?? 0);
      }
      // A burst of renders ends in a few big documents rather than one for each render.
      if (largest > bigDocument) await sleep(burstPauseMs, signal);
    },
    published: (cluster) => known.get(cluster),
  };
}

async function publishChange(
  cluster: string,
  previous: PublishedDocument | undefined,
  deps: AssignDeps & { pack: Pack },
): Promise<PublishedDocument | undefined> {
  const draft = draftDocument(cluster, previous?.document, deps);
  await deps.onUnexplained?.(cluster, draft.unexplained);
  const reads = deps.clusters.readsDocuments(cluster);
  if (previous ? isPublished(draft, previous.document) && isRead(previous.document, reads) : isEmpty(draft))
    return undefined;
  return await inSpan(cluster, draft.changed, async (traced) => {
    const changed = new Set(draft.changed.map((app) => app.app));
    const plain = draft.changed.filter((app) => isKnownPlain(app, deps));
    const inline = await inlineBundles(plain, deps.pack);
    return await deps.documents.publish(
      {
        v: documentVersion(draft, previous?.document, reads),
        cluster,
        gen: (previous?.document.gen ?? 0) + 1,
        issuedAt: deps.now().toISOString(),
        apps:
          traced === undefined
            ? draft.apps
            : draft.apps.map((app) => (changed.has(app.app) ? { ...app, traceparent: traced } : app)),
        ops: draft.ops,
        tombstones: draft.tombstones,
        ...(draft.registration ? { registration: draft.registration } : {}),
        ...(draft.orphans ? { orphans: draft.orphans } : {}),
        ...(inline ? { inline } : {}),
      },
      previous?.seq ?? 0,
    );
  });
}

/**
 * A spoke that acts upon a newer document than the hub has says what it runs better than any draft could: nothing is
 * published before that document was taken over.
 */
function isBehind(cluster: string, previous: PublishedDocument | undefined, deps: AssignDeps): boolean {
  return deps.clusters.reportedGeneration(cluster) > (previous?.document.gen ?? 0);
}

/** An agent may have been put back to a version that does not read what it was given. */
function isRead({ v }: AssignmentDocument, reads: number | undefined): boolean {
  return v < 3 || reads === undefined || reads >= v;
}

function isEmpty({ apps, ops, tombstones, registration }: Draft): boolean {
  return apps.length === 0 && ops.length === 0 && tombstones.length === 0 && !registration;
}

/** One span a publication, in the trace of the commit that changed something; the spoke continues it. */
async function inSpan(
  cluster: string,
  changed: readonly AssignedApp[],
  publish: (traceparent: string | undefined) => Promise<PublishedDocument>,
): Promise<PublishedDocument> {
  const traceparent = changed.find((app) => app.traceparent)?.traceparent;
  if (!traceparent) return await publish(undefined);
  return await withSpan(
    spans.clusterAssign,
    { traceparent, attributes: { cluster, apps: changed.length } },
    async () => await publish(activeTraceparent()),
  );
}

/**
 * Whether no data of Secrets are in the bundle, so that it may travel in a document. Only the newest render can say so, and
 * only of its own bundle: of one that a rollout pinned, nobody knows any more what its manifests were.
 */
function isKnownPlain({ app, bundle }: AssignedApp, { applications, derived }: AssignDeps): boolean {
  const request = applications.find(app)?.request;
  const outcome = request && derived.render(request.key);
  if (!outcome || outcome.holdsSecrets) return false;
  return bundle === outcome.record?.digest || bundle === outcome.rest?.digest;
}

/** A bundle, gzipped and base64. */
type Pack = (digest: string) => Promise<string>;

/** The same bundle goes to many clusters, and many ask for it at once: each is read and packed once, and up to 32 MB are kept. */
function createPacker(blobs: AssignDeps['blobs']): Pack {
  const packed = new LRUCache<string, string>({
    maxSize: 32 * 1024 * 1024,
    sizeCalculation: (text) => text.length,
    fetchMethod: async (digest) => formatInline(await blobs.get(digest)),
  });
  return async (digest) => await packed.forceFetch(digest);
}

/** Bundles that changed travel inside the document when all of them together are small. */
async function inlineBundles(changed: readonly AssignedApp[], pack: Pack): Promise<Record<string, string> | undefined> {
  const digests = new Set(changed.map((app) => app.bundle));
  if (digests.size === 0 || digests.size > maxInline) return undefined;
  const inline: Record<string, string> = {};
  let total = 0;
  for (const digest of digests) {
    const text = await pack(digest);
    total += text.length;
    if (total > inlineBytes) return undefined;
    inline[digest] = text;
  }
  return inline;
}
