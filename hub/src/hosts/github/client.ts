import { type SecretRef, tokenCredential } from '../credentials.ts';
import type { HostAccess } from '../host.ts';
import type { HostClient, Target } from '../http/http.ts';
import { appCredential } from './app.ts';

export interface GithubAccess {
  api?: string;
  tokenRef?: SecretRef;
  /** A Secret with a GitHub App's id, installation and key. */
  appSecretName?: string;
}

export function githubClient({ api, tokenRef, appSecretName }: GithubAccess, access: HostAccess): HostClient {
  const target: Target = {
    api: apiOf(api),
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
  };
  const credential =
    appSecretName === undefined || appSecretName === ''
      ? tokenCredential(tokenRef, 'Bearer', access)
      : appCredential(target, access.secretEntries(appSecretName), access);
  return access.http.open({ ...target, ...credential }, access.signal);
}

/** GitHub Enterprise Server has its API below /api/v3, unless its host is one for the API alone. */
function apiOf(api: string | undefined): string {
  if (api === undefined || api === '' || !URL.canParse(api)) return api || 'https://api.github.com';
  const { hostname, pathname } = new URL(api);
  const isWhole = pathname.replace(/\/$/, '').endsWith('/api/v3') || /^api\.|\.api\./.test(hostname);
  const isLocal = /^(localhost|127\.)/.test(hostname);
  return isWhole || isLocal ? api : `${api.replace(/\/$/, '')}/api/v3`;
}
