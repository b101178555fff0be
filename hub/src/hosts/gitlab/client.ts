import { identityOf, type SecretRef, type TlsOptions, tlsOf } from '../credentials.ts';
import type { HostAccess } from '../host.ts';
import type { HostClient } from '../http/http.ts';

export interface GitlabAccess extends TlsOptions {
  api?: string;
  tokenRef?: SecretRef;
}

export function gitlabClient({ api, tokenRef, ...tls }: GitlabAccess, access: HostAccess): HostClient {
  const token = tokenRef && access.secret(tokenRef).trim();
  const base = (api || 'https://gitlab.com').replace(/\/$/, '');
  return access.http.open(
    {
      api: base.endsWith('/api/v4') ? base : `${base}/api/v4`,
      ...tlsOf(tls, access),
      ...(token === undefined ? {} : { headers: { 'private-token': token }, identity: identityOf('gitlab', token) }),
    },
    access.signal,
  );
}
