/**
 * Takes over what a cluster holds when the hub does not have it: the newest document that this hub once signed for it and,
 * where the cluster itself is not known, what that document says of the cluster. Everything is verified first: a spoke can
 * show only what the hub signed. It deletes nothing and changes nothing on the cluster.
 */
import type { KeyObject } from 'node:crypto';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { parseInline } from '@wheelhouse/shared/protocol/blob';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { openDocument } from '@wheelhouse/shared/protocol/envelope';
import { registrationSchema } from '@wheelhouse/shared/protocol/registration';
import type { Additions } from '../store/additions.ts';
import type { AuditLog } from '../store/audit.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { DocumentHead, DocumentStore } from '../store/documents.ts';
import { adoptedApplication } from './adopted-application.ts';
import type { Commands } from './commands.ts';
import { findCluster } from './former-names.ts';
import type { AdoptedRecord, ClusterRecord, FleetRecords } from './records.ts';

export interface TakeOverDeps {
  records: Pick<FleetRecords, 'clusters' | 'adopted'>;
  commands: Pick<Commands, 'document' | 'blob'>;
  documents: Pick<DocumentStore, 'publish'>;
  head(cluster: string): DocumentHead | undefined;
  additions: Pick<Additions, 'withdrawals' | 'putWithdrawals'>;
  blobs: Pick<BlobStore, 'put' | 'has'>;
  /** Keys of this hub. */
  keys: ReadonlyMap<string, KeyObject>;
  signingKeyId: string;
  /** Why a key may not come back, if it may not. */
  whyRevoked(publicKey: string): string | undefined;
  audit: AuditLog;
  logger: Logger;
  now: () => Date;
}

export interface TakeOverRequest {
  cluster: string;
  /** Generation that its heartbeat reported. */
  gen: number;
}

const parallelBundles = 4;

/** Throws what is in the way: ClusterUnavailable, Malformed, SignatureInvalid, WrongCluster, GenerationOld, Forbidden, Conflict. */
export async function takeOver(
  { cluster, gen }: TakeOverRequest,
  deps: TakeOverDeps,
  signal: AbortSignal,
): Promise<void> {
  const head = deps.head(cluster);
  const document = await readHeld({ cluster, gen }, deps, signal);
  if ((head?.gen ?? 0) >= document.gen)
    throw new FleetError('Conflict', `generation ${document.gen} of cluster ${cluster} was taken over already`);
  // what is noted of a step goes before it, and the document is last: what a crash leaves undone, the next heartbeat does
  if (!findCluster(deps.records, cluster)) await register(cluster, document, deps);
  await keepWithdrawals(cluster, document, deps);
  await keepBundles(cluster, document, { deps, signal });
  await note(cluster, deps.records, ({ problem: _problem, ...record }) => ({
    ...record,
    adoptedAt: deps.now().toISOString(),
    generation: document.gen,
  }));
  const { inline: _inline, ...held } = document;
  await deps.documents.publish({ ...held, cluster, kid: deps.signingKeyId }, head?.seq ?? 0);
  const details = { gen: document.gen, apps: document.apps.length, tombstones: document.tombstones.length };
  await deps.audit.append({ by: 'hub', action: 'adopt document', object: cluster, details });
  deps.logger.warn({ cluster, ...details }, 'took over the document that a cluster held');
}

/** Remembers why a cluster's document could not be taken over. */
export async function noteProblem(
  cluster: string,
  error: unknown,
  deps: Pick<TakeOverDeps, 'records' | 'now'>,
): Promise<void> {
  const { code, message } = toFleetError(error);
  const known = deps.records.adopted.find(cluster)?.problem;
  if (known?.code === code && known.message === message) return;
  const problem = { code, message, at: deps.now().toISOString() };
  await note(cluster, deps.records, (record) => ({ ...record, problem }));
}

async function readHeld(
  { cluster, gen }: TakeOverRequest,
  { commands, keys, records }: TakeOverDeps,
  signal: AbortSignal,
): Promise<AssignmentDocument> {
  const envelope = await commands.document(cluster, signal);
  const names = [cluster, ...(records.clusters.find(cluster)?.formerNames ?? [])];
  const page = async (digest: string) => await commands.blob(cluster, digest, signal);
  const document = await openAsAny(names, (name) =>
    openDocument(envelope, { cluster: name, keys, appliedGen: -1, page }),
  );
  if (document.gen >= gen) return document;
  throw new FleetError(
    'GenerationOld',
    `cluster ${cluster} says that it acts upon generation ${gen} but holds a document of generation ${document.gen}`,
  );
}

async function openAsAny(
  names: readonly string[],
  open: (name: string) => Promise<AssignmentDocument>,
): Promise<AssignmentDocument> {
  const [name = '', ...others] = names;
  try {
    return await open(name);
  } catch (error) {
    if (others.length === 0 || toFleetError(error).code !== 'WrongCluster') throw error;
    return await openAsAny(others, open);
  }
}

async function register(cluster: string, { registration, gen }: AssignmentDocument, deps: TakeOverDeps): Promise<void> {
  const parsed = registrationSchema.safeParse(registration);
  if (!parsed.success)
    throw new FleetError(
      'Malformed',
      `the document of ${cluster} does not say who it is: make a token with 'wheelhouse cluster token ${cluster}' and start its agent with it`,
    );
  const revoked = deps.whyRevoked(parsed.data.publicKey);
  if (revoked !== undefined)
    throw new FleetError('Forbidden', `the key of ${cluster} was revoked: ${revoked}; it is not taken over`);
  const at = deps.now().toISOString();
  const reason = `taken over from its document of generation ${gen}`;
  const record = { ...parsed.data, name: cluster, history: [{ at, by: 'hub', reason }] } as ClusterRecord;
  await note(cluster, deps.records, (noted) => ({ ...noted, registered: true }));
  await deps.records.clusters.put(cluster, record, 0);
  await deps.audit.append({
    by: 'hub',
    action: 'adopt cluster',
    object: cluster,
    details: { gen, labels: record.labels },
  });
}

/** A deletion that was decided before, and that the cluster carries out anyway, is not forgotten half-way. */
async function keepWithdrawals(cluster: string, { tombstones }: AssignmentDocument, deps: TakeOverDeps): Promise<void> {
  const known = new Set(deps.additions.withdrawals(cluster).map(({ app }) => app));
  const at = deps.now().toISOString();
  const lost = tombstones.filter(({ app }) => !known.has(app));
  await deps.additions.putWithdrawals(
    lost.map(({ app, reason, cascade }) => ({
      app,
      cluster,
      reason,
      cascade,
      by: 'hub',
      at,
      application: adoptedApplication({ app, ns: '', project: 'default' }, cluster),
    })),
  );
}

/** Another agent of the cluster, or one that lost its disk, finds its bundles on the hub again; rendering gives them back too. */
async function keepBundles(
  cluster: string,
  document: AssignmentDocument,
  { deps, signal }: { deps: TakeOverDeps; signal: AbortSignal },
): Promise<void> {
  const digests = [...new Set(document.apps.map(({ bundle }) => bundle))];
  await mapLimit(digests, parallelBundles, async (digest) => {
    try {
      if (await deps.blobs.has(digest)) return;
      const inline = document.inline?.[digest];
      const content =
        inline === undefined ? await deps.commands.blob(cluster, digest, signal) : parseInline(digest, inline).content;
      await deps.blobs.put(digest, content);
    } catch (error) {
      deps.logger.warn({ err: error, cluster, digest }, 'a bundle was not taken over; rendering may give it back');
    }
  });
}

async function note(
  cluster: string,
  records: Pick<FleetRecords, 'adopted'>,
  edit: (record: AdoptedRecord) => AdoptedRecord,
): Promise<void> {
  const stored = await records.adopted.read(cluster);
  const record = edit(stored?.value ?? { cluster, unexplained: [] });
  await records.adopted.put(cluster, record, stored?.revision ?? 0);
}
