/**
 * Which credentials go with a repository URL: Argo CD's `repository` Secrets (same URL), `repo-creds` (longest prefix), and the
 * certificate authorities and SSH hosts of `argocd-tls-certs-cm` and `argocd-ssh-known-hosts-cm`. What it returns is never logged.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import {
  type ConfigMap,
  type Secret,
  type SecretType,
  secretEntries,
  secretTypeLabel,
  secretTypeOf,
} from '@wheelhouse/shared/resources/settings';
import type { StoredSpec } from '../store/specs.ts';
import { withoutLogin } from './http/http-client.ts';
import { placeOf } from './remote.ts';
import { parseRepositoryFields, type RepositoryFields } from './repository-fields.ts';
import type { Repository } from './source.ts';

export interface RepositorySettings {
  secrets: readonly StoredSpec[];
  configMaps?: readonly StoredSpec[];
}

/**
 * What may write there: Secrets `repository-write` (same URL), else `repo-write-creds` (longest prefix), for all projects or for the
 * only one that asks. Never one that is for reading. Throws RepositoryAuthentication when there is none, and Unsupported.
 */
export function findWriteRepository(
  written: string,
  projects: ReadonlySet<string>,
  { secrets, configMaps = [] }: RepositorySettings,
): Repository {
  const { url, own, template } = findWriters(written, projects, secrets);
  const login = merge(parse(own), parse(template));
  if (!login)
    throw new FleetError(
      'RepositoryAuthentication',
      `no login may write to ${withoutLogin(url)}: add a Secret with its url, labelled ${secretTypeLabel}: repository-write`,
      { retryable: false },
    );
  const { credentials, ...rest } = login;
  return { url, ...rest, credentials: { ...trustOf(url, configMaps), ...credentials } };
}

/** Another text whenever what may write there, or what is trusted of its host, changes; holds nothing of a login. */
export function versionOfWriter(
  written: string,
  projects: ReadonlySet<string>,
  { secrets, configMaps = [] }: RepositorySettings,
): string {
  const { url, own, template } = findWriters(written, projects, secrets);
  return digestOf(canonicalJson([own?.version, template?.version, trustOf(url, configMaps)]));
}

function findWriters(written: string, projects: ReadonlySet<string>, secrets: readonly StoredSpec[]) {
  // what the URL itself holds is for reading
  const url = written.replace(/^(https?:\/\/)[^/?#]*@/iu, '$1');
  const entries = secrets
    .map(readEntry)
    .filter(({ fields: { project } }) => !project || (projects.size === 1 && projects.has(project)));
  const own = entries.find(({ type, fields }) => type === 'repository-write' && sameUrl(fields['url'] ?? '', url));
  return { url, own, template: findTemplate(url, entries, 'repo-write-creds') };
}

/** Finds what is known of a URL, or of `@name` and `alias:name` (Helm); without an entry, the URL alone. Throws Unsupported, NotFound. */
export function findRepository(written: string, { secrets, configMaps = [] }: RepositorySettings): Repository {
  const entries = secrets.map(readEntry);
  const { url, exact } = findEntry(written, entries);
  const login = merge(parse(exact), parse(findTemplate(url, entries, 'repo-creds')));
  const { credentials: own, ...rest } = login ?? {};
  const credentials = { ...trustOf(url, configMaps), ...own };
  return { url, ...rest, ...(Object.keys(credentials).length > 0 ? { credentials } : {}) };
}

function findEntry(written: string, entries: readonly Entry[]): { url: string; exact: Entry | undefined } {
  const repositories = entries.filter(({ type }) => type === 'repository');
  const alias = /^(?:@|alias:)(?<name>.+)$/u.exec(written)?.groups?.['name'];
  if (alias === undefined)
    return { url: written, exact: repositories.find(({ fields }) => sameUrl(fields['url'] ?? '', written)) };
  const exact = repositories.find(({ fields }) => fields['name'] === alias);
  const url = exact?.fields['url'];
  if (url !== undefined) return { url, exact };
  throw new FleetError('NotFound', `no repository Secret has the name ${alias}, which a chart refers to as ${written}`);
}

function findTemplate(url: string, entries: readonly Entry[], type: SecretType): Entry | undefined {
  let longest: Entry | undefined;
  for (const entry of entries) {
    const prefix = entry.fields['url'];
    if (entry.type !== type || !prefix || !isWithin(url, prefix)) continue;
    if (prefix.length > (longest?.fields['url']?.length ?? 0)) longest = entry;
  }
  return longest;
}

/** A prefix is of one host and port, however it goes on: `https://git.example` is not `https://git.example.org`, nor port 8443. */
function isWithin(url: string, prefix: string): boolean {
  if (!normalize(url).startsWith(normalize(prefix))) return false;
  if (/^[a-z][a-z0-9+.-]*:\/\/$/iu.test(prefix)) return true;
  const place = placeOf(prefix);
  return place !== undefined && place === placeOf(url);
}

/** Argo CD: an entry that has a login of its own takes none of the template's. */
function merge(own: RepositoryFields | undefined, shared: RepositoryFields | undefined): RepositoryFields | undefined {
  if (!shared || hasLogin(own)) return own;
  return { ...shared, ...own, credentials: { ...shared.credentials, ...own?.credentials } };
}

interface Entry {
  type: string | undefined;
  name: string;
  /** Another one after each change. */
  version: string;
  fields: Record<string, string>;
}

function readEntry({ resource, revision }: StoredSpec): Entry {
  const secret = resource as Secret;
  const name = `${secret.metadata.namespace}/${secret.metadata.name}`;
  return { type: secretTypeOf(secret), name, version: `${name} ${revision}`, fields: secretEntries(secret) };
}

function parse(entry: Entry | undefined): RepositoryFields | undefined {
  return entry && parseRepositoryFields(entry.fields, `repository Secret ${entry.name}`);
}

function hasLogin(fields: RepositoryFields | undefined): boolean {
  const { password, username, bearerToken, sshPrivateKey, tlsCertificate } = fields?.credentials ?? {};
  return Boolean(password ?? username ?? bearerToken ?? sshPrivateKey ?? tlsCertificate ?? fields?.githubApp);
}

/** Argo CD: certificates by host name (with port, or without), and one list of SSH hosts. */
function trustOf(url: string, configMaps: readonly StoredSpec[]): { caPem?: string; knownHosts?: string } {
  const find = (name: string) =>
    configMaps.map((spec) => spec.resource as ConfigMap).find(({ metadata }) => metadata.name === name)?.data;
  const host = hostOf(url);
  const certificates = find('argocd-tls-certs-cm') ?? {};
  const caPem = certificates[host] ?? certificates[host.replace(/:\d+$/u, '')];
  const knownHosts = find('argocd-ssh-known-hosts-cm')?.['ssh_known_hosts'];
  return { ...(caPem ? { caPem } : {}), ...(knownHosts ? { knownHosts } : {}) };
}

/** Of a URL with or without protocol and user, as it is written, with its port. */
function hostOf(url: string): string {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/?#]*@)?(?<host>[^/?#]*)/iu.exec(url)?.groups?.['host'] ?? '';
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
