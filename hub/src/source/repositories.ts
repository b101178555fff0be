/** Which credentials go with a repository URL: Argo CD's `repository` Secrets (exact URL) and `repo-creds` (longest prefix). */
import type { StoredSpec } from '../store/specs.ts';
import type { Repository, RepositoryCredentials } from './source.ts';

const typeLabel = 'argocd.argoproj.io/secret-type';

interface SecretResource {
  metadata: { labels?: Record<string, string>; name?: string };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/** Finds the repository entry for a URL; without one, the URL alone. */
export function findRepository(url: string, secrets: readonly StoredSpec[]): Repository {
  const entries = secrets
    .map((spec) => spec.resource as unknown as SecretResource)
    .map((secret) => ({ type: secret.metadata.labels?.[typeLabel], fields: secretFields(secret) }));
  const exact = entries.find((entry) => entry.type === 'repository' && sameUrl(entry.fields['url'] ?? '', url));
  const template = entries
    .filter(
      (entry) =>
        entry.type === 'repo-creds' && entry.fields['url'] !== undefined && url.startsWith(entry.fields['url']),
    )
    .sort((a, b) => (b.fields['url']?.length ?? 0) - (a.fields['url']?.length ?? 0))[0];
  const credentials = { ...parseCredentials(template?.fields ?? {}), ...parseCredentials(exact?.fields ?? {}) };
  return Object.keys(credentials).length > 0 ? { url, credentials } : { url };
}

/** Argo CD: fields of repository Secrets. `data` is base64, `stringData` is not. */
export function secretFields(secret: Pick<SecretResource, 'data' | 'stringData'>): Record<string, string> {
  const decoded = Object.entries(secret.data ?? {}).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString(),
  ]);
  return { ...Object.fromEntries(decoded), ...secret.stringData };
}

function parseCredentials(fields: Record<string, string>): RepositoryCredentials {
  const { username, password, bearerToken, sshPrivateKey, sshKnownHosts, tlsClientCertAuthority, insecure } = fields;
  return {
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(bearerToken ? { bearerToken } : {}),
    ...(sshPrivateKey ? { sshPrivateKey } : {}),
    ...(sshKnownHosts ? { knownHosts: sshKnownHosts } : {}),
    ...(tlsClientCertAuthority ? { caPem: tlsClientCertAuthority } : {}),
    ...(insecure === 'true' ? { insecure: true } : {}),
  };
}

/** Argo CD: the same repository with and without `.git`, whatever the case of its host. */
function sameUrl(a: string, b: string): boolean {
  return normalize(a) === normalize(b);
}

function normalize(url: string): string {
  return url
    .replace(/\.git$/, '')
    .replace(/\/$/, '')
    .toLowerCase();
}
