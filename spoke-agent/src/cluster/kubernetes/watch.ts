import type { Readable } from 'node:stream';
import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { KubeKind, WatchListener } from '../cluster.ts';
import type { KubeRequest, Requests } from './requests.ts';
import { errorOfStatus, isExpired, type KubeStatus } from './status-error.ts';

export interface WatchDeps {
  requests: Requests;
  /** Path of the kind's collection, of one namespace where it is given. Throws NotFound when the kind is not served. */
  pathOf: (kind: KubeKind, signal: AbortSignal, namespace?: string) => Promise<string>;
  random: () => number;
}

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: KubeObject & KubeStatus;
}

interface Following {
  kind: KubeKind;
  /** Leaves out what it does not match; an object that matches no longer is removed. */
  fieldSelector?: string;
  listener: WatchListener;
  signal: AbortSignal;
  /** Where the next watch begins; undefined: list first. */
  resourceVersion?: string | undefined;
}

const pageSize = 500;
/** API servers send a bookmark about once a minute; longer silence means a dead connection. */
const idleMs = 150_000;
/** A watch that lived this long was a good one: the next failure starts its back-off anew. */
const goodMs = 5_000;

/** List and watch, as client-go's reflector does: bookmarks, 410 lists again, everything else reconnects with back-off. */
export async function followKind(deps: WatchDeps, following: Following): Promise<void> {
  const { listener, signal } = following;
  let failures = 0;
  while (!signal.aborted) {
    const startedAt = Date.now();
    try {
      following.resourceVersion ??= await listAll(deps, following);
      await followOnce(deps, following);
    } catch (error) {
      if (signal.aborted) return;
      if (isExpired(error)) following.resourceVersion = undefined;
      else listener.failed(toFleetError(error, 'ClusterUnavailable'));
    }
    failures = Date.now() - startedAt > goodMs ? 0 : failures + 1;
    await sleep(backoffMs(failures, { baseMs: 50, maxMs: 30_000, random: deps.random }), signal);
  }
}

async function listAll(deps: WatchDeps, following: Following): Promise<string> {
  const { listener, signal } = following;
  listener.listing();
  let resourceVersion = '';
  for await (const page of listPages(deps, following, signal)) {
    resourceVersion = page.resourceVersion;
    for (const item of page.items) listener.changed(item);
  }
  listener.listed(resourceVersion);
  return resourceVersion;
}

interface Listing extends Pick<Following, 'kind' | 'fieldSelector'> {
  /** All namespaces unless given. */
  namespace?: string;
  /** As what it is asked for; whole objects unless given. */
  accept?: string;
}

interface ListPage {
  items: KubeObject[];
  resourceVersion: string;
}

interface ListAnswer {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: KubeObject[];
}

/** The items of a list name neither apiVersion nor kind; they are put back here. */
export async function* listPages(deps: WatchDeps, listing: Listing, signal: AbortSignal): AsyncGenerator<ListPage> {
  const { kind, namespace } = listing;
  const path = await deps.pathOf(kind, signal, namespace);
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  const what = `list ${kind.kind}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
  let next: string | undefined = '';
  while (next !== undefined) {
    const list: ListAnswer = await deps.requests.send({ method: 'GET', path, ...pageOf(listing, next), signal, what });
    const items = (list.items ?? []).map((item) => Object.assign(item, { apiVersion, kind: kind.kind }));
    yield { items, resourceVersion: list.metadata?.resourceVersion ?? '' };
    next = list.metadata?.continue || undefined;
  }
}

function pageOf({ fieldSelector, accept }: Listing, next: string): Pick<KubeRequest, 'query' | 'accept'> {
  const query = {
    limit: String(pageSize),
    ...(fieldSelector ? { fieldSelector } : {}),
    ...(next ? { continue: next } : {}),
  };
  return { query, ...(accept ? { accept } : {}) };
}

/** Kubernetes: a list of names, labels, annotations and owners, and nothing else. */
const metadataOf = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

export async function* listMetadata(
  deps: WatchDeps,
  listing: { kind: KubeKind; namespace: string },
  signal: AbortSignal,
): AsyncGenerator<KubeObject> {
  for await (const page of listPages(deps, { ...listing, accept: metadataOf }, signal)) yield* page.items;
}

async function followOnce(deps: WatchDeps, following: Following): Promise<void> {
  const { kind, fieldSelector, listener, signal } = following;
  const stream = await deps.requests.stream(
    {
      method: 'GET',
      path: await deps.pathOf(kind, signal),
      query: {
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion: following.resourceVersion ?? '',
        ...(fieldSelector ? { fieldSelector } : {}),
        timeoutSeconds: String(Math.round(300 + 300 * deps.random())),
      },
      signal,
      what: `watch ${kind.kind}`,
    },
    idleMs,
  );
  listener.connected();
  for await (const line of linesOf(stream)) receive(parseJson(line) as WatchEvent, following);
}

function receive({ type, object }: WatchEvent, following: Following): void {
  if (type === 'ERROR') throw errorOfStatus(object.code ?? 500, object, `watch ${following.kind.kind}`);
  following.resourceVersion = object.metadata.resourceVersion ?? following.resourceVersion;
  if (type === 'DELETED') following.listener.removed(object);
  else if (type !== 'BOOKMARK') following.listener.changed(object);
}

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
}
