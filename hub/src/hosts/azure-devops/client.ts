import { basicCredential, type SecretRef } from '../credentials.ts';
import type { HostAccess } from '../host.ts';
import type { HostClient } from '../http/http.ts';

export interface AzureDevOpsAccess {
  organization: string;
  api?: string;
  /** A personal access token. */
  tokenRef?: SecretRef;
}

export const apiVersion = '7.1';

export function azureDevOpsClient({ organization, api, tokenRef }: AzureDevOpsAccess, access: HostAccess): HostClient {
  const base = (api || 'https://dev.azure.com').replace(/\/$/, '');
  return access.http.open(
    {
      api: `${base}/${encodeURIComponent(organization)}`,
      ...(tokenRef === undefined ? {} : basicCredential('', access.secret(tokenRef).trim())),
    },
    access.signal,
  );
}

export function shortBranch(ref: string): string {
  return ref.replace(/^refs\/heads\//, '');
}
