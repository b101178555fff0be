/**
 * Single files by URL, as Helm reads value files and kustomize resources. Kept by digest. No login of a repository is ever sent for them: whoever names a URL
 * need not be whom the login is meant for.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createArchiveCache } from './charts/archive-cache.ts';
import { createHttpClient, withoutLogin } from './http/http-client.ts';
import { fileName } from './location.ts';
import { createMemorySnapshot } from './memory-snapshot.ts';
import type { Repository } from './remote.ts';
import type { Snapshot } from './snapshot.ts';

export interface RemoteFiles {
  /** Downloads the file at the URL; `sha` is its sha256 (hex). Throws PathNotFound, RepositoryUnreachable, TooLarge, Timeout, Aborted. */
  fetch(place: Repository, signal: AbortSignal): Promise<{ sha: string }>;
  /** A snapshot of `fileName`, and of a kustomization of it, downloaded again when it is not here. Throws as `fetch`. */
  open(place: Repository, sha: string, signal: AbortSignal): Promise<Snapshot & Disposable>;
}

export interface RemoteFilesOptions {
  directory: string;
  timeoutMs: number;
}

/** Of one file. */
const maxBytes = 10 << 20;

export function createRemoteFiles({ directory, timeoutMs }: RemoteFilesOptions): RemoteFiles {
  const cache = createArchiveCache({ directory });
  const download = async (place: Repository, signal: AbortSignal) => {
    const content = await get(place, timeoutMs, signal);
    return { content, sha: await cache.put(content) };
  };
  return {
    fetch: async (place, signal) => ({ sha: (await download(place, signal)).sha }),
    open: async (place, sha, signal) => {
      const content = (await cache.find(sha)) ?? (await downloadAgain(place, sha, () => download(place, signal)));
      const files = { [fileName]: content, 'kustomization.yaml': `resources: [${fileName}]\n` };
      return { ...createMemorySnapshot(files, sha), [Symbol.dispose]: () => undefined };
    },
  };
}

async function downloadAgain(
  { url }: Repository,
  sha: string,
  download: () => Promise<{ content: Buffer; sha: string }>,
): Promise<Buffer> {
  const found = await download();
  if (found.sha === sha) return found.content;
  throw new FleetError('DigestMismatch', `${withoutLogin(url)} has changed since it was read: it is looked at again`);
}

async function get({ url, credentials }: Repository, timeoutMs: number, signal: AbortSignal): Promise<Buffer> {
  const where = withoutLogin(url);
  if (!/^https?:\/\//iu.test(url))
    throw new FleetError('Unsupported', `${where}: files are read over http and https only: keep it in a repository`);
  if (URL.parse(url)?.username)
    throw new FleetError(
      'Invalid',
      `${where}: a login in a URL is in Git for all to read: put the file into a repository`,
    );
  const { caPem, insecure, proxy, noProxy } = credentials ?? {};
  await using http = createHttpClient({ credentials: { caPem, insecure, proxy, noProxy }, timeoutMs });
  const { status, body } = await http.send({ url, maxBytes }, signal);
  if (status === 200) return body;
  const code = status === 404 || status === 410 ? 'PathNotFound' : 'RepositoryUnreachable';
  throw new FleetError(code, `${where} cannot be read: its server answers ${status}`);
}
