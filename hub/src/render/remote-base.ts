import type { SourceLocation } from '../source/location.ts';

/** A kustomization in another repository. */
export interface RemoteBase {
  location: SourceLocation;
  /** From that repository's root. */
  path: string;
}

/**
 * Reads a remote base as kustomize writes it: `https://host/org/repo//path?ref=v1`, `git@host:org/repo.git/path`,
 * `github.com/org/repo/path`; `//` or `.git` ends the repository, else the second segment after the host. Undefined when the text
 * is a path.
 */
export function parseRemoteBase(reference: string): RemoteBase | undefined {
  if (!looksRemote(reference)) return undefined;
  const [address = '', query = ''] = reference.replace(/^git::/u, '').split('?');
  const { host, rest } = splitHost(address);
  const { repository, path } = splitRepository(rest, host.startsWith('file:'));
  const parameters = new URLSearchParams(query);
  const targetRevision = parameters.get('ref') ?? parameters.get('version') ?? '';
  return { location: { repoURL: `${schemeOf(host)}${repository}`, targetRevision }, path: path.replace(/\/+$/u, '') };
}

/** A URL, `host/path`, `user@host:path`, or anything with a Git ref. */
function looksRemote(reference: string): boolean {
  return /:\/\/|^git::|^[\w.-]+@[\w.-]+:|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}[/:]|[?&](?:ref|version)=|\.git(?:\/|$)/u.test(
    reference,
  );
}

/** A file by URL rather than a repository: kustomize downloads it as it is. */
export function isRemoteFile(reference: string): boolean {
  return (
    /^https?:\/\//u.test(reference) && /\.(?:ya?ml|json)$/u.test(reference) && !/\.git\/|\/\/.*\/\//u.test(reference)
  );
}

function splitHost(address: string): { host: string; rest: string } {
  const match = /^(?<host>[a-z][a-z0-9+.-]*:\/\/[^/]*\/?|[\w.-]+@[\w.-]+:|[^/]+\/)/iu.exec(address);
  const host = match?.groups?.['host'] ?? '';
  return { host, rest: address.slice(host.length) };
}

/** `github.com/` is https. */
function schemeOf(host: string): string {
  return host.includes('://') || host.includes('@') ? host : `https://${host}`;
}

function splitRepository(rest: string, local: boolean): { repository: string; path: string } {
  const double = rest.indexOf('//');
  if (double >= 0) return { repository: rest.slice(0, double), path: rest.slice(double + 2) };
  const git = /\.git(?=\/|$)/u.exec(rest);
  if (git) return { repository: rest.slice(0, git.index + 4), path: rest.slice(git.index + 5) };
  const segments = rest.split('/');
  const length = local ? segments.length : 2;
  return { repository: segments.slice(0, length).join('/'), path: segments.slice(length).join('/') };
}
