import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { GithubApp, Repository, RepositoryCredentials } from './remote.ts';

export type RepositoryFields = Omit<Repository, 'url'>;

const unbuilt: Record<string, string> = {
  gcpServiceAccountKey: 'give a password or a token instead',
  useAzureWorkloadIdentity: 'give a password or a token instead',
};

/** Argo CD: entries of `repository` and `repo-creds` Secrets. Throws Unsupported for an entry that is not built, and Invalid. */
export function parseRepositoryFields(fields: Readonly<Record<string, string>>, what: string): RepositoryFields {
  for (const [field, instead] of Object.entries(unbuilt))
    if (fields[field] && fields[field] !== 'false')
      throw new FleetError('Unsupported', `${what}: ${field} is not supported: ${instead}`);
  const githubApp = parseGithubApp(fields, what);
  return {
    credentials: parseCredentials(fields),
    ...(githubApp ? { githubApp } : {}),
    ...(fields['enableOCI'] === 'true' || fields['type'] === 'oci' ? { enableOci: true } : {}),
    ...(fields['enableLfs'] === 'true' ? { enableLfs: true } : {}),
    ...(fields['insecureOCIForceHttp'] === 'true' ? { plainHttp: true } : {}),
  };
}

/** Entries that are taken as they are, and what they are called here. */
const taken: Record<string, keyof RepositoryCredentials> = {
  username: 'username',
  password: 'password',
  bearerToken: 'bearerToken',
  sshPrivateKey: 'sshPrivateKey',
  sshKnownHosts: 'knownHosts',
  tlsClientCertAuthority: 'caPem',
  tlsClientCertData: 'tlsCertificate',
  tlsClientCertKey: 'tlsKey',
  proxy: 'proxy',
  noProxy: 'noProxy',
};

function parseCredentials(fields: Readonly<Record<string, string>>): RepositoryCredentials {
  const texts = Object.entries(taken).flatMap(([entry, field]) => (fields[entry] ? [[field, fields[entry]]] : []));
  const insecure = fields['insecure'] === 'true' || fields['insecureIgnoreHostKey'] === 'true';
  return { ...(Object.fromEntries(texts) as RepositoryCredentials), ...(insecure ? { insecure } : {}) };
}

function parseGithubApp(fields: Readonly<Record<string, string>>, what: string): GithubApp | undefined {
  const { githubAppID: id, githubAppInstallationID, githubAppPrivateKey, githubAppEnterpriseBaseUrl } = fields;
  if (!id) return undefined;
  if (!githubAppPrivateKey) throw new FleetError('Invalid', `${what}: githubAppID needs githubAppPrivateKey`);
  return {
    id,
    privateKeyPem: githubAppPrivateKey,
    apiUrl: (githubAppEnterpriseBaseUrl || 'https://api.github.com').replace(/\/+$/u, ''),
    ...(githubAppInstallationID ? { installationId: githubAppInstallationID } : {}),
  };
}
