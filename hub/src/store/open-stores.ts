import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Authority } from '../fleet/authority.ts';
import { createFleetRecords, type FleetRecords } from '../fleet/records.ts';
import { createHydrationStore, type HydrationStore } from '../hydrate/hydration-store.ts';
import { createRolloutStore, type RolloutStore } from '../rollout/rollout-store.ts';
import { type Additions, createAdditions } from './additions.ts';
import { type AuditLog, createAuditLog } from './audit.ts';
import { type BlobStore, createBlobStore } from './blobs.ts';
import type { Bucket } from './bucket.ts';
import { createDerived, type Derived } from './derived.ts';
import { createDocumentStore, type DocumentStore } from './documents.ts';
import { openBucket } from './kv.ts';
import type { HubNats } from './nats.ts';
import { createSeal } from './seal.ts';
import { createSpecStore, type SpecStore } from './specs.ts';
import { ensureStreams } from './streams.ts';
import { createVerdicts, type Verdicts } from './verdicts.ts';

/** Everything that the hub keeps in NATS, with the copies in memory filled. */
export interface Stores {
  specs: SpecStore;
  derived: Derived;
  additions: Additions;
  verdicts: Verdicts;
  records: FleetRecords;
  rollouts: RolloutStore;
  hydrations: HydrationStore;
  documents: DocumentStore;
  blobs: BlobStore;
  /** What code hosts answered; may be deleted. Not copied to memory. */
  hosts: Bucket;
  audit: AuditLog;
}

export interface OpenStoresDeps {
  nats: HubNats;
  logger: Logger;
  authority: Authority;
  /** 32 bytes, kept outside of NATS. */
  sealingKey: Uint8Array;
  now: () => Date;
  /** NATS lost its data while the hub was running. */
  onLost?(): void;
}

/** A week: longer than any interval at which hosts are asked. */
const hostAnswerTtlMs = 7 * 24 * 3_600_000;

export async function openStores(deps: OpenStoresDeps, signal: AbortSignal): Promise<Stores> {
  const { nats, logger, authority, now } = deps;
  await ensureStreams({ nats, logger });
  const bucket = async (name: string) => await openBucket({ nats, logger }, { name }, signal);
  const blobs = createBlobStore({ nats });
  const documents = createDocumentStore({ nats, blobs, logger, authority }, signal);
  const [specs, derived, additions, verdicts, records, rollouts, hydrations] = await Promise.all([
    bucket('spec').then(
      async (spec) => await createSpecStore({ bucket: spec, seal: createSeal(deps.sealingKey), now }),
    ),
    bucket('derived').then(createDerived),
    bucket('fleet').then(createAdditions),
    bucket('fleet').then(createVerdicts),
    openBucket({ nats, logger }, { name: 'fleet', ...(deps.onLost ? { onReplaced: deps.onLost } : {}) }, signal).then(
      async (fleet) => await createFleetRecords(fleet, logger),
    ),
    bucket('fleet').then(async (fleet) => await createRolloutStore(fleet, logger)),
    bucket('fleet').then(createHydrationStore),
    documents.loaded(),
  ]);
  const hosts = await openBucket({ nats, logger }, { name: 'hosts', ttlMs: hostAnswerTtlMs }, signal);
  return {
    specs,
    derived,
    additions,
    verdicts,
    records,
    rollouts,
    hydrations,
    documents,
    blobs,
    hosts,
    audit: createAuditLog({ nats, logger, now }),
  };
}
