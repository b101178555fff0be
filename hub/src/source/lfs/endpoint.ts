import { withTimeout } from '@wheelhouse/shared/async/abort';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { runOverSsh } from '../engines/native/over-ssh.ts';
import type { Remote, RepositoryCredentials } from '../remote.ts';

/** Where the LFS server of a repository is asked, and how. */
export interface Endpoint {
  url: string;
  header: Readonly<Record<string, string>>;
  credentials: RepositoryCredentials;
}

/** Throws what SSH fails with, and RepositoryUnreachable for an answer that names no server. */
export type FindEndpoint = (remote: Remote, signal: AbortSignal) => Promise<Endpoint>;

const keptMs = 60_000;

/**
 * Git LFS: over HTTP the server is beside the repository, whose name ends in .git there; over SSH the host's program
 * `git-lfs-authenticate` names it, with a login that ends soon and is kept for a minute at most.
 */
export function createFindEndpoint(options: { path: string | undefined; timeoutMs: number }): FindEndpoint {
  const known = new LRUCache<string, Endpoint>({ max: 256, ttl: keptMs });
  return async (remote, signal) => {
    const { url, credentials, scheme } = remote;
    if (scheme === 'http' || scheme === 'https')
      return { url: `${withoutEnd(url).replace(/\.git$/u, '')}.git/info/lfs`, header: {}, credentials };
    const key = JSON.stringify([url, credentials]);
    const found = known.get(key);
    if (found) return found;
    const { lifeMs, ...endpoint } = readAnswer(remote, await authenticate(remote, options, signal));
    known.set(key, endpoint, { ttl: Math.max(1, Math.min(keptMs, lifeMs / 2)) });
    return endpoint;
  };
}

async function authenticate(
  remote: Remote,
  { path, timeoutMs }: { path: string | undefined; timeoutMs: number },
  signal: AbortSignal,
): Promise<string> {
  const call = { program: 'git-lfs-authenticate', args: ['download'], path };
  const bounded = withTimeout(signal, timeoutMs);
  try {
    return await runOverSsh(remote, call, bounded);
  } catch (cause) {
    if (signal.aborted || !bounded.aborted) throw cause;
    const message = `repository ${remote.display}: git-lfs-authenticate of its host did not answer within ${timeoutMs / 1_000} s`;
    throw new FleetError('Timeout', message, { cause });
  }
}

const answer = z.object({
  href: z.url({ protocol: /^https?$/u }),
  header: z.record(z.string(), z.string()).optional(),
  /** Seconds. */
  expires_in: z.number().optional(),
  expires_at: z.string().optional(),
});

function readAnswer(remote: Remote, text: string): Endpoint & { lifeMs: number } {
  const read = answer.safeParse(readJson(text));
  if (!read.success)
    throw new FleetError(
      'RepositoryUnreachable',
      `repository ${remote.display}: git-lfs-authenticate of its host names no LFS server`,
    );
  const { href, header = {}, expires_in: seconds, expires_at: end } = read.data;
  const until = end === undefined ? Number.NaN : Date.parse(end) - Date.now();
  const lifeMs = seconds ? seconds * 1_000 : until;
  const credentials = withoutOwnLogin(remote.credentials);
  return { url: withoutEnd(href), header, credentials, lifeMs: Number.isNaN(lifeMs) ? keptMs * 2 : lifeMs };
}

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function withoutEnd(url: string): string {
  return url.replace(/\/+$/u, '');
}

/** What makes a host reachable and trusted, without any login. */
export function withoutOwnLogin({ caPem, proxy, noProxy, insecure }: RepositoryCredentials): RepositoryCredentials {
  return { caPem, proxy, noProxy, insecure };
}
