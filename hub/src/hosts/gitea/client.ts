import { type SecretRef, tokenCredential } from '../credentials.ts';
import type { HostAccess } from '../host.ts';
import type { HostClient } from '../http/http.ts';

export interface GiteaAccess {
  api: string;
  tokenRef?: SecretRef;
  insecure?: boolean;
}

export function giteaClient({ api, tokenRef, insecure }: GiteaAccess, access: HostAccess): HostClient {
  const base = api.replace(/\/$/, '');
  return access.http.open(
    {
      api: base.endsWith('/api/v1') ? base : `${base}/api/v1`,
      ...(insecure === true ? { insecure } : {}),
      ...tokenCredential(tokenRef, 'token', access),
    },
    access.signal,
  );
}
