/**
 * Files that a repository keeps in Git LFS: shows a snapshot with their content in place of the pointers, downloaded when something
 * reads them. Git LFS: batch API, transfer "basic". It must never send the repository's login to another host, or take content that
 * is not what the pointer says.
 */
import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { type ArchiveCache, createArchiveCache } from '../charts/archive-cache.ts';
import { createHttpClient, type HttpAnswer, withoutLogin } from '../http/http-client.ts';
import { type Remote, type Repository, type Rewrite, toRemote } from '../remote.ts';
import type { Snapshot } from '../snapshot.ts';
import { createFindEndpoint, type Endpoint, type FindEndpoint, withoutOwnLogin } from './endpoint.ts';
import { type Pointer, parsePointer } from './pointer.ts';

export interface Lfs {
  /** Reading throws what downloading throws, and Aborted after the signal. */
  open(snapshot: Snapshot, repository: Repository, signal: AbortSignal): Snapshot;
}

export interface LfsOptions {
  /** Holds what was downloaded, by its digest. */
  directory: string;
  /** Of one request. */
  timeoutMs: number;
  rewrites: readonly Rewrite[];
  /** PATH of the process, for ssh. */
  path: string | undefined;
}

/** As of files in Git. */
const maxBytes = 64 << 20;
const maxGrants = 10_000;

export function createLfs({ directory, timeoutMs, rewrites, path }: LfsOptions): Lfs {
  const findEndpoint = createFindEndpoint({ path, timeoutMs });
  const cache = createArchiveCache({ directory });
  const granted = new LRUCache<string, true>({ max: maxGrants });
  return {
    open: (snapshot, repository, signal) => ({
      ...snapshot,
      read: async (oid) => {
        const content = await snapshot.read(oid);
        const pointer = parsePointer(content);
        if (!pointer) return content;
        const remote = toRemote(repository, { rewrites, allowFile: false });
        return await bring(pointer, { remote, cache, granted, findEndpoint, timeoutMs }, signal);
      },
    }),
  };
}

interface Place {
  remote: Remote;
  cache: ArchiveCache;
  /** Which repository has which files: anybody could write the digest of another's file into a pointer. */
  granted: LRUCache<string, true>;
  findEndpoint: FindEndpoint;
  timeoutMs: number;
}

async function bring(pointer: Pointer, place: Place, signal: AbortSignal): Promise<Buffer> {
  const { remote, cache, granted } = place;
  if (pointer.bytes > maxBytes)
    throw new FleetError('TooLarge', `${nameOf(pointer, remote)} has ${pointer.bytes} bytes, more than ${maxBytes}`);
  const grant = `${remote.url} ${pointer.oid}`;
  const known = await cache.find(pointer.oid);
  if (known && granted.has(grant)) return known;
  const endpoint = await place.findEndpoint(remote, signal);
  const offer = await ask(pointer, { ...place, endpoint }, signal);
  granted.set(grant, true);
  if (known) return known;
  const content = await download(pointer, { ...place, endpoint, offer }, signal);
  if (createHash('sha256').update(content).digest('hex') !== pointer.oid)
    throw new FleetError('DigestMismatch', `${nameOf(pointer, remote)} is not what its pointer says: push it again`);
  await cache.put(content);
  return content;
}

type Asked = Place & { endpoint: Endpoint };

interface Offer {
  href: string;
  header?: Record<string, string> | undefined;
}

/** Where the repository's server has the file; throws what it refuses. */
async function ask(
  pointer: Pointer,
  { remote, endpoint: { url, header, credentials }, timeoutMs }: Asked,
  signal: AbortSignal,
): Promise<Offer> {
  await using http = createHttpClient({ credentials, timeoutMs });
  const { headers, ...asked } = question(pointer);
  const to = { url: `${url}/objects/batch`, headers: { ...lowerCase(header), ...headers }, maxBytes: 1 << 20 };
  const batch = await http.send({ ...asked, ...to }, signal);
  return readBatch(batch, pointer, remote);
}

async function download(
  pointer: Pointer,
  { remote, timeoutMs, endpoint, offer: { href, header = {} } }: Asked & { offer: Offer },
  signal: AbortSignal,
): Promise<Buffer> {
  const { credentials } = endpoint;
  // stores have logins of their own, which the server gives
  const isNear = URL.parse(href)?.origin === new URL(endpoint.url).origin;
  await using store = createHttpClient({ credentials: isNear ? credentials : withoutOwnLogin(credentials), timeoutMs });
  const headers = lowerCase(isNear ? { ...endpoint.header, ...header } : header);
  const answer = await store.send({ url: href, headers, maxBytes: pointer.bytes }, signal);
  if (answer.status === 200) return answer.body;
  throw new FleetError(
    'RepositoryUnreachable',
    `${nameOf(pointer, remote)} cannot be downloaded: ${answer.status} of ${withoutLogin(href)}`,
  );
}

const mediaType = 'application/vnd.git-lfs+json';

function question({ oid, bytes }: Pointer) {
  const objects = [{ oid, size: bytes }];
  return {
    method: 'POST' as const,
    headers: { accept: mediaType, 'content-type': mediaType },
    body: JSON.stringify({ operation: 'download', transfers: ['basic'], objects, hash_algo: 'sha256' }),
  };
}

const batchAnswer = z.object({
  transfer: z.string().optional(),
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z
        .object({ download: z.object({ href: z.string(), header: z.record(z.string(), z.string()).optional() }) })
        .optional(),
      error: z.object({ code: z.number(), message: z.string() }).optional(),
    }),
  ),
});

function readBatch({ status, body }: HttpAnswer, pointer: Pointer, remote: Remote) {
  const what = nameOf(pointer, remote);
  if (status === 401 || status === 403)
    throw new FleetError(
      'RepositoryAuthentication',
      `${what} cannot be had: the server refuses the credentials given (${status}); check that they are current and may read it`,
    );
  if (status !== 200)
    throw new FleetError('RepositoryUnreachable', `${what} cannot be had: its LFS server answers ${status}`);
  const found = batchAnswer.safeParse(readJson(body)).data?.objects.find(({ oid }) => oid === pointer.oid);
  if (found?.actions && /^https?:\/\//iu.test(found.actions.download.href)) return found.actions.download;
  const reason = found?.error ? `${found.error.message} (${found.error.code})` : 'its LFS server offers no download';
  throw new FleetError('RepositoryUnreachable', `${what} cannot be had: ${reason}`);
}

function readJson(body: Buffer): unknown {
  try {
    return parseJson(body.toString());
  } catch {
    return undefined;
  }
}

function lowerCase(header: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]));
}

function nameOf({ oid }: Pointer, { display }: Remote): string {
  return `file ${oid.slice(0, 12)} in Git LFS of ${display}`;
}
