import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

export interface RepositoryCredentials {
  username?: string | undefined;
  /** Password or access token, sent as HTTP basic authentication. */
  password?: string | undefined;
  /** Sent as `Authorization: Bearer`; wins over username and password. */
  bearerToken?: string | undefined;
  /** PEM or OpenSSH private key without passphrase. */
  sshPrivateKey?: string | undefined;
  /** Lines as in `~/.ssh/known_hosts`. Without the host's line an SSH connection is refused. */
  knownHosts?: string | undefined;
  /** Certificate authorities that vouch for an HTTPS host. */
  caPem?: string | undefined;
  /** Client certificate and its key, PEM. */
  tlsCertificate?: string | undefined;
  tlsKey?: string | undefined;
  /** `http://host:port`; hosts in `noProxy` (comma separated) are reached directly. */
  proxy?: string | undefined;
  noProxy?: string | undefined;
  /** Neither certificate nor host key is checked. */
  insecure?: boolean | undefined;
}

/** Argo CD: logs in as an installation of a GitHub App. */
export interface GithubApp {
  id: string;
  /** Looked up when absent. */
  installationId?: string;
  privateKeyPem: string;
  /** GitHub Enterprise: `https://host/api/v3`. */
  apiUrl: string;
}

export interface Repository {
  /** As a user writes it: `https://…`, `http://…`, `ssh://…` or `git@host:path`. */
  url: string;
  credentials?: RepositoryCredentials | undefined;
  githubApp?: GithubApp | undefined;
  /** A chart repository that is an OCI registry, though its URL does not say so. */
  enableOci?: boolean | undefined;
  /** Files that the repository keeps in Git LFS are read from there. */
  enableLfs?: boolean | undefined;
  /** An OCI registry without TLS. */
  plainHttp?: boolean | undefined;
}

/** Every URL that begins with `from` begins with `to` instead; the longest `from` wins (Git: url.<to>.insteadOf). */
export interface Rewrite {
  from: string;
  to: string;
}

export type Scheme = 'http' | 'https' | 'ssh' | 'file';

/** Where a repository really is, and how to log in: what an engine works with. */
export interface Remote {
  /** After rewrites, without credentials. */
  url: string;
  /** For messages: the URL as written, and what it was rewritten to. Never holds a credential. */
  display: string;
  scheme: Scheme;
  /** Host and port, as they stand in the URL. */
  host: string;
  credentials: RepositoryCredentials;
}

/** Resolves rewrites, moves credentials out of the URL, and refuses schemes that are not allowed. Throws Invalid. */
export function toRemote(
  repository: Repository,
  options: { rewrites: readonly Rewrite[]; allowFile: boolean },
): Remote {
  const written = repository.url.trim();
  const { url, inUrl } = splitCredentials(rewrite(written, options.rewrites));
  const { scheme, host } = parseLocation(url);
  const original = splitCredentials(written).url;
  const display = original === url ? url : `${original} (rewritten to ${url})`;
  if (scheme === undefined || (scheme === 'file' && !options.allowFile) || /\p{Cc}/u.test(url))
    throw new FleetError(
      'Invalid',
      `repository URL "${display}" is refused: use https://, http://, ssh:// or git@host:path`,
    );
  return { url, display, scheme, host, credentials: { ...inUrl, ...repository.credentials } };
}

const defaultPorts: Readonly<Record<string, string>> = { http: ':80', https: ':443', oci: ':443', ssh: ':22' };

/**
 * What is dialled for a URL, before rewrites: scheme, host and port. A login for one place goes to no other. `user@host:path` is the
 * place of `ssh://host`. Undefined for what has no host, or another one depending on who reads it.
 */
export function placeOf(written: string): string | undefined {
  const { url } = splitCredentials(written.trim());
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return bareHost(url);
  const host = parseLocation(url).host.toLowerCase().replace(/:$/u, '');
  if (host === '') return undefined;
  const port = defaultPorts[scheme] ?? '';
  const place = /:\d+$/u.test(host) ? host : host + port;
  return scheme === 'ssh' && place.endsWith(port) ? `//${place.slice(0, -port.length)}` : `${scheme}://${place}`;
}

/** Of `user@host:path`, and of a registry: `host:5000/path`. An @ further on would make another host of it in a URL. */
function bareHost(url: string): string | undefined {
  const parts = /^([^@:/?#\s]+@)?(\[[^\]@]+\]|[^@:/?#\s[\]]+)(:\d+)?(?::[^@/?#]*)?(?:[/?#]|$)/u.exec(url);
  if (!parts) return undefined;
  const [, user, host = '', port = ''] = parts;
  return `//${host.toLowerCase()}${user === undefined ? port : ''}`;
}

/** Names a repository's folder. Credentials are no part of it: who may read a repository is decided before it is opened. */
export function remoteKey(remote: Remote, engine: string): string {
  const normal = remote.url.replace(/\/+$/, '');
  return createHash('sha256').update(`${engine}\n${normal}`).digest('hex').slice(0, 32);
}

function rewrite(url: string, rewrites: readonly Rewrite[]): string {
  let best: Rewrite | undefined;
  for (const candidate of rewrites)
    if (url.startsWith(candidate.from) && candidate.from.length > (best?.from.length ?? -1)) best = candidate;
  return best ? best.to + url.slice(best.from.length) : url;
}

/** An SSH user stays in the URL, as it is part of the address; an SSH password in it is dropped, for SSH takes keys only. */
function splitCredentials(url: string): { url: string; inUrl: RepositoryCredentials } {
  const parts = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@(.*)$/is.exec(url);
  if (!parts) return { url, inUrl: {} };
  const [, scheme = '', userInfo = '', rest = ''] = parts;
  const colon = userInfo.indexOf(':');
  const username = colon < 0 ? userInfo : userInfo.slice(0, colon);
  if (scheme.toLowerCase() === 'ssh://') return { url: `${scheme}${username}@${rest}`, inUrl: {} };
  const inUrl: RepositoryCredentials = { username: decode(username) };
  if (colon >= 0) inUrl.password = decode(userInfo.slice(colon + 1));
  return { url: scheme + rest, inUrl };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is meant literally
  }
}

function parseLocation(url: string): { scheme: Scheme | undefined; host: string } {
  const [, scheme, afterScheme = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(url) ?? [];
  if (scheme !== undefined) {
    const host = /^(?:[^/?#]*@)?([^/?#]*)/.exec(afterScheme)?.[1] ?? '';
    return { scheme: toScheme(scheme.toLowerCase(), host), host };
  }
  if (url.startsWith('/')) return { scheme: 'file', host: '' };
  // Git: scp-like syntax has a colon before the first slash; two colons name a remote helper
  const host = /^(?:[^@/:\s]+@)?(\[[^\]]+\]|[^/:\s]+):(?!:)\S/.exec(url)?.[1] ?? '';
  return { scheme: toScheme('ssh', host), host };
}

/** A host that begins with a dash would be an option to ssh. */
function toScheme(name: string, host: string): Scheme | undefined {
  if (name === 'file') return name;
  const isHost = host !== '' && !host.startsWith('-') && !/\s/.test(host);
  return isHost && (name === 'http' || name === 'https' || name === 'ssh') ? name : undefined;
}
