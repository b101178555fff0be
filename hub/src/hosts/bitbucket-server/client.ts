import { type EitherCredential, eitherCredential, type TlsOptions, tlsOf } from '../credentials.ts';
import type { HostAccess } from '../host.ts';
import type { HostClient } from '../http/http.ts';

export interface BitbucketServerAccess extends EitherCredential, TlsOptions {
  api: string;
}

export function bitbucketServerClient(options: BitbucketServerAccess, access: HostAccess): HostClient {
  const base = options.api.replace(/\/$/, '').replace(/\/rest(\/api\/(1\.0|latest))?$/, '');
  return access.http.open(
    {
      api: `${base}/rest/api/1.0`,
      headers: { 'x-atlassian-token': 'no-check' },
      ...tlsOf(options, access),
      ...eitherCredential(options, access),
    },
    access.signal,
  );
}

/** Bitbucket Server names where the next page starts. */
export function nextPage(page: Record<string, unknown>): { query: { start: number } } | undefined {
  const { isLastPage, nextPageStart } = page;
  return isLastPage === false && typeof nextPageStart === 'number' ? { query: { start: nextPageStart } } : undefined;
}
