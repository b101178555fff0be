/**
 * What this cluster should run: the newest document that the hub signed for it. Receives documents as live messages and by
 * asking, verifies each, keeps the last three with their bundles on disk, and starts from disk without the hub.
 * That no document can be had never means that nothing should run; what cannot be verified changes nothing.
 */
import type { KeyObject } from 'node:crypto';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { Clock } from '@wheelhouse/shared/async/clock';
import { FleetError, isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { parseInline } from '@wheelhouse/shared/protocol/blob';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { type DocumentKeys, parseDocumentKeys } from '@wheelhouse/shared/protocol/document-key';
import { openDocument } from '@wheelhouse/shared/protocol/envelope';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { Link } from '../link/link.ts';
import { type BundleFiles, openBundleFiles } from './bundle-files.ts';
import { createBundles } from './bundles.ts';
import { type DocumentFiles, keptDocuments, openDocumentFiles } from './document-files.ts';
import { createRejections, type Rejections } from './rejections.ts';

export interface DesiredDocument {
  document: AssignmentDocument;
  /** Bundle by digest. Throws DigestMismatch, NotFound, TransportUnavailable. */
  manifests(digest: string): Promise<KubeObject[]>;
  /** Read from disk at start rather than received. */
  restored: boolean;
}

/** Disposing waits for the document that is being taken. */
export interface Desired extends AsyncDisposable {
  /** Generation of the newest verified document, 0 when there is none. */
  appliedGen(): number;
  rejected(): Heartbeat['rejected'];
  /** The hub says which generation is the newest: a newer one is asked for soon, and otherwise nothing was missed. */
  newestIs(gen: number): void;
  /** The newest verified document as it came. Throws NotFound. */
  held(): Promise<{ gen: number; bytes: Uint8Array }>;
  /** A page or bundle that a kept document names. Throws NotFound. */
  heldContent(digest: string): Promise<Uint8Array>;
}

export interface DesiredDeps {
  link: Pick<Link, 'cluster' | 'state' | 'documentKeys' | 'latest' | 'blob' | 'onLive' | 'onConnect'> &
    Partial<Pick<Link, 'formerNames'>>;
  logger: Logger;
  clock: Clock;
  random: () => number;
  /** Called in the order of generations. */
  onDocument(desired: DesiredDocument): void;
  /** Bundles that are healed from although no kept document names them, by digest. */
  heldBundles(): Iterable<string>;
}

export interface DesiredOptions {
  stateDir: string;
  /** Wait between two questions for the newest document; default 5 to 10 minutes, at random. */
  pollMs?: number | undefined;
}

const defaultPollMs = 300_000;
/** Within which the hub is given time to answer the first heartbeat of a connection, which tells more cheaply whether something was missed. */
const doubtMs = 10_000;

/** Hands over the document on disk, if there is one, before it returns. */
export async function createDesired(deps: DesiredDeps, options: DesiredOptions): Promise<Desired> {
  const { link, logger, clock } = deps;
  const stop = new AbortController();
  const documents = await openDocumentFiles(options.stateDir);
  const files = await openBundleFiles(options.stateDir);
  const rejections = createRejections({ logger, now: () => new Date(clock.now()) });
  const bundles = createBundles({ link, files, rejections }, stop.signal);
  const kept: Kept[] = [];
  const open = createOpener(link, (digest) => bundles.content(digest));
  const handOver = (document: AssignmentDocument, restored: boolean) =>
    deps.onDocument({ document, restored, manifests: (digest) => bundles.manifests(digest) });
  const appliedGen = () => kept[0]?.document.gen ?? 0;

  const accept = async (bytes: Uint8Array) => {
    if (kept[0] && isSame(kept[0], bytes, link.documentKeys())) return;
    const opened = await open(bytes, appliedGen());
    stop.signal.throwIfAborted();
    const { document } = opened;
    await keepInline(document, { files, rejections });
    await documents.save(document.gen, bytes);
    if (stop.signal.aborted) return;
    logger.info({ cluster: link.cluster, gen: document.gen, apps: document.apps.length }, 'document received');
    kept.unshift(opened);
    kept.splice(keptDocuments);
    handOver(document, false);
    await files.keepOnly(new Set([...digestsOf(kept), ...deps.heldBundles()]));
  };
  let queue: Promise<void> = Promise.resolve();
  const receive = (bytes: Uint8Array, isHint: boolean) => {
    queue = queue
      .then(() => accept(bytes))
      .catch((error: unknown) => refuse(toFleetError(error), { isHint, appliedGen: appliedGen(), rejections }));
    return queue;
  };

  kept.push(...(await restore(documents, { open, logger, names: [link.cluster, ...(link.formerNames?.() ?? [])] })));
  if (kept[0]) handOver(kept[0].document, true);
  const asking = createAsking({ ...deps, receive: (bytes) => receive(bytes, false) }, options, stop.signal);
  const subscriptions = [link.onLive((bytes) => void receive(bytes, true)), link.onConnect(() => asking.doubt())];
  if (link.state() === 'connected') asking.soon();
  return {
    appliedGen,
    rejected: () => rejections.summary(),
    newestIs: (gen) => (gen > appliedGen() ? asking.soon() : asking.settle()),
    held: async () => {
      const held = await documents.find(appliedGen());
      if (held) return { gen: appliedGen(), bytes: held };
      throw new FleetError('NotFound', `${link.cluster} holds no document`);
    },
    heldContent: async (digest) => {
      const content = digestsOf(kept).has(digest) ? await files.find(digest) : undefined;
      if (content) return content;
      throw new FleetError('NotFound', `${link.cluster} holds no ${digest}`);
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort(new FleetError('Aborted', 'the agent stops'));
      asking[Symbol.dispose]();
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
      await queue;
    },
  };
}

interface Kept {
  document: AssignmentDocument;
  /** Of the bytes as they came. */
  digest: string;
  /** By which it was verified. */
  keys: DocumentKeys;
  /** Digest of the page that holds it, if it came by one. */
  page?: string;
}

/** Each reconnection asks for what is nearly always held already; verifying it again is most of what that would cost. */
function isSame(kept: Kept, bytes: Uint8Array, keys: DocumentKeys): boolean {
  return kept.keys === keys && kept.digest === digestOf(bytes);
}

/** Opens a document of this cluster, or, from its own disk, of a name that it had. */
type Open = (bytes: Uint8Array, appliedGen: number, name?: string) => Promise<Kept>;

function createOpener(link: Pick<Link, 'cluster' | 'documentKeys'>, page: (digest: string) => Promise<Buffer>): Open {
  let parsed: { from: DocumentKeys; keys: Map<string, KeyObject> } | undefined;
  return async (bytes, appliedGen, name = link.cluster) => {
    const from = link.documentKeys();
    if (parsed?.from !== from) parsed = { from, keys: parseDocumentKeys(from) };
    let named: string | undefined;
    const document = await openDocument(bytes, {
      cluster: name,
      keys: parsed.keys,
      appliedGen,
      page: async (digest) => await page((named = digest)),
    });
    return { document, digest: digestOf(bytes), keys: from, ...(named === undefined ? {} : { page: named }) };
  };
}

/** Newest first; what no longer verifies is passed over. */
async function restore(
  documents: DocumentFiles,
  { open, logger, names }: { open: Open; logger: Logger; names: readonly string[] },
): Promise<Kept[]> {
  const restored: Kept[] = [];
  for (const { gen, bytes } of (await documents.load()).reverse()) {
    try {
      restored.push(await openAsAny(names, (name) => open(bytes, restored.at(-1)?.document.gen ?? -1, name)));
    } catch (error) {
      logger.error({ err: error, gen }, 'a document on disk cannot be used');
    }
  }
  return restored.reverse();
}

async function openAsAny(names: readonly string[], open: (name: string) => Promise<Kept>): Promise<Kept> {
  let wrong: unknown;
  for (const name of names) {
    try {
      return await open(name);
    } catch (error) {
      if (!isFleetError(error, 'WrongCluster')) throw error;
      wrong = error;
    }
  }
  throw wrong;
}

async function keepInline(
  { inline = {} }: AssignmentDocument,
  { files, rejections }: { files: Pick<BundleFiles, 'save'>; rejections: Rejections },
): Promise<void> {
  for (const [digest, text] of Object.entries(inline))
    try {
      const { content, packed } = parseInline(digest, text);
      await files.save(digest, content, packed);
    } catch (error) {
      // it can still be fetched by its digest
      if (!isFleetError(error)) throw error;
      rejections.add(error);
    }
}

/** What was asked for is often not newer, and a replica of the store may lag; only a hint that is older is worth a word. */
function refuse(error: FleetError, context: { isHint: boolean; appliedGen: number; rejections: Rejections }): void {
  if (error.code === 'Aborted') return;
  const isRepeated = error.code === 'GenerationOld' && (!context.isHint || error.details.gen === context.appliedGen);
  if (!isRepeated) context.rejections.add(error);
}

function digestsOf(kept: readonly Kept[]): Set<string> {
  return new Set(kept.flatMap(({ document, page }) => [...document.apps.map((app) => app.bundle), page ?? []].flat()));
}

interface Asking extends Disposable {
  soon(): void;
  /** Something may have been missed: asks in a while, unless that is settled before. */
  doubt(): void;
  settle(): void;
}

/** One question at a time: when told to, and every few minutes in case a hint was lost. */
function createAsking(
  deps: Pick<DesiredDeps, 'link' | 'logger' | 'clock' | 'random'> & { receive(bytes: Uint8Array): Promise<void> },
  options: DesiredOptions,
  signal: AbortSignal,
): Asking {
  const { link, logger, clock, random } = deps;
  const pollMs = options.pollMs ?? defaultPollMs;
  let timer: Disposable | undefined;
  let asking = false;
  let again = false;
  let failures = 0;
  let inDoubt = false;
  const schedule = (ms: number) => {
    timer?.[Symbol.dispose]();
    if (!signal.aborted) timer = clock.after(ms, () => void ask());
  };
  const ask = async () => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    inDoubt = false;
    try {
      const bytes = await link.latest(signal);
      failures = 0;
      if (bytes) await deps.receive(bytes);
      else
        logger.info({ cluster: link.cluster }, 'the hub holds no document for this cluster; what runs stays as it is');
    } catch (error) {
      failures += 1;
      logger.debug({ err: error, cluster: link.cluster }, 'cannot ask for the newest document');
    } finally {
      asking = false;
    }
    if (again) return schedule(0);
    const retries = failures > 0 && link.state() === 'connected';
    schedule(retries ? backoffMs(failures, { baseMs: 500, maxMs: 30_000, random }) : pollMs * (1 + random()));
  };
  schedule(pollMs * (1 + random()));
  return {
    soon: () => (asking ? void (again = true) : schedule(0)),
    doubt: () => {
      again = asking;
      inDoubt = !asking;
      if (inDoubt) schedule(doubtMs * (1 + random()));
    },
    settle: () => {
      if (!inDoubt) return;
      inDoubt = false;
      schedule(pollMs * (1 + random()));
    },
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  };
}
