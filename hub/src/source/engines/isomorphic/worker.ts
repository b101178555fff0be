import { createHash } from 'node:crypto';
import fs, { type WriteFileOptions } from 'node:fs';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import {
  type FetchResult,
  fetch as fetchPack,
  type HttpClient,
  init,
  listServerRefs,
  type PromiseFsClient,
  writeRef,
} from 'isomorphic-git';
import { LRUCache } from 'lru-cache';
import { type Failure, sourceFailure } from '../../failure.ts';
import type { RefList } from '../../refs.ts';
import type { Remote } from '../../remote.ts';
import type { FetchRequest } from '../engine.ts';
import { checkPack } from './check-pack.ts';
import { type Conversation, createConversation } from './conversation.ts';
import type { FetchLimits, FromWorker, ToWorker, WorkerTask } from './messages.ts';

// The thread in which isomorphic-git runs: it would block the hub's event loop for seconds.

const port = parentPort;
if (!port) throw new FleetError('Internal', 'the git worker is not a main program');

const running = new Map<number, AbortController>();
/** isomorphic-git keeps pack indexes here; without one cache a repository it reads them again for each object. */
const caches = new LRUCache<string, object>({ max: 16 });
const refListBytes = 256 << 20;
/** Of looks at refs, for the fetch that mostly follows at once. */
const conversations = new LRUCache<string, Conversation>({
  max: 16,
  ttl: 5_000,
  ttlAutopurge: true,
  dispose: (conversation, _key, reason) => {
    if (reason !== 'delete') conversation[Symbol.dispose]();
  },
});

port.on('message', (message: ToWorker) => {
  if ('abort' in message) running.get(message.id)?.abort();
  else void answer(message.id, message.task);
});

async function answer(id: number, task: WorkerTask): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  let reply: FromWorker;
  try {
    reply = { id, value: await perform(task, controller.signal) };
  } catch (error) {
    const { code, message, details } = toFleetError(error);
    reply = { id, error: { code, message, details } };
  }
  running.delete(id);
  port?.postMessage(reply);
}

async function perform(task: WorkerTask, signal: AbortSignal): Promise<unknown> {
  switch (task.kind) {
    case 'create':
      return await create(task.directory);
    case 'listRefs':
      return await withFailures(task.remote, () => listRefs(task.remote, signal));
    case 'fetch':
      return await withFailures(task.request.remote, () => fetch(task.request, task.limits, signal));
    default:
      return task satisfies never;
  }
}

async function create(directory: string): Promise<void> {
  await init({ fs, gitdir: directory, bare: true, defaultBranch: 'none' });
  // isomorphic-git wants a refspec; this one matches nothing, so no branch name that a server chooses is written
  const config =
    '[core]\n\trepositoryformatversion = 0\n\tbare = true\n[remote "origin"]\n\tfetch = +refs/none/*:refs/none/*\n';
  await fs.promises.writeFile(path.join(directory, 'config'), config);
}

async function listRefs(remote: Remote, signal: AbortSignal): Promise<RefList> {
  using stack = new DisposableStack();
  const conversation = stack.use(createConversation(remote));
  const http = conversation.call({ signal, maxResponseBytes: refListBytes });
  // version 1: one request instead of two, and the list is the same that a fetch begins with
  const listed = await listServerRefs({ http, url: remote.url, symrefs: true, peelTags: true, protocolVersion: 1 });
  stack.move();
  conversations.set(conversationKey(remote), conversation);
  const head = listed.find(({ ref }) => ref === 'HEAD');
  const refs = new Map<string, string>();
  for (const { ref, oid, peeled } of listed)
    if (ref.startsWith('refs/') && !ref.endsWith('^{}')) refs.set(ref, peeled ?? oid);
  return {
    ...(head ? { head: head.oid } : {}),
    ...(head?.target ? { defaultBranch: head.target } : {}),
    refs,
  };
}

/** Goes on where a look at the refs ended a moment ago; where that no longer works (a ref has moved), from the beginning. */
async function fetch(request: FetchRequest, limits: FetchLimits, signal: AbortSignal): Promise<string> {
  const options = { signal, maxResponseBytes: limits.maxResponseBytes };
  const key = conversationKey(request.remote);
  const begun = conversations.get(key);
  conversations.delete(key);
  if (begun) {
    using conversation = begun;
    try {
      return await fetchBy(conversation.call(options), request, limits);
    } catch (error) {
      if (signal.aborted || error instanceof FleetError) throw error;
    }
  }
  using conversation = createConversation(request.remote);
  return await fetchBy(conversation.call(options), request, limits);
}

/** Depth 1 for what is new here; no depth for a ref that is known, so that the server sends only what changed. */
async function fetchBy(http: HttpClient, request: FetchRequest, limits: FetchLimits): Promise<string> {
  const { remote, directory, wanted, everything } = request;
  const ref = `refs/wheelhouse/${createHash('sha256')
    .update(wanted.ref ?? wanted.sha)
    .digest('hex')
    .slice(0, 16)}`;
  const isKnown = fs.existsSync(path.join(directory, ref));
  const cache = cacheOf(directory);
  const result: FetchResult = await fetchPack({
    fs: refusing(remote, limits),
    http,
    cache,
    gitdir: directory,
    url: remote.url,
    remote: 'origin',
    ref,
    remoteRef: wanted.ref ?? wanted.sha,
    singleBranch: !everything,
    tags: everything,
    ...(isKnown || everything ? {} : { depth: 1 }),
  });
  const fetched = everything ? wanted.sha : result.fetchHead;
  if (!fetched) throw sourceFailure('revision', remote);
  // isomorphic-git says as "have" what this local ref names: left behind, each fetch would bring everything since the clone
  await writeRef({ fs, gitdir: directory, ref, value: fetched, force: true });
  return fetched;
}

/** Whoever has other credentials lists other refs. */
function conversationKey({ url, credentials }: Remote): string {
  return JSON.stringify([url, credentials]);
}

function cacheOf(directory: string): object {
  const cache = caches.get(directory) ?? {};
  caches.set(directory, cache);
  return cache;
}

/** The file system that isomorphic-git is given: it writes a pack before it looks into it, so that is where one is refused. */
function refusing(remote: Remote, limits: FetchLimits): PromiseFsClient {
  const writeFile = async (file: string, data: Buffer | string, options?: WriteFileOptions) => {
    if (typeof data !== 'string' && file.endsWith('.pack')) checkPack(data, remote, limits);
    await fs.promises.writeFile(file, data, options);
  };
  return { promises: { ...fs.promises, writeFile } };
}

async function withFailures<T>(remote: Remote, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw toSourceFailure(remote, error);
  }
}

function toSourceFailure(remote: Remote, error: unknown): FleetError {
  if (error instanceof FleetError) return error;
  if (!(error instanceof Error)) return sourceFailure('unreachable', remote, { reason: String(error) });
  if (error.name === 'AbortError') return toFleetError(error);
  const kind = kindOf(error);
  // a status or a missing ref is said by the text itself
  const reason = kind === 'unreachable' || kind === 'certificate' ? { reason: error.message } : {};
  return sourceFailure(kind, remote, { ...reason, cause: error });
}

function kindOf(error: Error): Failure {
  const status = (error as { data?: { statusCode?: unknown } }).data?.statusCode;
  if (status === 401 || status === 403) return 'authentication';
  if (status === 404) return 'missing';
  if (error.name === 'NotFoundError') return 'revision';
  return /CERT|SELF_SIGNED|UNABLE_TO_/.test((error as NodeJS.ErrnoException).code ?? '')
    ? 'certificate'
    : 'unreachable';
}
